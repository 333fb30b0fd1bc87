"""Networks of truth tables that a spec asks for: trained, placed, proved, and exact in the simulator."""

import json
from pathlib import Path

import numpy as np
import pytest

import netgen
from netgen.data import Dataset
from netgen.errors import BuildError, SpecError, TrainError
from netgen.flow.array_files import read_arrays
from netgen.flow.build import build
from netgen.flow.built import Build
from netgen.flow.verify import recheck
from netgen.ir.truth_tables import tables_from
from netgen.learn.learner import Learner
from netgen.learn.warnings import ignored
from netgen.spec.spec import parse_spec

SPEC = """
seed: 1
data: {thresholds: [0.15, 0.3]}
network: {tables: 60, table_inputs: 4}
augment: {copies: 1}
train: {epochs: 6, batch_size: 32, learning_rate: 0.02}
place: {moves: 50000, certificate: false}
emit: {argmax: true}
check: {samples: 40, simulator: icarus}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    place = tmp_path_factory.mktemp("tables")
    (place / "digits.yaml").write_text(SPEC)
    return netgen.build(place / "digits.yaml", out=place / "out")


def test_hardware_of_truth_tables_is_exact_and_as_accurate_as_the_tables(built: Build, digits: Dataset) -> None:
    """Accuracies are counted here, from the entries of the tables; a pixel is divided by 32: it reaches 0.15 at 5."""
    tables = read_arrays(built.folder / "tables.npz", "file", tables_from)
    assert (tables.source.shape, tables.classes) == ((60, 4), 10)

    def accuracy(split: str) -> float:
        samples = getattr(digits, split)
        raw = samples.features.astype(np.float64) / digits.scale
        bits = np.stack([raw >= 5, raw >= 10], axis=2).reshape(len(raw), -1)
        counts = np.zeros((len(raw), 10))
        for row, entry, group in zip(tables.source, tables.entry, tables.group, strict=True):
            counts[:, group] += entry[bits[:, row] @ [1, 2, 4, 8]]
        right = counts.argmax(axis=1) == samples.labels
        return float(right.mean() if split == "validation" else right[:40].mean())

    check = built.report.check
    assert (check.agreement, check.samples, check.simulator) == ("exact", 40, "icarus")
    assert check.hardware_accuracy == pytest.approx(accuracy("test"))
    assert built.report.circuit_accuracy == pytest.approx(accuracy("validation"))
    trained = json.loads((built.folder / "dense.json").read_text())["validation_accuracy"]
    assert trained == pytest.approx(accuracy("validation"))
    assert accuracy("validation") > 0.8


def test_wires_are_the_connections_that_tables_read_and_those_to_the_counts(built: Build) -> None:
    tables, counts = built.circuit.layers
    assert (tables.gather, counts.gather) == ("table", "sum")
    assert built.netlist.wires == tables.wires + counts.wires
    assert built.report.wires.wires == built.netlist.wires
    assert 2 * len(tables) <= tables.wires <= 4 * len(tables)


def test_the_report_says_what_was_trained(built: Build) -> None:
    text = " ".join(str(built.report).split())
    assert "60 truth tables of 4 bits trained as it is built" in text
    assert "import error" not in text
    assert [line for line in built.report.warnings if "no effect" in line] == []


def test_a_second_build_makes_nothing_again_and_another_folder_the_same_bytes(built: Build, tmp_path: Path) -> None:
    lines: list[str] = []
    spec = built.folder.parent.parent / "digits.yaml"
    build(spec, out=built.folder.parent, progress=lambda line, _: lines.append(line))
    assert [line for line in lines if line.endswith(": made")] == []
    assert "train: kept" in lines
    again = build(spec, out=tmp_path, until="quantize")
    for name in ("tables.npz", "circuit.json"):
        assert (again.folder / name).read_bytes() == (built.folder / name).read_bytes(), name


def test_a_build_of_truth_tables_can_be_checked_again_and_has_no_float_network(built: Build) -> None:
    assert recheck(built.folder, simulator="icarus", samples=5).agreement == "exact"
    with pytest.raises(BuildError, match=r"built from truth tables, which have no float network; use its circuit$"):
        _ = built.network


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network: {tables: 60}", "data.thresholds: network.tables read bits; give thresholds, such as [0.5]"),
        (
            "network: {tables: 60, layers: [dense 8]}\ndata: {thresholds: [0.5]}",
            "network: layers and tables both describe a network; remove one",
        ),
        (
            "network: {tables: 60, source: model.onnx}\ndata: {thresholds: [0.5]}",
            "network: tables and source both describe a network; remove one",
        ),
        (
            "network: {tables: 60}\ndata: {thresholds: [0.5]}\nquantize: {fine_tune: labels}",
            "quantize.fine_tune: network.tables have no weights; set fine_tune to none",
        ),
    ],
)
def test_specs_that_contradict_themselves_are_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("{tables: 61}", r"network\.tables: 61 for 10 classes; give a multiple of 10$"),
        (
            "{tables: 60000}",
            r"network\.tables: 60,000 of 16,384 bits: training needs about 47\.3 GB; use fewer tables or",
        ),
    ],
)
def test_tables_that_cannot_be_trained_are_refused(
    keys: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64 pixels of 256 thresholds and 32 samples, 8 bytes each, for 360,000 inputs; on a machine of 24 GB."""
    monkeypatch.setattr("netgen.learn.tables.memory_of_machine", lambda: 24_000_000_000)
    thresholds = [round(k / 512 + 0.001, 4) for k in range(256)]
    text = f"name: digits\ndata: {{thresholds: {thresholds}}}\nnetwork: {keys}\nquantize: {{input_width: 16}}\n"
    spec = parse_spec(text + "train: {batch_size: 32}")
    with pytest.raises(TrainError, match=message):
        build(spec, out=tmp_path, until="train")


def test_truth_tables_are_not_pruned(digits: Dataset) -> None:
    spec = parse_spec("data: {thresholds: [0.3]}\nnetwork: {tables: 60}")
    with pytest.raises(
        TrainError, match=r"^network\.tables: truth tables are not pruned; set it to null, or build the"
    ):
        Learner(spec, digits).dense()


def test_keys_without_effect_are_told() -> None:
    spec = parse_spec("network: {tables: 60, hidden: [9]}\ndata: {thresholds: [0.5]}\nprune: {sparsity: 0.5}")
    assert ignored(spec) == (
        "network.tables: truth tables are trained and built as they are, so network.hidden, prune.sparsity have no "
        "effect; remove them",
    )
