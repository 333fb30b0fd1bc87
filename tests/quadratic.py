"""Small placement problems with a known optimum, and brute force, for the tests of bounds and of exact search."""

import itertools
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from netgen.ir.fixed import Words
from netgen.ir.grid import Grid
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, free_regions
from netgen.place.qap import Problem, problem_of


def weighted(neurons: int, wires: Sequence[tuple[int, int, int]]) -> Netlist:
    """A netlist of one layer from (neuron, neuron, weight)."""
    ends = np.array(wires, dtype=np.int64).reshape(-1, 3)
    zero = np.zeros(neurons, np.int64)
    return Netlist(zero, np.arange(neurons), ends[:, 0], ends[:, 1], np.ones(len(ends), np.int64), ends[:, 2])


def flows(neurons: int, upper: str) -> Netlist:
    """A netlist from the upper triangle of its matrix of weights, row by row."""
    pairs = itertools.combinations(range(neurons), 2)
    weights = map(int, upper.split())
    return weighted(neurons, [(a, b, w) for (a, b), w in zip(pairs, weights, strict=True) if w])


def random_instance(random: np.random.Generator) -> tuple[Netlist, Grid, Regions]:
    """Up to 8 neurons on up to 8 sites; one in two with blocked sites and a region of its own for some neurons."""
    while True:
        shape, pitch = random.integers(1, 4, 3).tolist(), random.integers(1, 4, 3).tolist()
        grid = Grid((shape[0], shape[1], shape[2]), (pitch[0], pitch[1], pitch[2]))
        if grid.sites <= 8:
            break
    n = int(random.integers(1, grid.sites + 1))
    m, heaviest = int(random.integers(0, 15)), int(random.choice([2, 50, 5000]))
    wires = zip(*random.integers(0, n, (2, m)).tolist(), random.integers(0, heaviest, m).tolist(), strict=True)
    region, allowed = np.zeros(n, np.int64), np.ones((2, grid.sites), np.bool_)
    if random.random() < 0.5:
        spare = random.permutation(grid.sites)[n:]
        region = random.integers(0, 2, n)
        allowed[:, spare[:1]] = False
        allowed[1, spare[:3]] = False
    return weighted(n, list(wires)), grid, Regions(region, allowed)


@lru_cache
def _placements(neurons: int, sites: int) -> Words:
    return np.array(list(itertools.permutations(range(sites), neurons)))


def shortest(netlist: Netlist, grid: Grid, regions: Regions) -> int:
    """The least wire length, by trying every placement."""
    every = _placements(netlist.neurons, grid.sites)
    for neuron, region in enumerate(regions.region):
        every = every[regions.allowed[region, every[:, neuron]]]
    steps = itertools.product(
        *(range(0, side * pitch, pitch) for side, pitch in zip(grid.shape, grid.pitch, strict=True))
    )
    sites = np.array(sorted(steps, key=lambda site: site[::-1]))
    apart = np.abs(sites[:, None] - sites).sum(axis=2)
    total = np.zeros(len(every), np.int64)
    for a, b, weight in zip(netlist.source, netlist.target, netlist.weights, strict=True):
        total += weight * apart[every[:, a], every[:, b]]
    return int(total.min())


def stated(netlist: Netlist, grid: Grid, regions: Regions | None = None) -> Problem:
    return problem_of(netlist, grid, regions or free_regions(netlist, grid))


NUG12 = flows(
    12,
    "5 2 4 1 0 0 6 2 1 1 1 3 0 2 2 2 0 4 5 0 0 0 0 0 0 5 5 2 2 2 5 2 2 10 0 0 5 5 10 0 0 0 5 1 1 5 1 1 5 4 0 10 5 2 "
    "3 3 0 0 5 0 0 10 10 5 0 2",
)
"""Nugent, Vollmann and Ruml 1968, in QAPLIB; on 4 x 3 sites 289 is optimal."""
SCR12 = flows(
    12,
    "180 120 0 0 0 0 0 0 104 112 0 96 2445 78 0 1395 0 120 135 0 0 0 0 221 0 0 315 390 0 0 108 570 750 0 234 0 0 "
    "140 0 225 135 0 156 0 0 615 0 0 0 0 45 2400 0 187 0 0 0 0 0 0 0 0 0 36 1200 225",
)
"""Scriabin and Vergin 1975, in QAPLIB; on 4 x 3 sites 15,705 is optimal."""
