"""The plots of accuracy against wire length: what they are drawn from, and what is on the front."""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from commands import run_script

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "pareto.py"
TABLES = sorted((ROOT / "docs" / "experiments").glob("pareto-*.json"))
ROW = {"kind": "perceptron", "source": "a.yaml", "seed": 1, "accuracy": 0.98, "length": 3000}


@pytest.fixture
def pareto(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    yield import_module("pareto")
    del sys.modules["pareto"]


def _drawn(rows: list[dict[str, object]], folder: Path) -> tuple[int, str, Path]:
    (folder / "rows.json").write_text(json.dumps(rows))
    done = run_script(SCRIPT, "rows.json", "plot.svg", cwd=folder)
    return done.returncode, done.stderr, folder / "plot.svg"


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_the_picture_of_each_table_in_the_docs_shows_all_its_builds(table: Path) -> None:
    """The legend counts them; a row that was added later is missing until the picture is drawn again."""
    rows = json.loads(table.read_text())
    picture = (ROOT / "docs" / f"{table.stem.replace('-', '_')}.svg").read_text()
    for kind in {row["kind"] for row in rows}:
        assert f"{kind}: {sum(row['kind'] == kind for row in rows)} build" in picture


def test_the_same_table_gives_the_same_bytes_and_the_legend_counts_builds_and_specs(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "seed": 2}, {**ROW, "kind": "convolution", "source": "b.yaml"}]
    code, _, first = _drawn(rows, tmp_path)
    assert code == 0
    text = first.read_text()
    assert "perceptron: 2 builds of 1 spec<" in text
    assert "convolution: 1 build of 1 spec<" in text
    (tmp_path / "again").mkdir()
    assert _drawn(rows[::-1], tmp_path / "again")[2].read_text() == text


def test_the_mean_of_a_source_is_over_its_seeds_and_a_mean_that_is_beaten_is_not_on_the_front(
    pareto: ModuleType,
) -> None:
    """By hand: means (2000, 0.97) of a, (2500, 0.96) of b, (4000, 0.98) of c; b is longer than a and less accurate."""
    lengths = {"a": (1000, 3000), "b": (2500,), "c": (4000,)}
    accuracies = {"a": (0.96, 0.98), "b": (0.96,), "c": (0.98,)}
    rows = [
        pareto.Row("perceptron", source, seed, accuracies[source][seed], length)
        for source, own in lengths.items()
        for seed, length in enumerate(own)
    ]
    found = pareto.means(rows, "perceptron")
    assert found == [(2000, pytest.approx(0.97)), (2500, 0.96), (4000, 0.98)]
    assert [length for length, _ in pareto.front(found)] == [2000, 4000]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{**ROW, "accuracy": 98.2}], "rows.json: row 1: accuracy 98.2, length 3000; give 0 to 1, above 0"),
        (
            [{**ROW, "kind": "mlp"}],
            "rows.json: row 1: kind 'mlp'; give one of perceptron, convolution, perceptron, trained functions",
        ),
        ([ROW, ROW], "rows.json: a.yaml, seed 1: given twice; keep one"),
        ([{"seed": 1}], "rows.json: row 1: keys seed; give accuracy, kind, length, seed, source"),
    ],
)
def test_a_row_that_is_wrong_is_refused_in_one_line(
    rows: list[dict[str, object]], problem: str, tmp_path: Path
) -> None:
    code, error, _ = _drawn(rows, tmp_path)
    assert code == 1
    assert error.splitlines()[-1] == problem
    assert "Traceback" not in error
