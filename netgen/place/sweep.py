"""The inner loop of annealing at large, compiled by numba: lean in memory, and local.

It keeps nothing but wires and sites, and weighs a move by walking over the wires. Neurons take turns in the order of
their sites, so that what a move touches is in the cache, and its time hardly grows with the netlist: 0.2 to 0.6 us.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from netgen.ir.fixed import Words
from netgen.ir.network import Bools
from netgen.place.problem import Problem

FREE = -1
"""Occupant of a site that holds no neuron."""
MEDIAN_SHARE = 800
"""Moves of 1024 that aim at the median of three neighbors; the others aim near the neuron itself."""
HOPELESS = 30
"""Temperatures by which no move may lengthen: e^-30 happens once in 10^13 moves."""

Integer = Any
"""An int or an np.int64; to numba they are one."""
Site = tuple[Integer, Integer, Integer]
"""Coordinates in grid steps."""
Small = NDArray[np.int32]


class Board(NamedTuple):
    """A placement that is being annealed; n neurons, numbered by their sites.

    Attributes:
        number: (n,); the number of each neuron in the netlist.
        starts, neighbors, weights: wires in CSR form.
        region, allowed: as in Problem.
        low, high: (regions, 3); the bounding box of each region.
        shape, pitch: of the grid.
        where: (n, 3); the site of each neuron.
        occupant: (sites,); the neuron on each site, or FREE.
        random: (1,); the state of the generator.
    """

    number: Words
    starts: Words
    neighbors: Small
    weights: Words
    region: Small
    allowed: Bools
    low: Words
    high: Words
    shape: tuple[int, int, int]
    pitch: tuple[int, int, int]
    where: Small
    occupant: Small
    random: NDArray[np.uint64]

    def sites(self) -> Words:
        """The site number of each neuron of the netlist, (n,) int64."""
        x, y, z = self.where.astype(np.int64).T
        at = np.empty(len(self.number), dtype=np.int64)
        at[self.number] = x + self.shape[0] * (y + self.shape[1] * z)
        return at


class Tally(NamedTuple):
    """What a run of moves did: by how much the wires lengthened, and how many moves were taken."""

    change: int
    taken: int


def board_of(problem: Problem, at: Words, seed: int) -> Board:
    """Lay out a placement for annealing."""
    number = np.argsort(at)
    wires = problem.adjacency[number][:, number]
    occupant = np.full(problem.grid.sites, FREE, dtype=np.int32)
    occupant[at[number]] = np.arange(len(at))
    coordinates = problem.grid.coordinates
    inside = [coordinates[sites] if sites.any() else np.zeros((1, 3), np.int64) for sites in problem.allowed]
    return Board(
        number=number,
        starts=wires.indptr.astype(np.int64),
        neighbors=wires.indices.astype(np.int32),
        weights=wires.data,
        region=problem.region[number].astype(np.int32),
        allowed=problem.allowed,
        low=np.stack([points.min(axis=0) for points in inside]),
        high=np.stack([points.max(axis=0) for points in inside]),
        shape=problem.grid.shape,
        pitch=problem.grid.pitch,
        where=coordinates[at[number]].astype(np.int32),
        occupant=occupant,
        random=np.random.SeedSequence(seed).generate_state(1, np.uint64) | np.uint64(1),
    )


@njit(cache=True)
def _draw(random: NDArray[np.uint64]) -> Integer:
    """64 random bits. xorshift64*, Vigna 2016."""
    bits = random[0]
    bits ^= bits >> uint64(12)
    bits ^= bits << uint64(25)
    bits ^= bits >> uint64(27)
    random[0] = bits
    return bits * uint64(0x2545F4914F6CDD1D)


@njit(cache=True)
def _below(limit: Integer, bits: Integer) -> Integer:
    """An integer from 0 to limit - 1, from the 32 highest bits."""
    return np.int64(((bits >> uint64(32)) * uint64(limit)) >> uint64(32))


@njit(cache=True)
def _lengthening(board: Board, neuron: Integer, other: Integer, old: Site, new: Site) -> Integer:
    """By how much the wires of a neuron lengthen from one site to another, but for those to `other`."""
    length = 0
    for e in range(board.starts[neuron], board.starts[neuron + 1]):
        b = board.neighbors[uint64(e)]
        if b != other:
            steps = 0
            for axis in range(3):
                end = board.where[uint64(b), uint64(axis)]  # uint64: no test for negative indices
                steps += board.pitch[axis] * (abs(new[axis] - end) - abs(old[axis] - end))
            length += steps * board.weights[uint64(e)]
    return length


@njit(cache=True)
def _median(board: Board, neuron: Integer, bits: Integer) -> Site:
    """The median, axis by axis, of three neighbors drawn at random: near the best site, at no walk over the wires."""
    first = board.starts[neuron]
    count = board.starts[neuron + 1] - first
    i = board.neighbors[first + _below(count, bits)]
    j = board.neighbors[first + _below(count, bits << uint64(16))]
    k = board.neighbors[first + _below(count, bits << uint64(32))]
    return (
        _middle(board.where[i, 0], board.where[j, 0], board.where[k, 0]),
        _middle(board.where[i, 1], board.where[j, 1], board.where[k, 1]),
        _middle(board.where[i, 2], board.where[j, 2], board.where[k, 2]),
    )


@njit(cache=True)
def _middle(a: Integer, b: Integer, c: Integer) -> Integer:
    return np.int64(max(min(a, b), min(max(a, b), c)))


@njit(cache=True)
def _target(board: Board, neuron: Integer, old: Site, window: Integer) -> Site:
    """A site for a neuron to try, in the bounding box of its region."""
    center, reach, bits = old, window, _draw(board.random)
    if np.int64(bits & uint64(1023)) < MEDIAN_SHARE:
        center, reach = _median(board, neuron, _draw(board.random)), 0
    low, high, region, spread = board.low, board.high, board.region[neuron], 2 * reach + 1
    return (
        min(max(center[0] - reach + _below(spread, bits), low[region, 0]), high[region, 0]),
        min(max(center[1] - reach + _below(spread, bits << uint64(16)), low[region, 1]), high[region, 1]),
        min(max(center[2] - reach + _below(spread, bits << uint64(32)), low[region, 2]), high[region, 2]),
    )


@njit(cache=True)
def sweep(board: Board, first: Integer, moves: Integer, temperature: float, window: Integer) -> Tally:
    """Propose moves, each to a free site or a swap, and take them as Metropolis et al. 1953 do.

    Args:
        first: the neuron whose turn is first, counted on beyond n.
        window: how many steps a neuron looks around itself, along each axis.
    """
    change, taken = 0, 0
    for turn in range(first, first + moves):
        a = turn % len(board.where)
        if board.starts[a] == board.starts[a + 1]:
            continue
        old = (np.int64(board.where[a, 0]), np.int64(board.where[a, 1]), np.int64(board.where[a, 2]))
        new = _target(board, a, old, window)
        old_site = old[0] + board.shape[0] * (old[1] + board.shape[1] * old[2])
        new_site = new[0] + board.shape[0] * (new[1] + board.shape[1] * new[2])
        b = np.int64(board.occupant[new_site])
        if new_site == old_site or not board.allowed[board.region[a], new_site]:
            continue
        if b != FREE and not board.allowed[board.region[b], old_site]:
            continue
        longer = _lengthening(board, a, b, old, new)
        if b != FREE:
            longer += _lengthening(board, b, a, new, old)
        if longer > 0:
            if longer > HOPELESS * temperature:
                continue
            if longer > -temperature * np.log((np.float64(_draw(board.random) >> uint64(11)) + 1.0) * 2.0**-53):
                continue
        change += longer
        taken += 1
        board.occupant[old_site], board.occupant[new_site] = b, a
        board.where[a, 0], board.where[a, 1], board.where[a, 2] = new
        if b != FREE:
            board.where[b, 0], board.where[b, 1], board.where[b, 2] = old
    return Tally(change, taken)
