"""Tabu search within a small population: the placer for small or dense netlists."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, permutations
from math import inf
from os import cpu_count
from typing import Any

import numpy as np

from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.network import Bools
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.index import index
from netgen.place.problem import Problem, problem_of
from netgen.place.tabu_kernel import table_of, walk
from netgen.progress import Progress, Stopped, silent

FAMILY = 16
"""Placements that are bred with each other; as many threads may work."""
SHORT_WALK, WALK = 50, 60
"""Steps of one walk, for each site: so many before another member is worth while, and at most. Of two runs each on
sko100a and sko81 four met the best known so, three with 8 members that walk 250: a thin lead, on few runs."""
ALIKE = 10
"""Placements are alike when they differ in less than one site in so many, mirror images counted as the same. With a
child in its parent's place a family on sko100a came to be half copies of one placement after a third of its time."""
BARREN = 30
"""Generations without a shorter placement after which a new family begins; runs on sko100a found theirs within 40."""
STEP, STEP_PER_PAIR = 4, 1 / 480
"""Annealing moves that take as long as one step: so many, and so many more for each pair of sites."""


Member = tuple[int, Words]
"""A length, and the sites that have it."""


def tabu(
    netlist: Netlist,
    grid: Grid,
    regions: Regions,
    *,
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> Placement:
    """Place by robust tabu search from random placements, then from crossings of the best, again and again.

    Args:
        start: one more placement to begin from.
        moves: the effort of all walks together; a step on N sites counts as 4 + N * N / 480 moves, which take as long.
    Returns: the shortest placement seen.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    Source: Taillard 1991 (robust tabu search); crossing and renewal after Benlic and Hao 2015 (memetic search).
    """
    problem = problem_of(netlist, grid, regions)
    first = problem.numbers_of(start or index(netlist, grid, regions))
    return problem.placement_of(breed(problem, first, moves=moves, seed=seed, progress=progress))


def breed(problem: Problem, first: Words, *, moves: int, seed: int, progress: Progress) -> Words:
    """Walk from every member of a family, then from crossings of its members, until the work is used up.

    A child takes the place of the longest member, or of one that it is like, if it is shorter: so all stay different.
    A family that finds nothing more gives way to a new one, and the best of all is kept.
    """
    sites = problem.grid.sites
    if not problem.adjacency.nnz:  # and so there may be a single site
        return first
    budget = int(moves / (STEP + STEP_PER_PAIR * sites**2))
    size = min(max(budget // (SHORT_WALK * sites), 1), FAMILY)
    share = min(WALK * sites, budget // size)
    generations = budget // max(share * size, 1)
    random = np.random.default_rng(seed)
    may, images = _may(problem), _images(problem.grid)
    begin = np.concatenate([first, np.setdiff1d(np.arange(sites), first)])
    least, since = inf, 0
    best: Member = problem.length_of(first), begin
    family: list[Member] = []
    try:
        with ThreadPoolExecutor(cpu_count()) as pool:
            for generation in range(generations):
                progress(f"tabu search, wire length {best[0]:,}", generation / generations)
                if family:
                    children = [_child(family, k, may, images, random) for k in range(size)]
                else:
                    children = [_stirred(begin, may, 2 * sites, random) for _ in range(size - (generation == 0))]
                    children += [begin] * (generation == 0)
                    least, since = inf, generation
                seeds = random.integers(1, 1 << 63, size, dtype=np.uint64)
                walks = [pool.submit(_walk, problem, may, *c, share) for c in zip(children, seeds, strict=True)]
                grown = [walk.result() for walk in walks]
                family = _joined(family, grown, images) if family else grown
                shortest = min(family, key=_length)
                best = min(best, shortest, key=_length)
                if shortest[0] < least:
                    least, since = shortest[0], generation
                elif generation - since >= BARREN:
                    family = []
        progress(f"tabu search, wire length {best[0]:,}", 1.0)
    except Stopped:
        pass
    return best[1][: problem.neurons]


def _length(member: Member) -> int:
    return member[0]


def _joined(family: list[Member], grown: list[Member], images: list[Words]) -> list[Member]:
    """The family, with every child in the place that it has won."""
    family = list(family)
    for length, child in grown:
        apart = [min(np.count_nonzero(image[child] != site) for image in images) for _, site in family]
        nearest = int(np.argmin(apart))
        rival = nearest if apart[nearest] * ALIKE < len(child) else int(np.argmax([_length(m) for m in family]))
        if length < family[rival][0]:
            family[rival] = length, child
    return family


def _may(problem: Problem) -> Bools:
    """Whether an item may use a site, (N, N); free sites, which are items too, may lie anywhere."""
    may = np.ones((problem.grid.sites, problem.grid.sites), dtype=np.bool_)
    may[: problem.neurons] = problem.allowed[problem.region]
    return may


def _images(grid: Grid) -> list[Words]:
    """The site numbers of each mirror image of the box, those that exchange equal axes included."""
    number = np.arange(grid.sites).reshape(grid.shape[::-1])
    sides = list(zip(grid.shape[::-1], grid.pitch[::-1], strict=True))
    turned = [number.transpose(order) for order in permutations(range(3)) if [sides[k] for k in order] == sides]
    return [np.flip(view, axes).ravel() for view in turned for r in range(4) for axes in combinations(range(3), r)]


def _stirred(site: Words, may: Bools, times: int, random: np.random.Generator) -> Words:
    """The placement after up to so many random swaps, as far as they are allowed."""
    site = site.copy()
    for i, j in random.integers(0, len(site), (times, 2)):
        if may[i, site[j]] and may[j, site[i]]:
            site[[i, j]] = site[[j, i]]
    return site


def _child(family: list[Member], k: int, may: Bools, images: list[Words], random: np.random.Generator) -> Words:
    """Member k, with half of what differs taken from another member, or stirred where they hardly differ.

    The other member is first turned and mirrored so that it differs least.
    """
    child = family[k][1].copy()
    other = family[(k + int(random.integers(1, len(family)))) % len(family)][1]
    other = min((image[other] for image in images), key=lambda image: np.count_nonzero(image != child))
    differ = np.flatnonzero(other != child)
    if len(differ) < len(child) // 10:
        return _stirred(child, may, len(child) // 3, random)
    holder = np.argsort(child)
    for i in random.permutation(differ)[: len(differ) // 2]:
        j = holder[other[i]]
        if may[i, child[j]] and may[j, child[i]]:
            child[[i, j]] = child[[j, i]]
            holder[child[[i, j]]] = i, j
    return child


def _walk(problem: Problem, may: Bools, site: Words, seed: np.uint64, steps: int) -> tuple[int, Words]:
    """The least length on a walk from a placement, and the placement that has it."""
    n, sites = problem.neurons, problem.grid.sites
    flow = np.zeros((sites, sites), dtype=_type_of(problem))
    flow[:n, :n] = problem.adjacency.toarray()
    apart = np.abs(problem.point[:, None] - problem.point).sum(axis=2).astype(flow.dtype)
    table = table_of(flow, apart, may, site, seed)
    walk(table, steps, sites * 9 // 10, sites // 5 + 1)
    return int(table.tally[2]), table.best


def _type_of(problem: Problem) -> type[np.signedinteger[Any]]:
    """The narrowest type that holds every lengthening, and every sum and product on the way to it.

    A lengthening is less than 4 times what the heaviest neuron's wires would be across the box, an update 4 times more.
    """
    most = 8 * int(problem.point[-1].sum()) * int(problem.adjacency.sum(axis=1).max())
    assert most < 1 << 62, "a problem's lengths leave room"
    return np.int32 if most < 1 << 31 else np.int64
