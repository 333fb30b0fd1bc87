"""`netgen place`: any weighted graph on a grid, with a certificate."""

import csv
import io
import json
import subprocess
import sys
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netgen.errors import FitError, GraphError
from netgen.graph.files import Graph, read_graph
from netgen.graph.place import place_graph, read_start
from netgen.ir.grid import Grid

TREE: dict[str, Any] = {
    "neurons": ["a", "b", "c", "d", "e"],
    "wires": [["a", "b", 3], ["b", "c"], ["c", "d", 2], ["d", "a"], ["a", "e", 5], ["e", "e", 9], ["b", "a"]],
    "box": [3, 2, 1],
    "pitch": [1, 4, 1],
}


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    (tmp_path / "g.json").write_text(json.dumps(TREE))
    return read_graph(tmp_path / "g.json")


def _shortest() -> int:
    """By trying all 720 placements on the six sites."""
    sites = list(product(range(3), range(2)))
    number = {name: k for k, name in enumerate(TREE["neurons"])}
    wires = [(number[w[0]], number[w[1]], w[2] if len(w) == 3 else 1) for w in TREE["wires"]]
    return min(
        sum(w * (abs(at[a][0] - at[b][0]) + 4 * abs(at[a][1] - at[b][1])) for a, b, w in wires)
        for at in permutations(sites, 5)
    )


def test_a_small_graph_is_placed_as_short_as_can_be_and_the_bound_is_below(graph: Graph) -> None:
    placed = place_graph(graph, moves=20_000, seed=1)
    assert placed.length == _shortest()
    assert placed.bound is not None
    assert 0 < placed.bound <= placed.length


def test_pins_blocked_sites_and_faces_are_kept(tmp_path: Path) -> None:
    tree = TREE | {"box": [3, 3, 2], "pins": {"c": [2, 2, 1]}, "blocked": [[1, 1, 0], [1, 1, 1]], "layers": {"e": 1}}
    (tmp_path / "g.json").write_text(json.dumps(tree | {"faces": {"1": "x0"}}))
    at = place_graph(read_graph(tmp_path / "g.json"), moves=5_000, bound=False).placement.site.tolist()
    assert at[2] == [2, 2, 1]
    assert at[4][0] == 0
    assert not {(1, 1, 0), (1, 1, 1)} & {tuple(site) for site in at}


def test_layers_lie_in_their_own_planes(tmp_path: Path) -> None:
    tree = {"neurons": 9, "wires": [[k, 5 + k % 4] for k in range(5)], "layers": {str(k): 1 for k in range(5, 9)}}
    (tmp_path / "g.json").write_text(json.dumps(tree))
    placed = place_graph(read_graph(tmp_path / "g.json"), in_layers=True, moves=5_000, bound=False)
    assert placed.placement.grid == Grid((3, 2, 2))
    assert placed.placement.site[:, 2].tolist() == [0] * 5 + [1] * 4


def test_a_box_is_found_that_has_room_beside_blocked_sites(tmp_path: Path) -> None:
    blocked = [[x, y, 0] for x in range(2) for y in range(2)]
    (tmp_path / "g.json").write_text(json.dumps({"neurons": 6, "wires": [[0, 1]], "blocked": blocked}))
    placed = place_graph(read_graph(tmp_path / "g.json"), moves=100, bound=False)
    assert placed.placement.grid.sites >= 10


def test_a_placement_is_written_read_and_improved(graph: Graph, tmp_path: Path) -> None:
    first = place_graph(graph, method="index", bound=False)
    (tmp_path / "start.csv").write_text(first.to_csv())
    start = read_start(tmp_path / "start.csv", graph, first.placement.grid)
    assert np.array_equal(start.site, first.placement.site)
    assert place_graph(graph, start=start, method="anneal", moves=1_000, bound=False).length <= first.length


def test_a_start_of_another_graph_is_refused(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "start.csv").write_text("neuron,x,y,z\nq,0,0,0\n")
    with pytest.raises(
        GraphError, match=r"start\.csv: no placement of this graph \('a'\); give what netgen place --out"
    ):
        read_start(tmp_path / "start.csv", graph, Grid((3, 2, 1)))


def test_a_box_too_small_is_refused(graph: Graph) -> None:
    with pytest.raises(FitError, match=r"4 sites for 5 neurons"):
        place_graph(graph, grid=Grid((2, 2, 1)))


def _netgen(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netgen", *words], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_command_prints_sites_and_the_certificate(graph: Graph, tmp_path: Path) -> None:
    result = _netgen("place", "g.json", "--moves", "20000", "--quiet", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["neuron"] for row in rows] == list(graph.names)
    assert result.stderr.startswith(f"wire length {_shortest():,} · ")
    again = _netgen("place", "g.json", "--moves", "20000", "--quiet", "--json", "--out", "sites.csv", cwd=tmp_path)
    figures = json.loads(again.stdout)
    assert figures["wire_length"] == _shortest()
    assert (tmp_path / "sites.csv").read_text() == result.stdout


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("--method", "magic"), 1, "netgen: place.method: no method 'magic'; choose one of "),
        (("--box", "2,2,1"), 1, "netgen: 4 sites for 5 neurons; enlarge one axis"),
        (("--box", "2,2"), 2, "give three numbers above 0, as 8,8,8"),
        (("--start", "none.csv"), 1, "netgen: none.csv: no placement of this graph (No such file or directory)"),
        (("--out", "no/such/folder.csv"), 1, "netgen: no/such/folder.csv: No such file or directory; choose a folder"),
    ],
    ids=["method", "small box", "box", "start", "out"],
)
def test_what_cannot_be_is_one_line(
    graph: Graph, tmp_path: Path, words: tuple[str, ...], status: int, message: str
) -> None:
    assert graph.grid is not None
    result = _netgen("place", "g.json", "--quiet", "--moves", "100", *words, cwd=tmp_path)
    assert result.returncode == status
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_the_clock_can_decide(graph: Graph) -> None:
    assert place_graph(graph, seconds=0.2, bound=False).length >= _shortest()


def test_what_exact_places_is_told_to_be_proven(graph: Graph) -> None:
    placed = place_graph(graph, method="exact")
    assert (placed.length, placed.bound) == (_shortest(), _shortest())
