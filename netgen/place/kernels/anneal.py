"""Simulated annealing with moves over any distance, for up to some thousand neurons.

For each neuron and axis the state counts the neuron's wires that end at or below each coordinate. A move by one step
up the axis lengthens these wires by (ends at or below) - (ends above). So the change of a move costs one addition for
each step of the move, whatever the number of wires. The same counts give the median of the neighbors, where the
neuron's own wires are shortest. Only accepted moves visit the wires.
"""

from typing import NamedTuple

import numpy as np
from numba import uint64

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.place.kernels import xorshift
from netgen.place.kernels.compiled import Integer, compiled
from netgen.place.kernels.xorshift import below, draw
from netgen.place.qap import Problem

__all__ = [
    "FREE",
    "MOST_UPHILL",
    "AnnealState",
    "MoveStats",
    "Triple",
    "anneal_state_of",
    "bounding_boxes",
    "metropolis",
]

FREE = -1
"""Occupant of a site without a neuron."""
MEDIAN_SHARE = 256
"""Moves of 1024 whose target is near the median of the neighbors. The others have a target near the neuron itself."""
MEDIAN_WINDOW = 2
"""Largest distance from the median of such a target, in steps along each axis."""
MOST_UPHILL = 30
"""A move that lengthens by more than this many temperatures is rejected without a random draw: e^-30 is 10^-13."""

Triple = tuple[Integer, Integer, Integer]
"""Coordinates in grid steps."""


class AnnealState(NamedTuple):
    """A placement that is being annealed; n neurons.

    Attributes:
        starts, neighbors, weights: wires in compressed rows (CSR), neighbors ascending.
        movable: numbers of the neurons that have wires.
        region, allowed: as in Problem.
        low, high: (regions, 3); the bounding box of each region.
        shape, pitch: of the grid.
        where: (n, 3); coordinates of each neuron, in grid steps.
        occupant: (sites,); the neuron on each site, or FREE.
        columns: X + Y + Z.
        ends: (n * columns,); for each neuron, the number of its wires that end at or below x = 0, 1, ..., then y,
            then z.
        random: state of the random generator.
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
    random: xorshift.Random


class MoveStats(NamedTuple):
    """Statistics of proposed moves.

    Attributes:
        change: increase of the wire length.
        accepted: number of accepted moves.
        uphill: number of proposed moves that would lengthen the wires, accepted or not.
        uphill_change: sum of the increases that these would cause.
    """

    change: int
    accepted: int
    uphill: int
    uphill_change: int


def anneal_state_of(problem: Problem, at: Words, seed: int | tuple[int, ...]) -> AnnealState:
    """Build the state of a placement, given as the site number of each neuron."""
    wires, grid, n = problem.adjacency, problem.grid, problem.neurons
    where = grid.coordinates[at].astype(np.int64)
    occupant: Words = np.full(grid.sites, FREE, dtype=np.int64)
    occupant[at] = np.arange(n)
    low, high = bounding_boxes(problem)
    ends = [wires @ (where[:, axis, None] <= np.arange(side)) for axis, side in enumerate(grid.shape)]
    return AnnealState(
        starts=wires.indptr.astype(np.int64),
        neighbors=wires.indices.astype(np.int64),
        weights=wires.data.astype(np.int64),
        movable=np.flatnonzero(np.diff(wires.indptr)).astype(np.int64),
        region=problem.region,
        allowed=problem.allowed,
        low=low,
        high=high,
        shape=grid.shape,
        pitch=grid.pitch,
        where=where,
        occupant=occupant,
        columns=sum(grid.shape),
        ends=np.concatenate(ends, axis=1).ravel(),
        random=xorshift.state_of(seed),
    )


def bounding_boxes(problem: Problem) -> tuple[Words, Words]:
    """Compute the lowest and the highest coordinates of each region's sites, (regions, 3) each, in grid steps."""
    coordinates = problem.grid.coordinates
    inside = [coordinates[sites] if sites.any() else np.zeros((1, 3), np.int64) for sites in problem.allowed]
    return np.stack([points.min(axis=0) for points in inside]), np.stack([points.max(axis=0) for points in inside])


@compiled
def _lengthening(state: AnnealState, neuron: Integer, old: Triple, new: Triple) -> Integer:
    """Compute by how much a neuron's wires lengthen when it moves from one site to another."""
    base = neuron * state.columns
    total = state.ends[base + state.shape[0] - 1]
    length = 0
    for axis in range(3):
        steps = 0
        for column in range(base + old[axis], base + new[axis]):  # uint64: no test for negative indices, 20 % faster
            steps += 2 * state.ends[uint64(column)] - total
        for column in range(base + new[axis], base + old[axis]):
            steps -= 2 * state.ends[uint64(column)] - total
        length += state.pitch[axis] * steps
        base += state.shape[axis]
    return length


@compiled
def _median(state: AnnealState, base: Integer, total: Integer, near: Integer) -> Integer:
    """Find the coordinate where a neuron's wires are shortest along one axis, starting at `near`."""
    x = near
    while 2 * state.ends[uint64(base + x)] < total:
        x += 1
    while x > 0 and 2 * state.ends[base + x - 1] >= total:
        x -= 1
    return x


@compiled
def _medians(state: AnnealState, neuron: Integer, near: Triple) -> Triple:
    """Find the point where a neuron's wires are shortest."""
    base = neuron * state.columns
    total = state.ends[base + state.shape[0] - 1]
    return (
        _median(state, base, total, near[0]),
        _median(state, base + state.shape[0], total, near[1]),
        _median(state, base + state.shape[0] + state.shape[1], total, near[2]),
    )


@compiled
def _target(state: AnnealState, neuron: Integer, old: Triple, window: Integer, kind: Integer) -> Triple:
    """Draw a target site for a neuron, in the bounding box of its region."""
    center, reach = old, window
    if kind < MEDIAN_SHARE:
        center, reach = _medians(state, neuron, old), min(window, MEDIAN_WINDOW)
    low, high, region = state.low, state.high, state.region[neuron]
    spread, bits = 2 * reach + 1, draw(state.random)
    return (
        min(max(center[0] - reach + below(spread, bits), low[region, 0]), high[region, 0]),
        min(max(center[1] - reach + below(spread, bits << uint64(16)), low[region, 1]), high[region, 1]),
        min(max(center[2] - reach + below(spread, bits << uint64(32)), low[region, 2]), high[region, 2]),
    )


@compiled
def _put(state: AnnealState, neuron: Integer, old: Triple, new: Triple) -> None:
    """Put a neuron on a site and update the counts of its neighbors."""
    first = 0
    for axis in range(3):
        low, high = first + min(old[axis], new[axis]), first + max(old[axis], new[axis])
        sign = 1 if new[axis] < old[axis] else -1
        if low < high:
            for e in range(state.starts[neuron], state.starts[neuron + 1]):
                base = state.neighbors[uint64(e)] * state.columns
                for column in range(base + low, base + high):
                    state.ends[uint64(column)] += sign * state.weights[uint64(e)]
        first += state.shape[axis]
        state.where[neuron, axis] = new[axis]


@compiled
def _weight_between(state: AnnealState, a: Integer, b: Integer) -> Integer:
    """Find the weight of the wires between two neurons by binary search."""
    low, high = state.starts[a], state.starts[a + 1]
    while low < high:
        middle = (low + high) // 2
        if state.neighbors[middle] < b:
            low = middle + 1
        else:
            high = middle
    return state.weights[low] if low < state.starts[a + 1] and state.neighbors[low] == b else 0


@compiled
def metropolis(state: AnnealState, moves: Integer, temperature: float, window: Integer) -> MoveStats:
    """Propose moves of random neurons to free sites, or swaps, and accept each by the Metropolis rule.

    Args:
        moves: number of proposals; 0.1 to 0.3 us each.
        window: largest distance of a move along each axis, in grid steps.
    Source: Metropolis et al. 1953.
    """
    change, accepted, uphill, uphill_change = 0, 0, 0, 0
    for _ in range(moves):
        bits = draw(state.random)
        a = state.movable[below(len(state.movable), bits)]
        old = (state.where[a, 0], state.where[a, 1], state.where[a, 2])
        new = _target(state, a, old, window, np.int64(bits & uint64(1023)))
        old_site = old[0] + state.shape[0] * (old[1] + state.shape[1] * old[2])
        new_site = new[0] + state.shape[0] * (new[1] + state.shape[1] * new[2])
        b = state.occupant[new_site]
        if new_site == old_site or not state.allowed[state.region[a], new_site]:
            continue
        if b != FREE and not state.allowed[state.region[b], old_site]:
            continue

        longer = _lengthening(state, a, old, new)
        if b != FREE:
            longer += _lengthening(state, b, new, old)
        if longer > 0:
            uphill += 1
            uphill_change += longer
        if longer > MOST_UPHILL * temperature:
            continue
        threshold = -temperature * np.log((np.float64(draw(state.random) >> uint64(11)) + 1.0) * 2.0**-53)
        if longer > threshold:
            continue
        if b != FREE:  # wires between a and b keep their length, but both sums above count them as shrunk to 0
            distance = 0
            for axis in range(3):
                distance += state.pitch[axis] * abs(new[axis] - old[axis])
            longer += 2 * distance * _weight_between(state, a, b)
            if longer > threshold:
                continue

        change += longer
        accepted += 1
        state.occupant[old_site], state.occupant[new_site] = b, a
        _put(state, a, old, new)
        if b != FREE:
            _put(state, b, new, old)
    return MoveStats(change, accepted, uphill, uphill_change)
