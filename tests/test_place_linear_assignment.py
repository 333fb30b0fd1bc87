"""Reassignment of independent sets finds what trying all ways finds, and layers and colors are independent sets."""

import itertools

import numpy as np
import pytest
from netlists import graph, layered, problem, recount, sites_of

from netgen.ir.grid import Grid, Placement
from netgen.ir.regions import Regions, obeys
from netgen.place import place
from netgen.place.linear_assignment import independent_sets, reassign
from netgen.place.matching import layers_of

MOVES = 20_000


@pytest.mark.parametrize("method", ["anneal", "matching"])
def test_no_layer_can_be_reassigned_better_in_the_end(method: str) -> None:
    netlist, grid = layered([20, 15, 10], 150), Grid((4, 4, 3))
    stated, start = problem(netlist, grid), place(netlist, grid, method="index")
    at = grid.number_of(place(netlist, grid, method=method, start=start, moves=MOVES).site)
    even_and_odd = [np.flatnonzero(netlist.layer % 2 == parity) for parity in (0, 1)]
    layers = [np.flatnonzero(netlist.layer == layer) for layer in range(3)]
    assert all(reassign(stated, at, members) is at for members in even_and_odd + layers)


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
