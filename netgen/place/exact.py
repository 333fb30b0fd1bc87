"""Branch and bound: the shortest placement, and the proof that it is."""

from itertools import permutations, product

import numpy as np

from netgen.errors import FitError
from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES, check_effort
from netgen.place.anneal import anneal
from netgen.place.bounds import best
from netgen.place.certificate import Certificate
from netgen.place.kernels.branch import EFFORT, Instance, search, tree_of
from netgen.place.kernels.chunks import chunks
from netgen.place.kernels.jonker_volgenant import FORBIDDEN
from netgen.place.qap import Problem, problem_of
from netgen.progress import Progress, Stopped, silent

__all__ = ["exact", "solve"]

MOST_SITES = 1_000
"""Sites beyond which the search is refused: one node of 1,000 neurons takes about a second."""
SHARE = 4
"""Annealing, which usually finds what branch and bound then proves, gets one of this many moves."""
ANNEALED = 2_000_000
"""Largest number of moves of annealing."""


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
    """Place by annealing, then by branch and bound with the Gilmore-Lawler bound.

    Args:
        moves: effort; a node costs as many as its number of pairs of a free site and an unplaced neuron, 0.1 to 0.2 us
            each on one core. The search ends earlier when it has proven that no placement is shorter.
    Raises: FitError, when the neurons of some region have too few sites, `start` does not fit, the grid has more than
        MOST_SITES sites, or lengths are too large for the search.
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
    """Place as `exact` does, and certify the result.

    Returns: the best placement found; a certificate of the bound that the search has proven, or if the search is not
        complete, of the largest bound; whether the placement is proven to be the shortest.
    Raises: FitError, as `exact`; SpecError, as `netgen.place.place`.
    """
    check_effort(moves, seed)
    problem = problem_of(netlist, grid, regions)
    placement, bound = _search(problem, netlist, start, moves, seed, progress)
    length, certificate = problem.length_of(problem.numbers_of(placement)), Certificate(bound, "exact")
    if bound < length:
        certificate = max(certificate, best(problem, progress=progress), key=lambda found: found.bound)
    return placement, certificate, certificate.bound == length


def _search(
    problem: Problem, netlist: Netlist, start: Placement | None, moves: int, seed: int, progress: Progress
) -> tuple[Placement, int]:
    """Return the best placement found and a lower bound on the wire length."""
    if problem.grid.sites > MOST_SITES:
        raise FitError(
            f"exact search on {problem.grid.sites:,} sites; at most {MOST_SITES:,} are feasible; choose another method"
        )
    if 8 * problem.grid.diagonal * int(problem.adjacency.sum()) >= FORBIDDEN:
        raise FitError("exact search needs shorter wires than 2^48; shorten the pitch or reduce the weights")
    regions = Regions(problem.region, problem.allowed)
    annealed = min(moves // SHARE, ANNEALED)
    found = anneal(netlist, problem.grid, regions, start=start, moves=annealed, seed=seed, progress=progress)
    length = 2 * problem.length_of(problem.numbers_of(found))
    if not length:
        return found, 0
    sites = np.flatnonzero(problem.allowed[np.unique(problem.region)].any(axis=0))
    at = np.searchsorted(sites, problem.numbers_of(found))
    instance, bound, spent = _instance_of(problem, sites), 0, 0
    tree = tree_of(instance)
    try:
        while bound < length and (not spent or spent < moves):
            progress(f"branch and bound, wire length {length // 2:,}", spent / max(moves, spent, 1))
            length, bound = search(instance, tree, at, length, spent + next(chunks(max(moves - spent, 0))))
            spent = int(tree.counts[EFFORT])
        progress(f"branch and bound, wire length {length // 2:,}", 1.0)
    except Stopped:
        pass
    return problem.placement_of(sites[at]), -(-bound // 2)


def _instance_of(problem: Problem, sites: Words) -> Instance:
    """Build dense matrices of the problem on the sites that some neuron may use."""
    weight = problem.adjacency.toarray().astype(np.int64)
    point = problem.point[sites]
    distance = np.abs(point[:, None] - point).sum(axis=2)
    return Instance(
        weight=weight,
        heaviest=np.argsort(-weight, axis=1, kind="stable"),
        degree=(weight > 0).sum(axis=1),
        distance=distance,
        nearest=np.argsort(distance - np.eye(len(sites), dtype=np.int64), axis=1, kind="stable"),
        allowed=problem.allowed[problem.region][:, sites],
        symmetry=_symmetries_of(problem, sites),
        twin=_twins_of(weight, problem.region),
    )


def _symmetries_of(problem: Problem, sites: Words) -> Words:
    """List the symmetries of the box that map every region to itself.

    Returns: (symmetries, K) int64; the index of the site to which each symmetry maps each of these sites.
    """
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
    """Find for each neuron the lowest neuron of its region with the same wires, or the neuron itself; (n,) int64."""
    n = len(weight)
    twin: Words = np.arange(n)
    for i in range(n):
        for k in np.flatnonzero(region[:i] == region[i]):
            others = (np.arange(n) != i) & (np.arange(n) != k)
            if twin[k] == k and (weight[i, others] == weight[k, others]).all():
                twin[i] = k
                break
    return twin
