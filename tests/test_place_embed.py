"""Embedding, smoothing, legalization and local annealing."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.sparse.csgraph import shortest_path

from netgen.ir.fixed import Words
from netgen.ir.grid import Face, Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, face_regions, free_regions, obeys
from netgen.place import place
from netgen.place.bisection import legalize
from netgen.place.embed import lay_out, refine
from netgen.place.kernels.local_anneal import local_metropolis, local_state_of
from netgen.place.pivot_embedding import pivot_embedding
from netgen.place.qap import Problem, problem_of
from netgen.place.smoothing import axes_of, smooth, whiten
from netgen.progress import silent


def graph(neurons: int, wires: Words, weight: Words | None = None, layer: Words | None = None) -> Netlist:
    """A netlist from (m, 2) pairs of neurons."""
    ends = np.asarray(wires, dtype=np.int64).reshape(-1, 2)
    layers = np.zeros(neurons, np.int64) if layer is None else layer
    return Netlist(layers, np.arange(neurons), ends[:, 0], ends[:, 1], np.ones(len(ends), np.int64), weight)


def box_wires(*shape: int) -> Words:
    """Pairs one step apart in a box, (m, 2); neurons are numbered x fastest, as sites are."""
    number = np.arange(np.prod(shape)).reshape(shape[::-1])
    steps = [
        (number.take(range(side - 1), 2 - axis), number.take(range(1, side), 2 - axis))
        for axis, side in enumerate(shape)
    ]
    return np.concatenate([np.stack([a.ravel(), b.ravel()], axis=1) for a, b in steps])


def shuffled(neurons: int, wires: Words, seed: int = 1) -> Netlist:
    return graph(neurons, np.random.default_rng(seed).permutation(neurons)[wires])


def random_graph(neurons: int, wires: int, seed: int = 0) -> Netlist:
    """Weights from 0 to 5, self-loops and duplicates likely."""
    random = np.random.default_rng(seed)
    return graph(neurons, random.integers(0, neurons, (wires, 2)), random.integers(0, 6, wires))


def recount(netlist: Netlist, placement: Placement) -> int:
    """Weighted wire length in plain Python."""
    site, pitch, total = placement.site.tolist(), placement.grid.pitch, 0
    for a, b, weight in zip(netlist.source.tolist(), netlist.target.tolist(), netlist.weights.tolist(), strict=True):
        total += weight * sum(s * abs(p - q) for s, p, q in zip(pitch, site[a], site[b], strict=True))
    return total


def stated(netlist: Netlist, grid: Grid, regions: Regions | None = None) -> Problem:
    return problem_of(netlist, grid, regions or free_regions(netlist, grid))


def adjacency_of(neurons: int, wires: Words) -> Any:
    return stated(graph(neurons, wires), Grid((neurons, 1, 1))).adjacency


@pytest.mark.parametrize("shape", [(12, 12, 12), (9, 11, 7)])
def test_a_shuffled_grid_graph_of_a_thousand_neurons_is_solved(shape: tuple[int, int, int]) -> None:
    """A full box; at best, each wire is 1 long. On 12 x 12 x 12 that is 3 * 11 * 144 = 4,752."""
    netlist = shuffled(int(np.prod(shape)), box_wires(*shape))
    placement = place(netlist, Grid(shape), method="embed", moves=500_000)
    assert recount(netlist, placement) <= 1.15 * netlist.wires


def test_a_layout_alone_finds_the_order_of_a_shuffled_path() -> None:
    netlist = shuffled(400, box_wires(400, 1, 1))
    problem = stated(netlist, Grid((400, 1, 1)))
    assert problem.length_of(lay_out(problem, silent)) == 399


def test_the_longest_axis_of_the_box_gets_the_longest_axis_of_the_graph() -> None:
    netlist = shuffled(9 * 7 * 5, box_wires(9, 7, 5))
    for x, y, z in itertools.permutations((9, 7, 5)):
        problem = stated(netlist, Grid((x, y, z)))
        assert problem.length_of(lay_out(problem, silent)) < 1.5 * netlist.wires


def test_components_lie_together() -> None:
    """Two shuffled boxes of 6 x 6 x 6 beside each other in one of 12 x 6 x 6: no wire needs to be longer than 1."""
    one = box_wires(6, 6, 6)
    netlist = shuffled(432, np.concatenate([one, one + 216]))
    placement = place(netlist, Grid((12, 6, 6)), method="embed", moves=400_000)
    assert recount(netlist, placement) <= 1.15 * netlist.wires


@pytest.mark.parametrize("pitch", [(1, 1, 1), (1, 3, 7)])
def test_refining_never_lengthens(pitch: tuple[int, int, int]) -> None:
    netlist, grid = random_graph(60, 150), Grid((5, 4, 4), pitch)
    problem = stated(netlist, grid)
    for seed, moves, hot in itertools.product(range(3), (0, 1, 500, 20_000), (0.1, 50.0)):
        at = np.random.default_rng(seed).permutation(80)[:60]
        refined = refine(problem, at, moves=moves, seed=seed, hot=hot, progress=silent)
        start, end = (recount(netlist, Placement(grid, grid.coordinates[a])) for a in (at, refined))
        assert end <= start
        assert end == start or moves


def test_refining_the_best_layout_from_any_heat_gives_it_back() -> None:
    """2,000 moves at a high temperature do not lead back to the best layout by themselves."""
    problem = stated(graph(216, box_wires(6, 6, 6)), Grid((6, 6, 6)))
    at = refine(problem, np.arange(216), moves=2_000, seed=0, hot=50.0, progress=silent)
    assert at.tolist() == list(range(216))


def test_a_start_is_refined_and_not_replaced() -> None:
    """The optimal layout, mirrored, stays as it is; a new layout would not be mirrored."""
    netlist, grid = graph(216, box_wires(6, 6, 6)), Grid((6, 6, 6))
    mirrored = Placement(grid, grid.coordinates * np.array([-1, 1, -1]) + np.array([5, 0, 5]))
    placement = place(netlist, grid, method="embed", start=mirrored, moves=100_000)
    assert np.array_equal(placement.site, mirrored.site)


@pytest.mark.parametrize("moves", [0, 20_000])
@pytest.mark.parametrize("faces", [{0: "x0", 2: "x1"}, {0: "z1", 2: "y0"}, {2: "y1"}])
def test_the_result_obeys_regions(faces: dict[int, Face], moves: int) -> None:
    random = np.random.default_rng(3)
    layer = np.repeat([0, 1, 2], [20, 200, 20])
    ends = np.concatenate([random.integers(0, [20, 220], (100, 2)), random.integers([20, 220], 240, (100, 2))])
    netlist, grid = graph(240, ends, layer=layer), Grid((8, 7, 6))
    regions = face_regions(netlist, grid, faces)
    allowed = regions.allowed.copy()
    allowed[:, [0, 17, 100, 335]] = False
    blocked = Regions(regions.region, allowed)
    placement = place(netlist, grid, blocked, method="embed", moves=moves)
    assert obeys(placement, blocked)
    again = place(netlist, grid, blocked, method="embed", start=placement, moves=moves)
    assert obeys(again, blocked)


@pytest.mark.parametrize("faces", [("x0", "x1"), ("x1", "x0"), ("y1", "y0"), ("z0", "z1")])
def test_the_layout_is_oriented_towards_the_faces_that_hold_its_ends(faces: tuple[Face, Face]) -> None:
    """A shuffled 6 x 6 x 6 grid graph with two opposite planes pinned to opposite faces: every wire can be 1 long."""
    wires = box_wires(6, 6, 6)
    layer = np.arange(216) // 36
    random = np.random.default_rng(0)
    label = np.concatenate([36 * k + random.permutation(36) for k in range(6)])
    netlist, grid = graph(216, label[wires], layer=layer), Grid((6, 6, 6))
    regions = face_regions(netlist, grid, {0: faces[0], 5: faces[1]})
    problem = stated(netlist, grid, regions)
    assert problem.length_of(lay_out(problem, silent)) < 1.5 * netlist.wires


def test_neurons_beyond_the_sites_that_are_needed_stay_near_the_center() -> None:
    """5 x 5 x 5 neurons in 9 x 9 x 9 sites: the wires of a grid graph can still all be 1 long."""
    netlist = shuffled(125, box_wires(5, 5, 5))
    problem = stated(netlist, Grid((9, 9, 9)))
    at = lay_out(problem, silent)
    assert problem.point[at].min() == 2
    assert problem.point[at].max() == 6
    assert problem.length_of(at) == netlist.wires


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 1, 1), (4, 4, 4), (5, 3, 7), (31, 2, 3)])
def test_legalizing_a_distorted_box_gives_it_back(shape: tuple[int, int, int]) -> None:
    """Each axis is distorted by a rising function, with noise below the smallest step."""
    point = Grid(shape).coordinates
    random = np.random.default_rng(0)
    point = point[random.permutation(len(point))]
    distorted = np.sqrt(1 + point) * np.array([3, -1, 1]) + random.uniform(-0.05, 0.05, point.shape)
    distorted[:, 1] *= -1
    wanted = random.permutation(len(point))
    assert legalize(distorted[wanted], point).tolist() == wanted.tolist()


def test_legalizing_uses_each_site_once_whatever_their_shape() -> None:
    random = np.random.default_rng(4)
    for count in (0, 1, 2, 3, 50, 333):
        point = Grid((9, 8, 7)).coordinates[random.permutation(504)[:count]] * np.array([1, 5, 2])
        for spread in (0.0, 1.0):
            where = random.normal(scale=spread, size=(count, 3))
            assert sorted(legalize(where, point).tolist()) == list(range(count))


def test_pivot_coordinates_are_the_principal_components_of_graph_distances() -> None:
    """With as many pivots as neurons: those of the whole distance matrix, by singular values."""
    random = np.random.default_rng(5)
    wires = np.concatenate([np.stack([np.arange(19), np.arange(1, 20)], axis=1), random.integers(0, 20, (8, 2))])
    adjacency = adjacency_of(20, wires)
    distance = shortest_path(adjacency, unweighted=True)
    left, values, _ = np.linalg.svd(distance - distance.mean(axis=0), full_matrices=False)
    found = pivot_embedding(adjacency)
    scaled = left[:, :3] * values[:3]
    assert np.allclose(np.abs((found * scaled).sum(axis=0)), values[:3] ** 2, rtol=1e-4)


def test_whitened_coordinates_have_unit_covariance_and_dependent_ones_vanish() -> None:
    random = np.random.default_rng(6)
    independent, share = random.normal(size=(50, 3)) @ random.normal(size=(3, 3)), random.dirichlet(np.ones(50))
    for coordinates, rank in ((independent, 3), (independent[:, [0, 1, 1]], 2), (np.ones((50, 3)), 0)):
        white = whiten(coordinates, share)
        assert np.allclose(share @ white, 0)
        covariance = np.einsum("n,ni,nj->ij", share, white, white)
        assert np.allclose(np.sort(np.diag(covariance)), [0] * (3 - rank) + [1] * rank)
        assert np.allclose(covariance, np.diag(np.diag(covariance)))


def test_smoothing_tends_to_the_eigenvectors_of_the_laplacian() -> None:
    """On a path the three lowest are known: entry k of vector j is cos(pi j k / (n - 1)), by weights of the degrees."""
    adjacency = adjacency_of(12, box_wires(12, 1, 1))
    smoothed = smooth(adjacency, np.random.default_rng(7).normal(size=(12, 3)), 2_000)
    known = np.cos(np.pi * np.outer(np.arange(12), [1, 2, 3]) / 11)
    residual = known - smoothed @ np.linalg.lstsq(smoothed, known, rcond=None)[0]
    assert np.abs(residual).max() < 1e-6


def test_rotation_lays_wires_along_the_axes() -> None:
    """A box of 6 x 5 x 4, rotated at random, gets its axes back in the order of their lengths, each mirrored or not."""
    point = Grid((6, 5, 4)).coordinates
    white = (point - point.mean(axis=0)) / point.std(axis=0)
    adjacency = adjacency_of(120, box_wires(6, 5, 4))
    for seed in range(5):
        askew, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
        own, rotated = axes_of(adjacency, white @ askew)
        assert np.allclose(np.abs(askew @ rotated), np.eye(3), atol=0.01)
        assert sorted(own.ravel().tolist()) == [0] * 6 + [1] * 3


@pytest.mark.parametrize("pinned", [False, True])
def test_local_annealing_reports_the_change_that_a_recount_finds(pinned: bool) -> None:
    random = np.random.default_rng(8)
    layer = np.repeat([0, 1, 2], [14, 20, 9])
    ends = np.concatenate([random.integers(0, 43, (200, 2)), [[0, 20], [0, 20], [20, 0], [5, 5]]])
    netlist = graph(43, ends, random.integers(0, 6, 204), layer)
    grid = Grid((5, 4, 4), (1, 2, 5))
    faces: dict[int, Face] = {0: "x0", 2: "x1"} if pinned else {}
    regions = face_regions(netlist, grid, faces)
    start = place(netlist, grid, regions, method="index")
    state = local_state_of(stated(netlist, grid, regions), grid.number_of(start.site), seed=5)
    length = recount(netlist, start)
    for temperature in (1e6, 30.0, 3.0, 0.0):
        change, accepted = local_metropolis(state, 0, 5_000, temperature, 2)
        placement = Placement(grid, grid.coordinates[state.sites()])
        length += change
        assert accepted > 0
        assert recount(netlist, placement) == length
        assert obeys(placement, regions)
    assert local_metropolis(state, 0, 5_000, 0.0, 2)[0] <= 0


def test_local_annealing_at_temperature_zero_ends_where_no_neighboring_swap_is_shorter() -> None:
    netlist, grid = random_graph(27, 60), Grid((3, 3, 3))
    problem = stated(netlist, grid)
    state = local_state_of(problem, np.arange(27), seed=0)
    local_metropolis(state, 0, 300_000, 0.0, 1)
    at = state.sites()
    wired = np.flatnonzero(np.diff(problem.adjacency.indptr))
    for a, b in itertools.product(wired.tolist(), range(27)):
        if a != b and np.abs(problem.point[at[a]] - problem.point[at[b]]).max() == 1:
            swapped = at.copy()
            swapped[[a, b]] = at[[b, a]]
            assert problem.length_of(swapped) >= problem.length_of(at)


def test_equal_seeds_give_equal_placements_and_others_others() -> None:
    netlist, grid = random_graph(300, 700), Grid((7, 7, 7))
    first, same, other = (place(netlist, grid, method="embed", moves=30_000, seed=s).site for s in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
