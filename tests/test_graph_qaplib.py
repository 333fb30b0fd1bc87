"""netgen.graph.read_qaplib: instances whose distances are those of a grid, full boxes or parts of them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_graph import reason, wires_of

from netgen.graph import Graph, place_graph, read_graph
from netgen.graph.locate import sites_at
from netgen.ir.fixed import Words
from netgen.ir.grid import Grid

FLOWS = {
    "nug15": """
        A 01 53A 1221 02013 122552 2350526 22405105 205215120 2221005AA0 00203050545 4A520255A003
        055555100053A 00505A00250024
    """,
    "nug20": """
        0 53 0A2 5501 21505 A52565 3142520 12412101 545056012 520A205A05 550200AA355 00025A225022
        0A501020555A2 5A12125A011525 4301101250A0153 4005512500010100 05522012052105505 0A055102052205A221
        150515AA225550A0016
    """,
}
"""Lower triangles of the flows of two instances by Nugent, Vollmann, Ruml 1968; A is 10."""

NUGENT = {
    "nug14": ("nug15", 5, 14, 1014),
    "nug15": ("nug15", 5, 15, 1150),
    "nug17": ("nug20", 5, 17, 1732),
    "nug18": ("nug20", 5, 18, 1930),
}
"""The larger instance, the length of its rows, locations kept, and the optimum that QAPLIB states."""


def _file(tmp_path: Path, *matrices: Words) -> Path:
    path = tmp_path / "g.dat"
    text = [str(len(matrices[0])), *("\n".join(" ".join(map(str, row)) for row in m.tolist()) for m in matrices)]
    path.write_text("\n\n".join(text))
    return path


def _manhattan(points: Words) -> Words:
    """Distance of every two points, one by one."""
    n = len(points)
    total = [
        sum(abs(int(a) - int(b)) for a, b in zip(points[i], points[j], strict=True)) for i in range(n) for j in range(n)
    ]
    return np.array(total, dtype=np.int64).reshape(n, n)


def _flows(name: str) -> Words:
    rows = FLOWS[name].split()
    lower = np.zeros((len(rows) + 1, len(rows) + 1), dtype=np.int64)
    for k, row in enumerate(rows, start=1):
        lower[k, :k] = [int(digit, 16) for digit in row]
    both: Words = lower + lower.T
    return both


def _sites(graph: Graph) -> Words:
    """Coordinates of the locations, in units of length."""
    assert graph.grid is not None
    by_number = {number: site for site, number in graph.locations.items()}
    points: Words = np.array([by_number[k] for k in range(len(by_number))]) * np.array(graph.grid.pitch)
    return points


@pytest.mark.parametrize("first", ["distances", "flows"])
def test_either_matrix_may_be_the_distances(tmp_path: Path, first: str) -> None:
    """Four sites in a 2 x 2 box whose steps are 3 along x and 5 along y; one flow of 7 between 0 and 3."""
    distances = np.array([[0, 3, 5, 8], [3, 0, 8, 5], [5, 8, 0, 3], [8, 5, 3, 0]])
    flows = np.array([[0, 0, 0, 7], [0, 0, 0, 0], [0, 0, 0, 0], [7, 0, 0, 0]])
    graph = read_graph(_file(tmp_path, *((distances, flows) if first == "distances" else (flows, distances))))
    assert graph.grid == Grid((2, 2, 1), (3, 5, 1))
    assert graph.locations == {(0, 0, 0): 0, (1, 0, 0): 1, (0, 1, 0): 2, (1, 1, 0): 3}
    assert (wires_of(graph), graph.blocked) == ([("0", "3", 7)], ())


def test_flows_that_differ_by_direction_add_up(tmp_path: Path) -> None:
    graph = read_graph(_file(tmp_path, np.array([[0, 1], [1, 0]]), np.array([[0, 2], [5, 0]])))
    assert wires_of(graph) == [("0", "1", 7)]


@pytest.mark.parametrize("name", NUGENT)
def test_nugents_instances_are_parts_of_boxes_and_their_optima_are_found(tmp_path: Path, name: str) -> None:
    """nug14 is nug15 without its last facility and location, nug17 and nug18 are such parts of nug20."""
    whole, row, kept, optimum = NUGENT[name]
    sites = np.array([(k % row, k // row, 0) for k in range(kept)])
    flows = _flows(whole)[:kept, :kept]
    graph = read_graph(_file(tmp_path, _manhattan(sites), flows))
    assert graph.grid is not None
    assert (_sites(graph) == sites).all()
    assert len(graph.blocked) == graph.grid.sites - kept
    placed = place_graph(graph, moves=1_000_000, seed=1, bound=False)
    assert 2 * placed.length == optimum


def test_the_written_locations_solve_the_instance(tmp_path: Path) -> None:
    """Whatever box was found: the flows times the distances of the written locations are the wire length."""
    rng = np.random.default_rng(0)
    sites = np.array([(115 * (k // 16), 50 * (k // 4 % 4), 50 * (k % 4)) for k in rng.permutation(32)[:30]])
    distances, flows = _manhattan(sites), np.triu(rng.integers(0, 5, (30, 30)), 1)
    graph = read_graph(_file(tmp_path, distances, flows + flows.T))
    placed = place_graph(graph, method="anneal", moves=10_000, seed=1, bound=False)
    header, *rows = placed.to_csv().splitlines()
    assert header == "neuron,x,y,z,location"
    at = np.array([int(row.split(",")[4]) for row in rows])
    assert sorted(at) == list(range(30))
    assert placed.length == (flows * distances[np.ix_(at, at)]).sum()


@st.composite
def _some_sites(draw: st.DrawFn) -> Words:
    """Some sites of a box with steps of any length, in any order."""
    shape = draw(st.tuples(*[st.integers(1, 4)] * 3))
    pitch = draw(st.tuples(*[st.sampled_from([1, 2, 3, 7])] * 3))
    every = [(x, y, z) for x in range(shape[0]) for y in range(shape[1]) for z in range(shape[2])]
    chosen = draw(st.lists(st.sampled_from(every), unique=True, min_size=1, max_size=20))
    points: Words = np.array(chosen, dtype=np.int64) * np.array(pitch)
    return points


@settings(max_examples=60, deadline=None)
@given(_some_sites())
def test_sites_are_found_for_the_distances_of_any_part_of_a_box(sites: Words) -> None:
    distances = _manhattan(sites)
    found = sites_at(distances)
    assert found is not None
    assert (_manhattan(found) == distances).all()


NO_BOX = "neither matrix holds the Manhattan distances of sites in a box; netgen places on grids only"
RING = np.minimum(np.abs(np.subtract.outer(range(7), range(7))), 7 - np.abs(np.subtract.outer(range(7), range(7))))
CUBE4 = _manhattan(np.array([(k & 1, k >> 1 & 1, k >> 2 & 1, k >> 3) for k in range(16)]))
WRONG = _manhattan(np.array([(k % 3, k // 3, 0) for k in range(9)]))
WRONG[0, 8] = WRONG[8, 0] = 5


@pytest.mark.parametrize(
    "distances",
    [RING, CUBE4, WRONG, 1 - np.eye(3, dtype=np.int64), np.arange(9).reshape(3, 3)],
    ids=["ring of 7", "4D cube", "a distance too long", "equilateral triangle", "not symmetric"],
)
def test_distances_of_no_box_are_refused(tmp_path: Path, distances: Words) -> None:
    assert reason(_file(tmp_path, distances, np.zeros_like(distances))) == NO_BOX


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0 numbers; need n and two n x n matrices"),
        ("2 1 2 3", "4 numbers; need n and two n x n matrices"),
        ("2147483647 1", "n: '2147483647'; need a whole number from 1 to 1000"),
        ("1 0 x", "number 3: 'x'; need a whole number from 0 to 2147483647"),
        ("1 0 0.5", "number 3: '0.5'; need a whole number from 0 to 2147483647"),
        ("2 0 2000000000 2000000000 0 0 1 1 0", None),
        (
            "3 0 1 1000000000 1 0 1000000001 1000000000 1000000001 0" + " 0" * 9,
            "the locations span a box of 1,000,000,002 sites; at most 1,000,000 are placed",
        ),
    ],
)
def test_a_bad_instance_is_refused(tmp_path: Path, text: str, message: str | None) -> None:
    (tmp_path / "g.dat").write_text(text)
    if message is None:
        assert read_graph(tmp_path / "g.dat").grid == Grid((2, 1, 1), (2_000_000_000, 1, 1))
    else:
        assert reason(tmp_path / "g.dat") == message
