"""The energy of a build folder, as it is on disk."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import TINY, run_netgen

from netgen.energy import EnergySettings, activity_of
from netgen.errors import BuildError, DataError
from netgen.flow.build import build
from netgen.flow.energy import energy_in, load_words
from netgen.flow.folder import load_circuit, load_operators
from netgen.ir.circuit import evaluate
from netgen.spec.spec import parse_spec


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small build of digits."""
    text = TINY.replace("hidden: [6]", "hidden: [8]").replace("{rounds: 1,", "{rounds: 1, sparsity: 0.7,")
    return build(parse_spec(text + "name: tiny\n"), out=tmp_path_factory.mktemp("out")).folder


def test_a_build_reports_the_energy_that_its_folder_gives(folder: Path) -> None:
    told = json.loads((folder / "report.json").read_text())["energy"]
    found = energy_in(folder, ("wires", "eyeriss")).energies
    assert [one["model"] for one in told] == ["wires", "eyeriss"]
    for one, other in zip(told, found, strict=True):
        assert sum(part["amount"] for part in one["parts"]) == pytest.approx(sum(part.amount for part in other.parts))


def test_toggles_are_those_of_the_test_samples_in_their_order(folder: Path) -> None:
    """The bits of the scores' registers change as often as the scores of `evaluate`, one sample after the other."""
    circuit, words = load_circuit(folder), load_words(folder).words
    graph = load_operators(folder)
    scores = evaluate(circuit, words)
    changed = np.bitwise_count((scores[1:] ^ scores[:-1]) & ((1 << circuit.score_format.width) - 1))
    activity = activity_of(circuit, graph, words)
    width = [graph.operators[number].width for number in graph.scores]
    narrow = [np.bitwise_count((scores[1:, k] ^ scores[:-1, k]) & ((1 << w) - 1)).sum() for k, w in enumerate(width)]
    assert activity.neurons[circuit.scores].tolist() == [int(total) for total in narrow]
    assert changed.sum() >= sum(narrow)


def test_energy_needs_no_report_and_no_ledger_of_this_version(folder: Path, tmp_path: Path) -> None:
    """A build of an earlier version: other reports, and a spec without the keys that came later."""
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    for name in ("report.json", "report.html", "build.json", "check.json", "proof.json", "top.v"):
        (old / name).unlink()
    spec = (old / "spec.yaml").read_text()
    (old / "spec.yaml").write_text("\n".join(line for line in spec.splitlines() if "average_at" not in line) + "\n")
    assert energy_in(old, ("wires",)).energies == energy_in(folder, ("wires",)).energies


def test_the_accelerator_needs_no_samples(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    spec = (moved / "spec.yaml").read_text()
    spec = spec.replace("source: digits", "source: idx").replace("path: null", "path: gone")
    (moved / "spec.yaml").write_text(spec)
    assert energy_in(moved, ("eyeriss",)).energies == energy_in(folder, ("eyeriss",)).energies
    with pytest.raises(DataError, match=r"/gone: not found"):
        energy_in(moved, ("wires",))


def test_the_order_of_the_samples_matters_and_is_told(folder: Path) -> None:
    orders = {order: energy_in(folder, ("wires",), order=order).energies[0] for order in ("test", "shuffle", "worst")}
    assert len({one.amount for one in orders.values()}) == 3
    assert orders["worst"].amount > orders["test"].amount
    assert orders["test"].conditions[1] == "360 samples, in the order given"
    assert orders["shuffle"].conditions[1] == "360 samples, shuffled with seed 1"


def test_some_samples_are_the_first_of_the_test_set(folder: Path) -> None:
    (found,) = energy_in(folder, ("wires",), samples=10).energies
    assert found.conditions[:2] == ("the first 10 of 360 test samples", "10 samples, in the order given")


def test_zeros_cost_an_accelerator_more(folder: Path) -> None:
    (sparse,) = energy_in(folder, ("eyeriss",)).energies
    (dense,) = energy_in(folder, ("eyeriss",), settings=EnergySettings(zeros="included")).energies
    assert dense.amount > sparse.amount


def test_the_model_fpga_says_what_it_needs(folder: Path) -> None:
    with pytest.raises(BuildError) as error:
        energy_in(folder, ("fpga",))
    fix = "not routed, or not measured; run netgen fpga --lengths first"
    assert str(error.value) == f"{folder}: {fix}"


def test_operators_of_another_circuit_are_refused(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    tree = json.loads((other / "operators.json").read_text())
    tree["words"][0] = tree["words"][0][:-1]
    (other / "operators.json").write_text(json.dumps(tree))
    with pytest.raises(BuildError, match=r"operators\.json: not those of circuit\.json \(.*\); build it again$"):
        energy_in(other, ("wires",))


def test_the_command_prints_tables_or_json(folder: Path, tmp_path: Path) -> None:
    shown = run_netgen("energy", str(folder), "--pitch", "20", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "energy per sample, wires: " in shown.stdout
    assert "energy per sample, eyeriss: " in shown.stdout
    printed = run_netgen("energy", str(folder), "--model", "wires", "--json", cwd=tmp_path)
    (one,) = json.loads(printed.stdout)["energies"]
    assert json.loads(printed.stdout)["name"] == "tiny"
    assert sum(p["amount"] for p in one["parts"] if p["unit"] == one["unit"]) == pytest.approx(
        energy_in(folder, ("wires",)).energies[0].amount
    )


def test_a_pitch_below_0_is_one_line(folder: Path, tmp_path: Path) -> None:
    result = run_netgen("energy", str(folder), "--pitch", "-1", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "netgen: pitch: -1.0 micrometres; give a positive length\n"
