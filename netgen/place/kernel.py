"""The inner loop of annealing, compiled by numba.

For each neuron and axis it keeps how many of the neuron's wires end at or below each coordinate. One step up the axis
then lengthens these wires by (ends at or below) - (ends above): to weigh a move takes one addition per step of it,
whatever the number of wires, and the median of the neighbors, where the neuron's own wires are shortest, can be read
off. Only the moves that are taken walk over wires.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from netgen.ir.fixed import Words
from netgen.ir.network import Bools
from netgen.place.problem import Problem

FREE = -1
"""Occupant of a site that holds no neuron."""
MEDIAN_SHARE = 256
"""Moves of 1024 that aim near the median of the neighbors; the others aim near the neuron itself."""
MEDIAN_WINDOW = 2
"""Steps from the median that such a move may end, along each axis."""
HOPELESS = 30
"""Temperatures by which no move may lengthen: e^-30 happens once in 10^13 moves."""

Integer = Any
"""An int or an np.int64; to numba they are one."""
Site = tuple[Integer, Integer, Integer]
"""Coordinates in grid steps."""
Function = TypeVar("Function", bound=Callable[..., object])


class Board(NamedTuple):
    """A placement that is being annealed; n neurons.

    Attributes:
        starts, neighbors, weights: wires in CSR form, neighbors ascending.
        movable: neurons with wires.
        region, allowed: as in Problem.
        low, high: (regions, 3); the bounding box of each region.
        shape, pitch: of the grid.
        where: (n, 3); the site of each neuron.
        occupant: (sites,); the neuron on each site, or FREE.
        columns: X + Y + Z.
        ends: (n * columns,); the wires of each neuron that end at or below x = 0, 1 ... then y, then z.
        random: (1,); the state of the generator.
    """

    starts: Words
    neighbors: Words
    weights: Words
    movable: Words
    region: Words
    allowed: Bools
    low: Words
    high: Words
    shape: tuple[int, int, int]
    pitch: tuple[int, int, int]
    where: Words
    occupant: Words
    columns: int
    ends: Words
    random: NDArray[np.uint64]


class Tally(NamedTuple):
    """What a run of moves did.

    Attributes:
        change: by how much the wires lengthened.
        taken: moves taken.
        uphill: moves weighed that lengthen, taken or not.
        uphill_change: by how much these would have lengthened the wires, together.
    """

    change: int
    taken: int
    uphill: int
    uphill_change: int


def board_of(problem: Problem, at: Words, seed: int | tuple[int, ...]) -> Board:
    """Lay out a placement for annealing."""
    wires, grid, n = problem.adjacency, problem.grid, problem.neurons
    where = grid.coordinates[at].astype(np.int64)
    occupant: Words = np.full(grid.sites, FREE, dtype=np.int64)
    occupant[at] = np.arange(n)
    inside = [grid.coordinates[sites] if sites.any() else np.zeros((1, 3), np.int64) for sites in problem.allowed]
    spread = [wires @ (where[:, axis, None] <= np.arange(side)) for axis, side in enumerate(grid.shape)]
    return Board(
        starts=wires.indptr.astype(np.int64),
        neighbors=wires.indices.astype(np.int64),
        weights=wires.data.astype(np.int64),
        movable=np.flatnonzero(np.diff(wires.indptr)).astype(np.int64),
        region=problem.region,
        allowed=problem.allowed,
        low=np.stack([points.min(axis=0) for points in inside]),
        high=np.stack([points.max(axis=0) for points in inside]),
        shape=grid.shape,
        pitch=grid.pitch,
        where=where,
        occupant=occupant,
        columns=sum(grid.shape),
        ends=np.concatenate(spread, axis=1).ravel(),
        random=np.random.SeedSequence(seed).generate_state(1, np.uint64) | np.uint64(1),
    )


def _compiled(function: Function) -> Function:
    """Compile at the first call, and keep the result on disk; other threads run meanwhile."""
    return cast(Function, njit(cache=True, nogil=True)(function))


@_compiled
def _draw(random: NDArray[np.uint64]) -> Integer:
    """64 random bits. xorshift64*, Vigna 2016."""
    bits = random[0]
    bits ^= bits >> uint64(12)
    bits ^= bits << uint64(25)
    bits ^= bits >> uint64(27)
    random[0] = bits
    return bits * uint64(0x2545F4914F6CDD1D)


@_compiled
def _below(limit: Integer, bits: Integer) -> Integer:
    """An integer from 0 to limit - 1, from the 32 highest bits."""
    return np.int64(((bits >> uint64(32)) * uint64(limit)) >> uint64(32))


@_compiled
def _lengthening(board: Board, neuron: Integer, old: Site, new: Site) -> Integer:
    """By how much the wires of a neuron lengthen, from one site to another."""
    base = neuron * board.columns
    total = board.ends[base + board.shape[0] - 1]
    length = 0
    for axis in range(3):
        steps = 0
        for column in range(base + old[axis], base + new[axis]):  # uint64: no test for negative indices, 20 % faster
            steps += 2 * board.ends[uint64(column)] - total
        for column in range(base + new[axis], base + old[axis]):
            steps -= 2 * board.ends[uint64(column)] - total
        length += board.pitch[axis] * steps
        base += board.shape[axis]
    return length


@_compiled
def _median(board: Board, base: Integer, total: Integer, near: Integer) -> Integer:
    """The coordinate where a neuron's wires are shortest along one axis, looked for from `near`."""
    x = near
    while 2 * board.ends[uint64(base + x)] < total:
        x += 1
    while x > 0 and 2 * board.ends[base + x - 1] >= total:
        x -= 1
    return x


@_compiled
def _medians(board: Board, neuron: Integer, near: Site) -> Site:
    """The point where a neuron's wires are shortest."""
    base = neuron * board.columns
    total = board.ends[base + board.shape[0] - 1]
    return (
        _median(board, base, total, near[0]),
        _median(board, base + board.shape[0], total, near[1]),
        _median(board, base + board.shape[0] + board.shape[1], total, near[2]),
    )


@_compiled
def _target(board: Board, neuron: Integer, old: Site, window: Integer, kind: Integer) -> Site:
    """A random site for a neuron, in the bounding box of its region."""
    center, reach = old, window
    if kind < MEDIAN_SHARE:
        center, reach = _medians(board, neuron, old), min(window, MEDIAN_WINDOW)
    low, high, region = board.low, board.high, board.region[neuron]
    spread, bits = 2 * reach + 1, _draw(board.random)
    return (
        min(max(center[0] - reach + _below(spread, bits), low[region, 0]), high[region, 0]),
        min(max(center[1] - reach + _below(spread, bits << uint64(16)), low[region, 1]), high[region, 1]),
        min(max(center[2] - reach + _below(spread, bits << uint64(32)), low[region, 2]), high[region, 2]),
    )


@_compiled
def _put(board: Board, neuron: Integer, old: Site, new: Site) -> None:
    """Put a neuron on a site, and tell its neighbors."""
    first = 0
    for axis in range(3):
        low, high = first + min(old[axis], new[axis]), first + max(old[axis], new[axis])
        sign = 1 if new[axis] < old[axis] else -1
        if low < high:
            for e in range(board.starts[neuron], board.starts[neuron + 1]):
                base = board.neighbors[uint64(e)] * board.columns
                for column in range(base + low, base + high):
                    board.ends[uint64(column)] += sign * board.weights[uint64(e)]
        first += board.shape[axis]
        board.where[neuron, axis] = new[axis]


@_compiled
def _wires_between(board: Board, a: Integer, b: Integer) -> Integer:
    """Wires that join two neurons, found by bisection."""
    low, high = board.starts[a], board.starts[a + 1]
    while low < high:
        middle = (low + high) // 2
        if board.neighbors[middle] < b:
            low = middle + 1
        else:
            high = middle
    return board.weights[low] if low < board.starts[a + 1] and board.neighbors[low] == b else 0


@_compiled
def run(board: Board, moves: Integer, temperature: float, window: Integer) -> Tally:
    """Propose moves, each to a free site or a swap, and take them as Metropolis et al. 1953 do.

    Args:
        window: how many steps a move may go along each axis.
    """
    change, taken, uphill, uphill_change = 0, 0, 0, 0
    for _ in range(moves):
        bits = _draw(board.random)
        a = board.movable[_below(len(board.movable), bits)]
        old = (board.where[a, 0], board.where[a, 1], board.where[a, 2])
        new = _target(board, a, old, window, np.int64(bits & uint64(1023)))
        old_site = old[0] + board.shape[0] * (old[1] + board.shape[1] * old[2])
        new_site = new[0] + board.shape[0] * (new[1] + board.shape[1] * new[2])
        b = board.occupant[new_site]
        if new_site == old_site or not board.allowed[board.region[a], new_site]:
            continue
        if b != FREE and not board.allowed[board.region[b], old_site]:
            continue

        longer = _lengthening(board, a, old, new)
        if b != FREE:
            longer += _lengthening(board, b, new, old)
        if longer > 0:
            uphill += 1
            uphill_change += longer
        if longer > HOPELESS * temperature:
            continue
        bearable = -temperature * np.log((np.float64(_draw(board.random) >> uint64(11)) + 1.0) * 2.0**-53)
        if longer > bearable:
            continue
        if b != FREE:  # wires between a and b keep their length, but each sum above had them shrink to nothing
            distance = 0
            for axis in range(3):
                distance += board.pitch[axis] * abs(new[axis] - old[axis])
            longer += 2 * distance * _wires_between(board, a, b)
            if longer > bearable:
                continue

        change += longer
        taken += 1
        board.occupant[old_site], board.occupant[new_site] = b, a
        _put(board, a, old, new)
        if b != FREE:
            _put(board, b, new, old)
    return Tally(change, taken, uphill, uphill_change)
