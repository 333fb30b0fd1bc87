"""Every placer passes this file, whatever its algorithm."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netgen.errors import FitError, SpecError
from netgen.ir.grid import FACES, Face, Grid, Placement, auto_grid
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, face_regions, free_regions, obeys
from netgen.place import METHODS, place
from netgen.place.anneal import cool
from netgen.place.kernels.anneal import metropolis, state_of
from netgen.place.linear_assignment import independent_sets, reassign
from netgen.place.matching import layers_of
from netgen.place.qap import Problem, problem_of
from netgen.progress import silent

MOVES = 20_000
EVERY = pytest.mark.parametrize("method", sorted(METHODS))
IMPROVING = pytest.mark.parametrize("method", ["anneal", "auto", "embed", "matching", "tabu"])


def layered(sizes: Sequence[int], wires: int, seed: int = 0) -> Netlist:
    """Random wires between neighboring layers, duplicates likely."""
    random = np.random.default_rng(seed)
    layer = np.repeat(np.arange(len(sizes)), sizes)
    index = np.concatenate([np.arange(size) for size in sizes])
    first = np.cumsum([0, *sizes])
    depth = random.integers(0, len(sizes) - 1, wires)
    source = first[depth] + random.integers(0, np.array(sizes)[depth])
    target = first[depth + 1] + random.integers(0, np.array(sizes)[depth + 1])
    return Netlist(layer, index, source, target, np.ones(wires, np.int64))


def graph(neurons: int, wires: Sequence[tuple[int, int]], layers: Sequence[int] | None = None) -> Netlist:
    """A netlist from pairs of neurons, all in one layer unless told otherwise."""
    ends = np.array(wires, dtype=np.int64).reshape(-1, 2)
    layer = np.zeros(neurons, np.int64) if layers is None else np.array(layers)
    return Netlist(layer, np.arange(neurons), ends[:, 0], ends[:, 1], np.ones(len(ends), np.int64))


def grid_graph(*shape: int, shuffled: bool = True) -> Netlist:
    """A box of neurons, numbered z first, with a wire between any two that are one step apart."""
    points = list(itertools.product(*map(range, shape)))
    order = np.random.default_rng(2).permutation(len(points)).tolist() if shuffled else list(range(len(points)))
    pairs = itertools.combinations(zip(order, points, strict=True), 2)
    near = [(i, j) for (i, p), (j, q) in pairs if sum(abs(a - b) for a, b in zip(p, q, strict=True)) == 1]
    return graph(len(points), near)


def recount(netlist: Netlist, placement: Placement) -> int:
    """Wire length in plain Python."""
    total = 0
    for a, b in zip(netlist.source.tolist(), netlist.target.tolist(), strict=True):
        at_a, at_b = placement.site[a].tolist(), placement.site[b].tolist()
        total += sum(step * abs(p - q) for step, p, q in zip(placement.grid.pitch, at_a, at_b, strict=True))
    return total


def sites_of(placement: Placement) -> list[tuple[int, ...]]:
    return [tuple(site) for site in placement.site.tolist()]


def best_of_four_seeds(netlist: Netlist, grid: Grid) -> int:
    """The least length that annealing reaches; one seed alone may end in a folded layout."""
    return min(recount(netlist, place(netlist, grid, method="anneal", moves=500_000, seed=s)) for s in range(4))


def problem(netlist: Netlist, grid: Grid, regions: Regions | None = None) -> Problem:
    return problem_of(netlist, grid, regions or free_regions(netlist, grid))


DUPLICATES = graph(6, [(0, 5)] * 4 + [(5, 0)] * 3 + [(1, 2), (3, 4), (2, 2)])
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
    message = "8 sites for 9 neurons; enlarge one axis or set place.grid to auto"
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
    with pytest.raises(FitError, match=r"^pitch \(1, 1, 1152921504606846976\): wire lengths could pass"):
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


def test_annealing_pulls_the_pair_with_most_wires_together() -> None:
    """On a row of 6, the 7 wires between neurons 0 and 5 and the single ones can all be 1 long; a self-loop is 0."""
    assert recount(DUPLICATES, place(DUPLICATES, Grid((6, 1, 1)), method="anneal", moves=MOVES)) == 9


def test_annealing_solves_a_shuffled_grid_graph() -> None:
    """A shuffled 4 x 4 x 4 grid graph on its own box: each of its 3 * 3 * 16 wires can be 1 long."""
    assert grid_graph(4, 4, 4).wires == 144
    assert best_of_four_seeds(grid_graph(4, 4, 4), Grid((4, 4, 4))) == 144


def test_annealing_solves_a_hypercube() -> None:
    """Q6 on 4 x 4 x 4: by Harper's inequality, 3 axes of 2**4 * 2**1 * (2**2 - 1) = 96."""
    order = np.random.default_rng(3).permutation(64)
    wires = [(int(order[i]), int(order[i ^ 1 << k])) for i in range(64) for k in range(6) if i < i ^ 1 << k]
    assert best_of_four_seeds(graph(64, wires), Grid((4, 4, 4))) == 288


def test_annealing_beats_matching_and_matching_beats_spectral_order() -> None:
    netlist, grid = layered([60, 40, 10], 500), Grid((5, 5, 5))
    spectral, matching, anneal = (
        recount(netlist, place(netlist, grid, method=method, moves=200_000))
        for method in ("spectral", "matching", "anneal")
    )
    assert anneal < matching < spectral


@pytest.mark.parametrize("method", ["anneal", "matching"])
def test_no_layers_can_be_placed_better_in_the_end(method: str) -> None:
    netlist, grid = layered([20, 15, 10], 150), Grid((4, 4, 3))
    stated, start = problem(netlist, grid), place(netlist, grid, method="index")
    at = grid.number_of(place(netlist, grid, method=method, start=start, moves=MOVES).site)
    even_and_odd = [np.flatnonzero(netlist.layer % 2 == parity) for parity in (0, 1)]
    layers = [np.flatnonzero(netlist.layer == layer) for layer in range(3)]
    assert all(reassign(stated, at, members) is at for members in even_and_odd + layers)


def test_cooling_from_any_heat_ends_no_longer_than_it_began() -> None:
    """The start is the best there is, and 2,000 moves from a heat that melts it do not lead back."""
    grid = Grid((6, 6, 6))
    netlist = grid_graph(6, 6, 6, shuffled=False)
    begin = np.arange(216).reshape(6, 6, 6).transpose(2, 1, 0).ravel()
    assert problem(netlist, grid).length_of(begin) == netlist.wires
    at = cool(problem(netlist, grid), begin, moves=2_000, seed=0, hot=5.0, progress=silent)
    assert problem(netlist, grid).length_of(at) == netlist.wires


@pytest.mark.parametrize("seed", range(8))
def test_reassigning_finds_the_best_of_all_ways_to_place_a_set(seed: int) -> None:
    """Tried one by one: 3 neurons on 7 open sites, one of which is blocked for neuron 0 and its region."""
    random = np.random.default_rng(seed)
    netlist = graph(
        6, [(int(a), int(b)) for a, b in zip(random.integers(0, 3, 12), random.integers(3, 6, 12), strict=True)]
    )
    grid = Grid((5, 2, 1), (2, 3, 1))
    at = random.permutation(10)[:6]
    allowed = np.ones((2, 10), dtype=np.bool_)
    allowed[1, np.setdiff1d(np.arange(10), at)[0]] = False
    regions = Regions(np.array([1, 0, 0, 0, 0, 0]), allowed)
    others = set(at[3:].tolist())
    best = min(
        recount(netlist, Placement(grid, grid.coordinates[[*choice, *at[3:]]]))
        for choice in itertools.permutations(sorted(set(range(10)) - others), 3)
        if allowed[1, choice[0]]
    )
    found = problem(netlist, grid, regions).placement_of(
        reassign(problem(netlist, grid, regions), at, np.array([0, 1, 2]))
    )
    assert recount(netlist, found) == best
    assert obeys(found, regions)
    assert sites_of(found)[3:] == [tuple(site) for site in grid.coordinates[at[3:]].tolist()]


def test_layers_with_a_wire_inside_are_not_matched_one_by_one() -> None:
    inside = graph(4, [(0, 2), (0, 1)], [0, 0, 1, 1])
    assert layers_of(problem(inside, Grid((4, 1, 1)))) == []
    layers = layers_of(problem(graph(4, [(0, 2), (1, 1)], [0, 0, 1, 1]), Grid((4, 1, 1))))
    assert [layer.tolist() for layer in layers] == [[0, 1], [2, 3]]


def test_independent_sets_of_layers_are_the_even_and_the_odd_ones() -> None:
    netlist = layered([3, 2, 4], 20)
    assert [s.tolist() for s in independent_sets(problem(netlist, Grid((3, 3, 1))))] == [[0, 1, 2, 5, 6, 7, 8], [3, 4]]


def test_independent_sets_of_a_general_graph_join_no_wire() -> None:
    """A ring of 5 needs three colors, a ring of 6 two."""
    for neurons, colors in ((5, 3), (6, 2)):
        ring = [(k, (k + 1) % neurons) for k in range(neurons)]
        sets = independent_sets(problem(graph(neurons, ring), Grid((neurons, 1, 1))))
        assert sorted(np.concatenate(sets).tolist()) == list(range(neurons))
        assert len(sets) == colors
        assert not any(a in s and b in s for s in sets for a, b in ring)


@pytest.mark.parametrize("pinned", [False, True])
def test_the_kernel_reports_the_change_that_a_recount_finds(pinned: bool) -> None:
    wired = layered([14, 20, 9], 200, seed=4)
    source, target = (np.append(ends, [3, 17, 17]) for ends in (wired.source, wired.target))
    netlist = Netlist(wired.layer, wired.index, source, target, np.ones(203, np.int64))
    grid = Grid((5, 4, 4), (1, 2, 5))
    regions = face_regions(netlist, grid, {0: "x0", 2: "x1"} if pinned else {})
    stated, start = problem(netlist, grid, regions), place(netlist, grid, regions, method="index")
    state = state_of(stated, grid.number_of(start.site), seed=5)
    length = recount(netlist, start)
    for temperature in (1e6, 30.0, 3.0, 0.0):
        made = metropolis(state, 3_000, temperature, 3)
        placement = Placement(grid, state.where)
        length += made.change
        assert made.accepted > 0
        assert recount(netlist, placement) == length == stated.length_of(grid.number_of(placement.site))
        assert obeys(placement, regions)
        number = grid.number_of(placement.site)
        assert state.occupant[number].tolist() == list(range(43))
        assert np.array_equal(state.ends, state_of(stated, number, seed=0).ends)
    assert metropolis(state, 3_000, 0.0, 3).change <= 0


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
