"""Memetic search: robust tabu search from each member of a small population, and crossover of the members.

The placer for small or dense netlists.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, permutations
from math import inf
from typing import Any

import numpy as np

from netgen.errors import FitError
from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.index import index
from netgen.place.kernels.chunks import chunks
from netgen.place.kernels.tabu import TabuState, tabu_state_of, tabu_steps
from netgen.place.qap import Problem, problem_of
from netgen.place.threads import cores, workers
from netgen.progress import Progress, Stopped, silent

__all__ = ["evolve", "tabu"]

MOST_SITES = 2_000
"""Sites beyond which tabu search is refused: each thread needs 20 to 40 bytes for every pair of sites."""
POPULATION = 16
"""Number of placements in a population, at most; as many threads may work at a time."""
SHORT_SEARCH, SEARCH = 50, 60
"""Steps of one tabu search for each site: below the first number, a smaller population gains more; the second is the
largest. With these, two runs each on sko100a and sko81 met the best known length four times, and three times with 8
members and 250 steps: a small lead, on few runs."""
SIMILAR = 10
"""Two placements are similar if they differ in less than one site of this many, after the best mirroring. When a child
replaced its parent instead, half of a population on sko100a were copies of one placement after a third of the time."""
BARREN = 30
"""Generations without a shorter placement after which a new population begins; on sko100a, improving runs improved
within 40."""
STEP, STEP_PER_PAIR = 4, 1 / 480
"""Time of one step, in moves of annealing: a constant, and an amount for each pair of sites."""

Member = tuple[int, Words]
"""A wire length, and the site of each item that has it. Items are the neurons, then one for each free site."""


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
    """Place by memetic search: tabu search from random placements, then from crossings of the best, repeatedly.

    Args:
        start: one more placement to begin from.
        moves: effort of all searches together; a step on N sites takes as long as 4 + N * N / 480 moves.
    Returns: the shortest placement seen.
    Raises: FitError, when the neurons of some region have too few sites, `start` does not fit, or the grid has more
        than MOST_SITES sites.
    Source: Taillard 1991 (robust tabu search); crossover and restarts after Benlic and Hao 2015 (memetic search).
    """
    problem = problem_of(netlist, grid, regions)
    if grid.sites > MOST_SITES:
        raise FitError(
            f"tabu search on {grid.sites:,} sites; at most {MOST_SITES:,} fit in memory; choose another method"
        )
    first = problem.numbers_of(start or index(netlist, grid, regions))
    return problem.placement_of(evolve(problem, first, moves=moves, seed=seed, progress=progress))


def evolve(problem: Problem, first: Words, *, moves: int, seed: int, progress: Progress) -> Words:
    """Evolve populations until the moves are used up.

        repeat:
            the population <- `first` and random placements
            until BARREN generations bring no shorter placement:
                for each member:  a child <- half of the member, half of another; at first the member itself
                for each child:   improve it by tabu search
                for each child:   replace a similar member, or else the longest, if the child is shorter

    Args:
        first: (n,) int64; the site number of each neuron.
    Returns: the shortest placement of all populations.
    """
    sites = problem.grid.sites
    if not problem.adjacency.nnz:  # there may be a single site, too few for a swap
        return first
    budget = int(moves / (STEP + STEP_PER_PAIR * sites**2))
    size = min(max(budget // (SHORT_SEARCH * sites), 1), POPULATION)
    steps = min(SEARCH * sites, budget // size)
    generations = budget // max(steps * size, 1)
    random = np.random.default_rng(seed)
    allowed, images = _allowed(problem), _images(problem.grid)
    begin = np.concatenate([first, np.setdiff1d(np.arange(sites), first)])
    least, since = inf, 0
    best: Member = problem.length_of(first), begin
    population: list[Member] = []
    searches: list[_Search] = []
    try:
        with workers() as pool:
            for generation in range(generations):
                if population:
                    children = [_child(population, k, allowed, images, random) for k in range(size)]
                else:
                    children = [_shuffled(begin, allowed, 2 * sites, random) for _ in range(size - (generation == 0))]
                    children += [begin] * (generation == 0)
                    least, since = inf, generation
                seeds = random.integers(1, 1 << 63, size, dtype=np.uint64)
                searches = [_Search(problem, allowed, *child) for child in zip(children, seeds, strict=True)]
                for share in _run_all(searches, steps, pool):
                    progress(f"tabu search, wire length {best[0]:,}", (generation + share) / generations)
                improved = [search.best for search in searches]
                population = _replaced(population, improved, images) if population else improved
                shortest = min(population, key=_length)
                best = min(best, shortest, key=_length)
                if shortest[0] < least:
                    least, since = shortest[0], generation
                elif generation - since >= BARREN:
                    population = []
        progress(f"tabu search, wire length {best[0]:,}", 1.0)
    except Stopped:
        best = min([best, *(search.best for search in searches)], key=_length)
    return best[1][: problem.neurons]


class _Search:
    """Tabu search from one placement."""

    def __init__(self, problem: Problem, allowed: Bools, site: Words, seed: np.uint64) -> None:
        self.problem, self.allowed, self.site, self.seed = problem, allowed, site, seed
        self.state: TabuState | None = None
        self.best: Member = problem.length_of(site[: problem.neurons]), site

    def run(self, steps: int) -> None:
        """Make steps, and update `best`."""
        sites = self.problem.grid.sites
        state = self.state or self._begin()
        tabu_steps(state, steps, sites * 9 // 10, sites // 5 + 1)
        self.state, self.best = state, (int(state.counts[2]), state.best)

    def _begin(self) -> TabuState:
        problem, n, sites = self.problem, self.problem.neurons, self.problem.grid.sites
        flow = np.zeros((sites, sites), dtype=_type_of(problem))
        flow[:n, :n] = problem.adjacency.toarray()
        apart = np.abs(problem.point[:, None] - problem.point).sum(axis=2).astype(flow.dtype)
        return tabu_state_of(flow, apart, self.allowed, self.site, self.seed)


def _run_all(searches: Sequence[_Search], steps: int, pool: ThreadPoolExecutor) -> Iterator[float]:
    """Run all searches, as many at a time as there are cores, and yield the share that is done before each part."""
    cost = STEP + STEP_PER_PAIR * searches[0].problem.grid.sites ** 2
    for first in range(0, len(searches), cores()):
        group = searches[first : first + cores()]
        done = 0
        for part in chunks(steps, cost):
            yield (first + len(group) * done / max(steps, 1)) / len(searches)
            for task in [pool.submit(search.run, part) for search in group]:
                task.result()
            done += part
        for search in group:
            search.state = None  # its memory is for the next group


def _length(member: Member) -> int:
    return member[0]


def _replaced(population: list[Member], children: list[Member], images: list[Words]) -> list[Member]:
    """Let each child replace its most similar member, or the longest if none is similar, where the child is shorter.

    So all members stay different.
    """
    population = list(population)
    for length, child in children:
        apart = [min(np.count_nonzero(image[child] != site) for image in images) for _, site in population]
        nearest = int(np.argmin(apart))
        similar = apart[nearest] * SIMILAR < len(child)
        rival = nearest if similar else int(np.argmax([_length(member) for member in population]))
        if length < population[rival][0]:
            population[rival] = length, child
    return population


def _allowed(problem: Problem) -> Bools:
    """Whether an item may use a site, (N, N) bool; the items of free sites may use all."""
    allowed = np.ones((problem.grid.sites, problem.grid.sites), dtype=np.bool_)
    allowed[: problem.neurons] = problem.allowed[problem.region]
    return allowed


def _images(grid: Grid) -> list[Words]:
    """List the symmetries of the box, each as the site number to which it maps every site."""
    number = np.arange(grid.sites).reshape(grid.shape[::-1])
    sides = list(zip(grid.shape[::-1], grid.pitch[::-1], strict=True))
    permuted = [number.transpose(order) for order in permutations(range(3)) if [sides[k] for k in order] == sides]
    return [np.flip(view, axes).ravel() for view in permuted for r in range(4) for axes in combinations(range(3), r)]


def _shuffled(site: Words, allowed: Bools, swaps: int, random: np.random.Generator) -> Words:
    """Apply random swaps, without those that are not allowed."""
    site = site.copy()
    for i, j in random.integers(0, len(site), (swaps, 2)):
        if allowed[i, site[j]] and allowed[j, site[i]]:
            site[[i, j]] = site[[j, i]]
    return site


def _child(population: list[Member], k: int, allowed: Bools, images: list[Words], random: np.random.Generator) -> Words:
    """Cross member k with a random other one: half of the items that differ get the other's sites.

    The other member is first mapped by the symmetry of the box that makes it most similar. If less than a tenth of the
    items differ, member k is shuffled instead.
    """
    child = population[k][1].copy()
    other = population[(k + int(random.integers(1, len(population)))) % len(population)][1]
    other = min((image[other] for image in images), key=lambda image: np.count_nonzero(image != child))
    differ = np.flatnonzero(other != child)
    if len(differ) < len(child) // 10:
        return _shuffled(child, allowed, len(child) // 3, random)
    holder = np.argsort(child)
    for i in random.permutation(differ)[: len(differ) // 2]:
        j = holder[other[i]]
        if allowed[i, child[j]] and allowed[j, child[i]]:
            child[[i, j]] = child[[j, i]]
            holder[child[[i, j]]] = i, j
    return child


def _type_of(problem: Problem) -> type[np.signedinteger[Any]]:
    """Return the narrowest type that holds every change of a swap, and every sum and product on the way to it.

    A change is less than 4 times the length of the heaviest neuron's wires across the whole box, and an update is less
    than 4 times more.
    """
    most = 8 * int(problem.point[-1].sum()) * int(problem.adjacency.sum(axis=1).max())
    assert most < 1 << 62, "problem_of refuses longer wires"
    return np.int32 if most < 1 << 31 else np.int64
