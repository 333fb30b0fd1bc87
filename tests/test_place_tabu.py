"""Memetic tabu search: exact bookkeeping of its kernel, replacement in the population, known optima."""

import itertools
from typing import Any

import numpy as np
import pytest
from netlists import dense, from_matrix, length_of

from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.regions import free_regions
from netgen.place import place
from netgen.place.kernels.tabu import tabu_state_of, tabu_steps
from netgen.place.qap import problem_of
from netgen.place.tabu import _images, _replaced


@pytest.mark.parametrize("whole", [np.int32, np.int64])
@pytest.mark.parametrize("reach", [1, 1 << 15])
def test_a_search_keeps_the_lengths_that_a_recount_finds(whole: type, reach: int) -> None:
    """10 neurons and 2 free sites on 4 x 3; item 0 allowed not use site 5. Steps of 2**15 just fit 32 bits."""
    netlist, grid = dense(10), Grid((4, 3, 1), (reach, 2 * reach, 1))
    problem = problem_of(netlist, grid, free_regions(netlist, grid))
    flow: np.ndarray[Any, Any] = np.zeros((12, 12), whole)
    flow[:10, :10] = problem.adjacency.toarray()
    apart = np.abs(problem.point[:, None] - problem.point).sum(axis=2).astype(whole)
    allowed = np.ones((12, 12), bool)
    allowed[0, 5] = False
    state = tabu_state_of(flow, apart, allowed, np.arange(12), np.uint64(7))
    length = shortest = problem.length_of(np.arange(10))
    assert state.counts.tolist() == [0, length, length]
    for _ in range(300):
        tabu_steps(state, 1, 5, 3)
        now = int((flow.astype(np.int64) * apart[np.ix_(state.site, state.site)]).sum()) // 2
        shortest = min(shortest, now)
        assert state.counts[1:].tolist() == [now, shortest]
        assert state.site[0] != 5
    assert state.counts[0] == 300
    assert int((flow.astype(np.int64) * apart[np.ix_(state.best, state.best)]).sum()) // 2 == shortest < length


def test_every_step_makes_the_best_swap_that_is_not_tabu() -> None:
    """All swaps are recounted. For 5 steps after both items left, a swap back is tabu, unless it is a record."""
    random = np.random.default_rng(4)
    flow = random.integers(0, 9, (9, 9)).astype(np.int32)
    flow += flow.T
    np.fill_diagonal(flow, 0)
    apart = np.abs(np.arange(9)[:, None] - np.arange(9)).astype(np.int32)

    def length(site: np.ndarray[Any, Any]) -> int:
        return int((flow * apart[np.ix_(site, site)]).sum()) // 2

    state = tabu_state_of(flow, apart, np.ones((9, 9), bool), np.arange(9), np.uint64(3))
    shortest, left = length(np.arange(9)), np.full((9, 9), -9)  # when an item left a site
    for step in range(60):
        before = state.site.copy()
        lengths = []
        for i, j in itertools.combinations(range(9), 2):
            swapped = before.copy()
            swapped[[i, j]] = swapped[[j, i]]
            both_were_there = step - min(left[i, swapped[i]], left[j, swapped[j]]) < 5
            if not both_were_there or length(swapped) < shortest:
                lengths.append(length(swapped))
        tabu_steps(state, 1, 5, 1)
        moved = np.flatnonzero(state.site != before)
        left[moved, before[moved]] = step
        assert length(state.site) == min(lengths)
        shortest = min(shortest, length(state.site))


def test_a_child_replaces_a_similar_member_or_else_the_longest_if_it_is_shorter() -> None:
    """20 sites in a row: placements are similar if they, or their mirror images, differ in less than two sites."""
    images = _images(Grid((20, 1, 1), (1, 1, 1)))
    order, far = np.arange(20), np.roll(np.arange(20), 7)
    other = np.random.default_rng(1).permutation(20)
    population = [(10, order), (30, far)]

    def lengths(length: int, child: Words) -> list[int]:
        return [member for member, _ in _replaced(population, [(length, child)], images)]

    assert lengths(9, order) == [9, 30]  # replaces a similar member
    assert lengths(9, order[::-1].copy()) == [9, 30]  # replaces the mirror image
    assert lengths(20, order) == [10, 30]  # longer than the similar member: replaces none, not even the longest
    assert lengths(20, other) == [10, 20]  # similar to none: replaces the longest
    assert lengths(30, other) == [10, 30]


def test_tabu_search_finds_what_trying_all_placements_finds() -> None:
    netlist, grid = dense(6, seed=1), Grid((4, 2, 1), (1, 3, 1))
    best = min(
        length_of(netlist, Placement(grid, grid.coordinates[list(choice)]))
        for choice in itertools.permutations(range(8), 6)
    )
    assert length_of(netlist, place(netlist, grid, method="tabu", moves=20_000)) == best


def test_tabu_search_is_exact_beyond_32_bits() -> None:
    """Lengths near 2**55, where floating point numbers are 8 apart."""
    netlist, grid = (
        from_matrix((1 << 22) + np.random.default_rng(1).integers(0, 9, (4, 4))),
        Grid((2, 2, 1), (1 << 30, 1, 1)),
    )
    best = min(
        length_of(netlist, Placement(grid, grid.coordinates[list(choice)]))
        for choice in itertools.permutations(range(4))
    )
    assert length_of(netlist, place(netlist, grid, method="tabu", moves=20_000)) == best
