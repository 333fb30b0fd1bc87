"""Simulated annealing: known optima, and exact bookkeeping of its kernel."""

import numpy as np
import pytest
from netlists import DUPLICATES, graph, grid_graph, layered, problem, recount

from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import face_regions, obeys
from netgen.place import place
from netgen.place.anneal import cool
from netgen.place.kernels.anneal import anneal_state_of, metropolis
from netgen.progress import silent

MOVES = 20_000


def best_of_four_seeds(netlist: Netlist, grid: Grid) -> int:
    """The least length that annealing reaches; one seed alone may end in a folded layout."""
    return min(recount(netlist, place(netlist, grid, method="anneal", moves=500_000, seed=s)) for s in range(4))


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


def test_cooling_from_any_temperature_ends_no_longer_than_it_began() -> None:
    """The start is optimal, and 2,000 moves at a high temperature do not lead back to it by themselves."""
    grid = Grid((6, 6, 6))
    netlist = grid_graph(6, 6, 6, shuffled=False)
    begin = np.arange(216).reshape(6, 6, 6).transpose(2, 1, 0).ravel()
    assert problem(netlist, grid).length_of(begin) == netlist.wires
    at = cool(problem(netlist, grid), begin, moves=2_000, seed=0, hot=5.0, progress=silent)
    assert problem(netlist, grid).length_of(at) == netlist.wires


@pytest.mark.parametrize("pinned", [False, True])
def test_the_kernel_reports_the_change_that_a_recount_finds(pinned: bool) -> None:
    wired = layered([14, 20, 9], 200, seed=4)
    source, target = (np.append(ends, [3, 17, 17]) for ends in (wired.source, wired.target))
    netlist = Netlist(wired.layer, wired.index, source, target, np.ones(203, np.int64))
    grid = Grid((5, 4, 4), (1, 2, 5))
    regions = face_regions(netlist, grid, {0: "x0", 2: "x1"} if pinned else {})
    stated, start = problem(netlist, grid, regions), place(netlist, grid, regions, method="index")
    state = anneal_state_of(stated, grid.number_of(start.site), seed=5)
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
        assert np.array_equal(state.ends, anneal_state_of(stated, number, seed=0).ends)
    assert metropolis(state, 3_000, 0.0, 3).change <= 0
