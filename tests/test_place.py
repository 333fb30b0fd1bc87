"""Every placer passes this file, whatever its algorithm."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from netlists import DUPLICATES, graph, grid_graph, layered, recount, sites_of

from netgen.errors import FitError, SpecError
from netgen.ir.grid import FACES, Face, Grid, Placement, auto_grid
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, face_regions, free_regions, obeys
from netgen.place import METHODS, place

MOVES = 20_000
EVERY = pytest.mark.parametrize("method", sorted(METHODS))
IMPROVING = pytest.mark.parametrize("method", ["anneal", "auto", "embed", "matching", "tabu"])


CASES = {
    "no neuron": (graph(0, []), Grid((2, 1, 1))),
    "one neuron": (graph(1, []), Grid((1, 1, 1))),
    "one neuron wired to itself": (graph(1, [(0, 0)]), Grid((2, 2, 2))),
    "no wire": (graph(5, []), Grid((2, 2, 2))),
    "two neurons": (graph(2, [(0, 1)], [0, 1]), Grid((4, 1, 1))),
    "two neurons of one layer": (graph(2, [(0, 1)]), Grid((4, 1, 1))),
    "full box": (layered([12, 9, 6], 80), Grid((3, 3, 3))),
    "roomy box": (layered([5, 4, 3], 25), Grid((6, 5, 4))),
    "flat box": (layered([5, 4, 3], 25), Grid((1, 13, 1))),
    "disconnected graph": (graph(9, [(0, 1), (1, 2), (4, 5), (6, 7), (7, 8), (8, 6)]), Grid((3, 2, 2))),
    "duplicate wires and a self-loop": (DUPLICATES, Grid((6, 1, 1))),
    "pitch": (layered([6, 6, 4], 50), Grid((4, 2, 2), (1, 3, 20))),
    "skipping wires": (graph(6, [(0, 2), (0, 4), (2, 4), (1, 3), (3, 5)], [0, 0, 1, 1, 2, 2]), Grid((2, 2, 2))),
    "over two hundred neurons": (layered([150, 80, 20], 600), Grid((7, 6, 6))),
}
CASE = pytest.mark.parametrize("case", CASES)


@EVERY
@CASE
def test_every_neuron_gets_a_site_of_its_own_inside_the_box(method: str, case: str) -> None:
    netlist, grid = CASES[case]
    placement = place(netlist, grid, method=method, moves=MOVES)
    sites = sites_of(placement)
    assert len(sites) == netlist.neurons == len(set(sites))
    assert all(0 <= c < side for site in sites for c, side in zip(site, grid.shape, strict=True))
    assert placement.grid == grid


@EVERY
@CASE
def test_equal_seeds_give_equal_placements(method: str, case: str) -> None:
    netlist, grid = CASES[case]
    first, second = (place(netlist, grid, method=method, moves=MOVES, seed=7) for _ in range(2))
    assert sites_of(first) == sites_of(second)


@IMPROVING
@CASE
def test_no_placement_is_longer_than_its_start(method: str, case: str) -> None:
    netlist, grid = CASES[case]
    numbers = np.random.default_rng(0).permutation(grid.sites)[: netlist.neurons]
    shuffled = Placement(grid, grid.coordinates[numbers])
    for start in (shuffled, place(netlist, grid, moves=MOVES)):
        for moves in (0, 1, 150, 1000, MOVES):
            placement = place(netlist, grid, method=method, start=start, moves=moves, seed=moves)
            assert recount(netlist, placement) <= recount(netlist, start)


@EVERY
def test_pinned_layers_stay_on_their_faces(method: str) -> None:
    netlist, grid = layered([14, 20, 9], 120), Grid((5, 4, 4))
    regions = face_regions(netlist, grid, {0: "x0", 2: "x1"})
    placement = place(netlist, grid, regions, method=method, moves=MOVES)
    assert set(placement.site[netlist.layer == 0, 0].tolist()) == {0}
    assert set(placement.site[netlist.layer == 2, 0].tolist()) == {4}
    assert obeys(placement, regions)
    again = place(netlist, grid, regions, method=method, moves=MOVES, start=placement)
    assert obeys(again, regions)


@EVERY
def test_faces_that_compete_for_an_edge_share_it(method: str) -> None:
    """On 4 x 4 x 1, face x0 is 4 sites and y0 is 4, with the corner in common: 3 + 4 neurons just fit."""
    netlist, grid = graph(8, [(k, (k + 3) % 8) for k in range(8)], [0, 0, 0, 1, 1, 1, 1, 2]), Grid((4, 4, 1))
    regions = face_regions(netlist, grid, {0: "x0", 1: "y0"})
    placement = place(netlist, grid, regions, method=method, moves=MOVES)
    assert sorted(sites_of(placement)[:3]) == [(0, 1, 0), (0, 2, 0), (0, 3, 0)]
    assert sorted(sites_of(placement)[3:7]) == [(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0)]


@given(
    st.lists(st.integers(0, 40), min_size=3, max_size=3),
    st.sampled_from([1.0, 1.1, 2.0]),
    st.dictionaries(st.integers(0, 2), st.sampled_from(FACES)),
)
@example([27, 36, 8], 2.0, {1: "y1", 0: "x0"})  # two faces, each large enough, with too few sites together
@example([2, 2, 2], 1.0, {0: "x0", 1: "x1"})
def test_an_automatic_box_can_be_filled(sizes: list[int], slack: float, faces: dict[int, Face]) -> None:
    netlist = layered(sizes, 0)
    grid = auto_grid(netlist, slack=slack, pitch=(1, 1, 1), faces=faces)
    regions = face_regions(netlist, grid, faces)
    assert obeys(place(netlist, grid, regions, method="index"), regions)


@EVERY
def test_blocked_sites_stay_free(method: str) -> None:
    netlist, grid = layered([4, 4, 3], 30), Grid((4, 4, 1))
    allowed = np.ones((1, 16), dtype=np.bool_)
    allowed[0, [0, 5, 6, 9, 10]] = False
    placement = place(netlist, grid, Regions(np.zeros(11, np.int64), allowed), method=method, moves=MOVES)
    numbers = {x + 4 * y for x, y, _ in sites_of(placement)}
    assert numbers == set(range(16)) - {0, 5, 6, 9, 10}


@EVERY
def test_a_box_with_too_few_sites_is_refused(method: str) -> None:
    message = "8 sites for 9 neurons; enlarge one axis"
    with pytest.raises(FitError, match=f"^{message}$"):
        place(graph(9, [(0, 1)]), Grid((2, 2, 2)), method=method)


@EVERY
def test_regions_that_cannot_all_be_filled_are_refused(method: str) -> None:
    """Each face of 4 sites holds its 4 neurons, but they share a corner: 7 sites for 8."""
    netlist, grid = graph(8, [(0, 1)], [0] * 4 + [1] * 4), Grid((4, 4, 1))
    regions = face_regions(netlist, grid, {0: "x0", 1: "y0"})
    message = "only 7 of 8 neurons fit on the sites of their regions; enlarge the grid, or pin or block fewer sites"
    with pytest.raises(FitError, match=f"^{message}$"):
        place(netlist, grid, regions, method=method)


@EVERY
def test_regions_of_another_grid_are_refused(method: str) -> None:
    netlist = graph(2, [(0, 1)])
    message = "regions for 2 neurons on 8 sites; make them for 2 neurons on 4 sites"
    with pytest.raises(FitError, match=f"^{message}$"):
        place(netlist, Grid((2, 2, 1)), free_regions(netlist, Grid((2, 2, 2))), method=method)


@EVERY
def test_a_pitch_beyond_exact_arithmetic_is_refused(method: str) -> None:
    with pytest.raises(FitError, match=r"^pitch \(1, 1, 1152921504606846976\): wire lengths could exceed"):
        place(graph(2, [(0, 1)]), Grid((2, 1, 2), (1, 1, 1 << 60)), method=method)


@IMPROVING
def test_a_start_that_does_not_fit_is_refused(method: str) -> None:
    netlist, grid = graph(3, [(0, 1)], [0, 1, 1]), Grid((2, 2, 1))
    other = Placement(Grid((4, 1, 1)), np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]]))
    with pytest.raises(FitError, match=r"^the start places 3 neurons on \(4, 1, 1\), not 3 on \(2, 2, 1\)"):
        place(netlist, grid, method=method, start=other)
    regions = face_regions(netlist, grid, {0: "x1"})
    start = Placement(grid, np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]))
    with pytest.raises(FitError, match=r"^the start places a neuron outside its region; start without it$"):
        place(netlist, grid, regions, method=method, start=start)


def test_an_unknown_method_is_refused() -> None:
    methods = "anneal, auto, embed, exact, index, matching, spectral, tabu"
    message = f"place.method: no method 'aneal'; choose one of {methods}"
    with pytest.raises(SpecError, match=f"^{message}$"):
        place(graph(1, []), Grid((1, 1, 1)), method="aneal")


def test_the_former_name_of_a_method_is_refused_with_its_new_one() -> None:
    with pytest.raises(SpecError, match=r"^place\.method: 'multilevel' is now called 'embed'; change the name$"):
        place(graph(1, []), Grid((1, 1, 1)), method="multilevel")


@pytest.mark.parametrize(
    ("moves", "seed", "message"),
    [
        (1 << 70, 0, rf"place\.moves: {1 << 70} moves; give 0 to 10\^15"),
        (-1, 0, r"place\.moves: -1 moves; give 0 to 10\^15"),
        (0, -1, r"place\.seed: -1; give 0 or more"),
    ],
)
@EVERY
def test_moves_and_seeds_out_of_range_are_refused(method: str, moves: int, seed: int, message: str) -> None:
    with pytest.raises(SpecError, match=f"^{message}$"):
        place(graph(1, []), Grid((1, 1, 1)), method=method, moves=moves, seed=seed)


def test_a_grid_too_large_for_a_method_is_refused_at_once() -> None:
    """The tables of all pairs of these 8,000 sites would hold 64 million entries each."""
    netlist, grid = grid_graph(2, 2, 2), Grid((20, 20, 20))
    for method, message in (
        ("exact", "exact search on 8,000 sites; at most 1,000 are feasible; choose another method"),
        ("matching", "matching 4 neurons at once on 8,000 sites exceeds 1.5 GB; choose another method"),
        ("tabu", "tabu search on 8,000 sites; at most 2,000 fit in memory; choose another method"),
    ):
        with pytest.raises(FitError, match=f"^{message}$"):
            place(netlist, grid, method=method)


@EVERY
def test_weights_beyond_exact_arithmetic_are_refused(method: str) -> None:
    """The four weights sum up to 2**64, which is 0 in 64 bits."""
    ones, ring = np.ones(4, np.int64), np.array([1, 2, 3, 0])
    netlist = Netlist(np.zeros(4, np.int64), np.arange(4), np.arange(4), ring, ones, ones << 62)
    with pytest.raises(FitError, match=r"^pitch \(1, 1, 1\): wires of weight 1\.845e\+19 could be longer than 64 bits"):
        place(netlist, Grid((2, 2, 1)), method=method)


def test_index_order_fills_x_then_y_then_z() -> None:
    placement = place(graph(7, []), Grid((2, 2, 2)), method="index")
    assert sites_of(placement) == [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1)]


def test_index_order_serves_pinned_neurons_first() -> None:
    """Output 2 takes the first site of face x0, which holds two; the inputs get what comes next."""
    netlist, grid = graph(3, [], [0, 0, 1]), Grid((2, 2, 1))
    placement = place(netlist, grid, face_regions(netlist, grid, {1: "x0"}), method="index")
    assert sites_of(placement) == [(1, 0, 0), (0, 1, 0), (0, 0, 0)]


def test_spectral_order_unrolls_a_shuffled_path() -> None:
    """The lowest eigenvector of a path rises or falls along it, so each of its wires has length 1."""
    order = np.random.default_rng(1).permutation(300)
    netlist = graph(300, list(itertools.pairwise(order.tolist())))
    assert recount(netlist, place(netlist, Grid((300, 1, 1)), method="spectral")) == 299


def test_spectral_order_keeps_components_together() -> None:
    """Two shuffled triangles and a pair in a row: at best 1 + 1 + 2 each for the triangles, 1 for the pair."""
    netlist = graph(8, [(0, 4), (4, 7), (7, 0), (1, 3), (3, 6), (6, 1), (2, 5)])
    assert recount(netlist, place(netlist, Grid((8, 1, 1)), method="spectral")) == 9


@IMPROVING
def test_pitch_decides_which_way_a_wire_runs(method: str) -> None:
    """Two neurons one step apart along x, y or z: 7, 5 or 3 long."""
    netlist, grid = graph(2, [(0, 1)], [0, 1]), Grid((2, 2, 2), (7, 5, 3))
    start = Placement(grid, np.array([[0, 0, 0], [1, 1, 1]]))
    assert recount(netlist, place(netlist, grid, method=method, start=start, moves=MOVES)) == 3


@pytest.mark.parametrize("method", ["anneal", "embed", "tabu"])
def test_progress_rises_to_one(method: str) -> None:
    seen: list[tuple[str, float]] = []
    place(layered([5, 4], 12), Grid((3, 3, 1)), method=method, moves=1000, progress=lambda *what: seen.append(what))
    search = [fraction for what, fraction in seen if "wire length" in what]
    assert search == sorted(search)
    assert (search[0], search[-1]) == (0.0, 1.0)


def test_methods_are_listed_without_loading_solvers() -> None:
    script = "import sys, json, netgen.place as p; print(json.dumps([sorted(p.METHODS), sorted(sys.modules)]))"
    methods, modules = json.loads(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True).stdout
    )
    assert methods == ["anneal", "auto", "embed", "exact", "index", "matching", "spectral", "tabu"]
    assert not {"ortools", "numba", "scipy", "threadpoolctl"} & set(modules)


def test_threads_change_nothing() -> None:
    """A box of 7 x 5 x 5 has equal eigenvalues, whose eigenvectors turn with the last bit of any sum."""
    script = """
from test_place import *
for method in METHODS:
    print(sites_of(place(grid_graph(7, 5, 5), Grid((7, 5, 5)), method=method, moves=MOVES)))
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            cwd=Path(__file__).parent,
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
        ).stdout
        for threads in ("1", "2")
    }
    assert len(outputs) == 1
