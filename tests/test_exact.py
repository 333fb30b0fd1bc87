"""Branch and bound finds the shortest placement, and its bound is one even when it is stopped."""

import numpy as np
import pytest
from quadratic import NUG12, SCR12, random_instance, shortest, stated, weighted

from netgen.errors import FitError
from netgen.ir.grid import Grid, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, free_regions, obeys
from netgen.place.exact import _instance_of, _symmetries_of, _twins_of, solve
from netgen.place.kernels.branch import search, tree_of

BOX = Grid((4, 3, 1))


def tree(neurons: int, seed: int) -> Netlist:
    """A random tree with random weights, like the flows of QAPLIB's chr instances."""
    random = np.random.default_rng(seed)
    return weighted(neurons, [(int(random.integers(0, k)), k, int(random.integers(1, 100))) for k in range(1, neurons)])


@pytest.mark.parametrize("seed", range(10))
def test_it_finds_what_brute_force_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(20):
        netlist, grid, regions = random_instance(random)
        placement, certificate, proven = solve(netlist, grid, regions, moves=1_000_000)
        assert proven
        assert certificate.bound == shortest(netlist, grid, regions)
        assert certificate.bound == wire_lengths(netlist, placement) @ netlist.weights
        assert obeys(placement, regions)


@pytest.mark.parametrize("seed", range(5))
def test_a_search_that_is_stopped_leaves_a_bound(seed: int) -> None:
    random = np.random.default_rng(seed)
    unproven = 0
    for effort in (1, 20, 40, 60, 80, 100) * 3:
        netlist, grid, regions = random_instance(random)
        placement, certificate, proven = solve(netlist, grid, regions, moves=effort)
        length = int(wire_lengths(netlist, placement) @ netlist.weights)
        assert certificate.bound <= shortest(netlist, grid, regions) <= length
        assert proven == (certificate.bound == length)
        unproven += not proven
    assert unproven > 0


@pytest.mark.parametrize(("netlist", "optimum"), [(NUG12, 289), (SCR12, 15_705)], ids=["nug12", "scr12"])
def test_it_proves_instances_of_the_literature(netlist: Netlist, optimum: int) -> None:
    placement, certificate, proven = solve(netlist, BOX, free_regions(netlist, BOX), moves=20_000_000)
    assert proven
    assert certificate.bound == optimum == wire_lengths(netlist, placement) @ netlist.weights


@pytest.mark.parametrize("seed", range(3))
def test_it_proves_weighted_trees(seed: int) -> None:
    netlist, grid = tree(18, seed), Grid((6, 3, 1))
    placement, certificate, proven = solve(netlist, grid, free_regions(netlist, grid))
    assert proven
    assert certificate.bound == wire_lengths(netlist, placement) @ netlist.weights


def test_more_effort_never_weakens_the_bound() -> None:
    bounds = [solve(NUG12, BOX, free_regions(NUG12, BOX), moves=5**k)[1].bound for k in range(3, 10)]
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[-1]


@pytest.mark.parametrize(
    ("shape", "pitch", "symmetries"),
    [
        ((3, 3, 3), (1, 1, 1), 48),
        ((3, 3, 3), (1, 1, 2), 16),
        ((3, 3, 2), (1, 1, 1), 16),
        ((4, 3, 2), (1, 1, 1), 8),
        ((4, 3, 1), (1, 1, 1), 4),
    ],
)
def test_a_box_has_all_its_symmetries(
    shape: tuple[int, int, int], pitch: tuple[int, int, int], symmetries: int
) -> None:
    """Each axis can be mirrored, and axes of one length and pitch exchanged."""
    problem = stated(weighted(2, []), Grid(shape, pitch))
    assert len(_symmetries_of(problem, np.arange(problem.grid.sites))) == symmetries


def test_a_blocked_corner_breaks_all_symmetries_but_one() -> None:
    """Of the 8 symmetries of a square of 3 x 3, the mirror through that corner remains, and doing nothing."""
    grid, allowed = Grid((3, 3, 1)), np.ones((1, 9), np.bool_)
    allowed[0, 0] = False
    problem = stated(weighted(2, []), grid, Regions(np.zeros(2, np.int64), allowed))
    assert _symmetries_of(problem, np.arange(1, 9)).tolist() == [list(range(8)), [2, 5, 0, 3, 6, 1, 4, 7]]


def test_leaves_of_one_neuron_are_twins_if_weight_and_region_agree() -> None:
    star = stated(weighted(6, [(0, 1, 2), (0, 2, 2), (0, 3, 5), (0, 4, 2), (0, 5, 5)]), Grid((6, 1, 1)))
    assert _twins_of(star.adjacency.toarray(), np.array([0, 0, 0, 0, 1, 0])).tolist() == [0, 1, 1, 3, 4, 3]


@pytest.mark.parametrize("seed", range(20))
def test_a_search_from_any_placement_ends_at_the_optimum(seed: int) -> None:
    random = np.random.default_rng(seed)
    netlist, grid, _ = random_instance(random)
    problem, at = stated(netlist, grid), random.permutation(grid.sites)[: netlist.neurons]
    instance = _instance_of(problem, np.arange(grid.sites))
    length, bound = search(instance, tree_of(instance), at, 2 * problem.length_of(at), 10**8)
    assert length == bound == 2 * problem.length_of(at)
    assert length == 2 * shortest(netlist, grid, free_regions(netlist, grid))


def test_wires_too_long_for_the_costs_of_the_search_are_refused() -> None:
    """Both directions of a wire of length 2**48, times 8, cost 2**52, which is the cost of a forbidden site."""
    netlist, grid = weighted(2, [(0, 1, 1)]), Grid((3, 1, 1), (1 << 47, 1, 1))
    message = r"^exact search needs shorter wires than 2\^48; shorten the pitch or reduce the weights$"
    with pytest.raises(FitError, match=message):
        solve(netlist, grid, free_regions(netlist, grid), moves=100)
