"""Correct answers per kilowatt-hour of builds, beside published figures."""

import json
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from commands import TINY, run_netgen
from test_report_gating import FOUND

from netgen.errors import SpecError
from netgen.experiment.energy import (
    GATES_NOTE,
    MODELS,
    BuildEnergy,
    _page,
    accuracy_of,
    compare_energy,
    front_of,
    per_kilowatt_hour,
)
from netgen.experiment.published import PUBLISHED
from netgen.flow.build import build
from netgen.flow.energy import LabelledWords, load_words
from netgen.flow.folder import load_circuit
from netgen.report.energy_plot import EnergyPoint, energy_plot
from netgen.spec.spec import parse_spec


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small build of digits."""
    text = TINY.replace("hidden: [6]", "hidden: [8]").replace("{rounds: 1,", "{rounds: 1, sparsity: 0.7,")
    return build(parse_spec(text + "name: tiny\n"), out=tmp_path_factory.mktemp("out")).folder


def row(accuracy: float | None, low: float, high: float, data: str = "mnist") -> BuildEnergy:
    return BuildEnergy("x", data, accuracy, 10, 1.0, {"wires": (low, high)})


def test_answers_per_kilowatt_hour_are_accuracy_over_energy() -> None:
    """3.6 MJ at 2 to 4 pJ a sample is 0.9 to 1.8 e18 samples, of which half are right."""
    assert per_kilowatt_hour(0.5, (2, 4)) == pytest.approx((4.5e17, 9e17))


def test_the_front_has_the_builds_that_no_other_on_the_same_data_beats() -> None:
    """By the middle of the range: 2, 6, 3, 1 pJ; the third is beaten by the first, the last is on other data."""
    rows = [row(0.9, 1, 4), row(0.95, 4, 9), row(0.85, 3, 3), row(0.99, 1, 1, "digits"), row(None, 0.1, 0.1)]
    assert front_of(rows, "wires") == {0, 1, 3}


def test_of_two_equal_builds_both_are_on_the_front() -> None:
    assert front_of([row(0.9, 1, 4), row(0.9, 1, 4)], "wires") == {0, 1}


def test_published_figures_have_conditions_and_source_and_there_are_six_or_more() -> None:
    """Sky130: 83.88 mW at 41.8 million images a second are 2.007 nJ an image."""
    assert len(PUBLISHED) >= 6
    assert all(one.conditions and one.source and (one.picojoules or one.relative) for one in PUBLISHED)
    sky = next(one for one in PUBLISHED if "Sky130" in one.name)
    assert sky.picojoules == pytest.approx((2006.7, 2006.7), abs=0.1)
    assert sky.accuracy == 0.97


def test_accuracy_is_that_of_the_simulated_hardware(folder: Path) -> None:
    """On the two samples that the build simulated."""
    circuit, found = load_circuit(folder), load_words(folder)
    assert found.labels is not None
    told = json.loads((folder / "report.json").read_text())["check"]["hardware_accuracy"]
    assert accuracy_of(circuit, LabelledWords(found.words[:2], found.labels[:2], "")) == told
    assert accuracy_of(circuit, LabelledWords(found.words, None, "")) is None


def test_the_page_has_a_row_for_each_build_and_each_published_figure(folder: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(folder, twin)
    text = compare_energy([folder, twin], out=tmp_path / "out", pitch=10, node="14nm")
    assert (tmp_path / "out" / "energy.md").read_text() == text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 2 + len(PUBLISHED) + 2
    tiny, twins = (next(line for line in rows if line.startswith(f"| {name} |")) for name in ("tiny", "twin"))
    assert tiny.replace("tiny", "twin") == twins
    assert "A grid step is 10 um; wires of node 14nm;" in text
    assert f"Repeat: `netgen experiment energy {folder} {twin} --pitch 10 --node 14nm`" in text
    assert "<svg" in (tmp_path / "out" / "energy.svg").read_text()


def test_the_command_builds_specs_and_prints_the_page(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(TINY + "name: small\n")
    result = run_netgen("experiment", "energy", "small.yaml", "--out", "out", "--quiet", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert re.search(r"^\| small \| digits \| [\d.]+ % \| [\d,]+ \| ", result.stdout, flags=re.MULTILINE)
    assert (tmp_path / "out" / "small" / "report.json").exists()


def test_without_builds_or_with_builds_for_another_experiment_it_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"^experiment energy: no builds; give build folders, such as hdl_out/digits"):
        compare_energy([], out=tmp_path)
    result = run_netgen("experiment", "reinit", "hdl_out/x", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "netgen: experiment reinit: hdl_out/x: only energy compares builds; leave it out\n"


def test_a_folder_that_is_no_build_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run_netgen("experiment", "energy", "empty", "--quiet", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("netgen: empty")


def test_rows_of_builds_with_gates_tell_both_lengths_and_what_is_saved() -> None:
    """Of 1,000 grid steps a sample computes 475; wires and vias take 300 grid steps x bits, 600 with nothing held."""
    static = replace(row(0.9, 1, 4), picojoules=dict.fromkeys(MODELS, (1.0, 4.0)), length=1200)
    gated = replace(static, name="gated", length=1000, gates=FOUND)
    table = [line for line in _page([static, gated], [], pitch=20, node="any", samples=None) if line.startswith("| ")]
    assert "| wires | wire length | mean length | gates on | nothing held | grid steps x bits |" in table[0]
    assert "| 10 | 1,200 |  |  |  | 1.0 |" in table[2]
    assert "| 10 | 1,000 | 475.0 | 25 % | 2.00 | 1.0 |" in table[3]
    many = replace(gated, gates=replace(FOUND, gates=FOUND.gates * 6, savings=()))
    page = list(_page([many], [], pitch=20, node="any", samples=None))
    assert any("| 475.0 | 25 %, 25 %, 25 %, 25 %, … |  |" in line for line in page)
    assert GATES_NOTE in page
    assert GATES_NOTE not in list(_page([static], [], pitch=20, node="any", samples=None))


def test_names_of_many_builds_do_not_meet() -> None:
    """Ten builds of nearly one accuracy and energy: names of 7 points that overlap from left to right are 8 apart."""
    rng = np.random.default_rng(1)
    points = [
        EnergyPoint(f"mnist_dynamic_{k}", "ours", 0.98 + rng.random() / 500, (30 + rng.random(), 90 + 9 * rng.random()))
        for k in range(10)
    ]
    points.append(EnergyPoint("far", "published", 0.85, (1e9, 1e9)))
    places = re.findall(r'<text[^>]*y="([\d.]+)"[^>]*>(mnist_dynamic_\d)<', energy_plot(points))
    heights = sorted(float(y) for y, _ in places)
    assert len(heights) == 10
    assert min(after - before for before, after in pairwise(heights)) >= 8


def test_the_plot_is_the_same_for_the_same_points_and_names_them() -> None:
    points = [EnergyPoint("a", "ours", 0.9, (10, 1000)), EnergyPoint("b", "published", 0.97, (2000, 2000))]
    text = energy_plot(points)
    assert text == energy_plot(points)
    assert all(f">{name}<" in text for name in ("a", "b", "ours", "published"))
