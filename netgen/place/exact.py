"""The shortest placement of all, and the proof that it is: branch and bound."""

from itertools import permutations, product

import numpy as np

from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.anneal import anneal
from netgen.place.bounds import best
from netgen.place.branch import Task, search
from netgen.place.certificate import Certificate
from netgen.place.problem import Problem, problem_of
from netgen.progress import Progress, Stopped, silent

SHARE = 4
"""Moves of this many that go to annealing, which finds what branch and bound then proves."""
ANNEALED = 2_000_000
"""Moves of annealing at most."""


def exact(
    netlist: Netlist,
    grid: Grid,
    regions: Regions,
    *,
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> Placement:
    """Place by branch and bound with Gilmore and Lawler's bound, beginning with what annealing finds.

    Args:
        moves: the effort; a node costs as many as it has pairs of a free site and a neuron yet to be placed, 0.1 to
            0.2 us each on one core. The search ends before, when it has proven that no placement is shorter.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    Source: Gilmore 1962, Lawler 1963; branching on reduced costs after Mautor and Roucairol 1994.
    """
    problem = problem_of(netlist, grid, regions)
    return _search(problem, netlist, start, moves, seed, progress)[0]


def solve(
    netlist: Netlist,
    grid: Grid,
    regions: Regions,
    *,
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[Placement, Certificate, bool]:
    """Place as `exact` does, and say how good that is.

    Returns: the best placement found; the bound that the search has proven, or another if it was stopped and that is
        larger; whether the placement is proven to be the shortest.
    Raises: FitError, as `exact`.
    """
    problem = problem_of(netlist, grid, regions)
    placement, bound = _search(problem, netlist, start, moves, seed, progress)
    length, certificate = problem.length_of(problem.numbers_of(placement)), Certificate(bound, "exact")
    if bound < length:
        certificate = max(certificate, best(problem, progress=progress), key=lambda found: found.bound)
    return placement, certificate, certificate.bound == length


def _search(
    problem: Problem, netlist: Netlist, start: Placement | None, moves: int, seed: int, progress: Progress
) -> tuple[Placement, int]:
    """The best placement found, and a lower bound."""
    regions = Regions(problem.region, problem.allowed)
    annealed = min(moves // SHARE, ANNEALED)
    found = anneal(netlist, problem.grid, regions, start=start, moves=annealed, seed=seed, progress=progress)
    length = 2 * problem.length_of(problem.numbers_of(found))
    if not length:
        return found, 0
    sites = np.flatnonzero(problem.allowed[np.unique(problem.region)].any(axis=0))
    at = np.searchsorted(sites, problem.numbers_of(found))
    bound = 0
    try:
        progress("branch and bound", 0.0)
        length, bound = search(_task_of(problem, sites), at, length, moves)
        progress("branch and bound", 1.0)
    except Stopped:
        pass
    return problem.placement_of(sites[at]), -(-bound // 2)


def _task_of(problem: Problem, sites: Words) -> Task:
    """The problem on the sites that some neuron may use, in dense matrices."""
    weight = problem.adjacency.toarray().astype(np.int64)
    point = problem.point[sites]
    distance = np.abs(point[:, None] - point).sum(axis=2)
    return Task(
        weight=weight,
        heavy=np.argsort(-weight, axis=1, kind="stable"),
        wires=(weight > 0).sum(axis=1),
        distance=distance,
        near=np.argsort(distance - np.eye(len(sites), dtype=np.int64), axis=1, kind="stable"),
        allowed=problem.allowed[problem.region][:, sites],
        images=_images_of(problem, sites),
        twin=_twins_of(weight, problem.region),
    )


def _images_of(problem: Problem, sites: Words) -> Words:
    """Where each symmetry of the box that keeps all regions takes each of these sites, (symmetries, K) int64."""
    shape, pitch = np.array(problem.grid.shape), np.array(problem.grid.pitch)
    number = np.full(problem.grid.sites, -1, dtype=np.int64)
    number[sites] = np.arange(len(sites))
    site = problem.grid.coordinates
    images = []
    for order in map(list, permutations(range(3))):
        if (shape[order] != shape).any() or (pitch[order] != pitch).any():
            continue
        for mirrored in product([False, True], repeat=3):
            image = problem.grid.number_of(np.where(mirrored, shape - 1 - site, site)[:, order])
            if (problem.allowed[:, image] == problem.allowed).all():
                images.append(number[image[sites]])
    return np.unique(images, axis=0)


def _twins_of(weight: Words, region: Words) -> Words:
    """The lowest neuron of the same region with the same wires, for each neuron, itself at the least."""
    n = len(weight)
    twin: Words = np.arange(n)
    for i in range(n):
        for k in np.flatnonzero(region[:i] == region[i]):
            others = (np.arange(n) != i) & (np.arange(n) != k)
            if twin[k] == k and (weight[i, others] == weight[k, others]).all():
                twin[i] = k
                break
    return twin
