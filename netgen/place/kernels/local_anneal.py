"""Simulated annealing with short moves, for up to a million neurons.

The state holds wires and sites only, and the change of a move is computed by visiting the wires of the neurons that
move. Neurons move in turn, in the order of their sites. So the memory that consecutive moves touch stays in the cache,
and a move takes 0.2 to 0.6 us, almost independently of the size of the netlist.
"""

from typing import NamedTuple

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.place.kernels import xorshift
from netgen.place.kernels.anneal import FREE, MOST_UPHILL, Triple, bounding_boxes
from netgen.place.kernels.compiled import Integer, compiled
from netgen.place.kernels.xorshift import below, draw
from netgen.place.qap import Problem

__all__ = ["LocalState", "local_metropolis", "local_state_of"]

MEDIAN_SHARE = 800
"""Moves of 1024 whose target is the median of three neighbors. The others have a target near the neuron itself."""

Small = NDArray[np.int32]


class LocalState(NamedTuple):
    """A placement that is being annealed; n neurons, renumbered in the order of their first sites.

    Attributes:
        number: (n,); the number of each neuron in the netlist.
        starts, neighbors, weights: wires in compressed rows (CSR).
        region, allowed: as in Problem.
        low, high: (regions, 3); the bounding box of each region.
        shape, pitch: of the grid.
        where: (n, 3); coordinates of each neuron, in grid steps.
        occupant: (sites,); the neuron on each site, or FREE.
        random: state of the random generator.
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
    random: xorshift.Random

    def sites(self) -> Words:
        """Return the site number of each neuron of the netlist, (n,) int64."""
        x, y, z = self.where.astype(np.int64).T
        at = np.empty(len(self.number), dtype=np.int64)
        at[self.number] = x + self.shape[0] * (y + self.shape[1] * z)
        return at


def local_state_of(problem: Problem, at: Words, seed: int) -> LocalState:
    """Build the state of a placement, given as the site number of each neuron."""
    number = np.argsort(at)
    wires = problem.adjacency[number][:, number]
    occupant = np.full(problem.grid.sites, FREE, dtype=np.int32)
    occupant[at[number]] = np.arange(len(at))
    low, high = bounding_boxes(problem)
    return LocalState(
        number=number,
        starts=wires.indptr.astype(np.int64),
        neighbors=wires.indices.astype(np.int32),
        weights=wires.data,
        region=problem.region[number].astype(np.int32),
        allowed=problem.allowed,
        low=low,
        high=high,
        shape=problem.grid.shape,
        pitch=problem.grid.pitch,
        where=problem.grid.coordinates[at[number]].astype(np.int32),
        occupant=occupant,
        random=xorshift.state_of(seed),
    )


@compiled
def _lengthening(state: LocalState, neuron: Integer, other: Integer, old: Triple, new: Triple) -> Integer:
    """Compute by how much a neuron's wires lengthen when it moves, without its wires to `other`."""
    length = 0
    for e in range(state.starts[neuron], state.starts[neuron + 1]):
        b = state.neighbors[uint64(e)]
        if b != other:
            steps = 0
            for axis in range(3):
                end = state.where[uint64(b), uint64(axis)]  # uint64: no test for negative indices
                steps += state.pitch[axis] * (abs(new[axis] - end) - abs(old[axis] - end))
            length += steps * state.weights[uint64(e)]
    return length


@compiled
def _median(state: LocalState, neuron: Integer, bits: Integer) -> Triple:
    """Return the median, axis by axis, of three random neighbors: near the best site, without visiting the wires."""
    first = state.starts[neuron]
    count = state.starts[neuron + 1] - first
    i = state.neighbors[first + below(count, bits)]
    j = state.neighbors[first + below(count, bits << uint64(16))]
    k = state.neighbors[first + below(count, bits << uint64(32))]
    return (
        _middle(state.where[i, 0], state.where[j, 0], state.where[k, 0]),
        _middle(state.where[i, 1], state.where[j, 1], state.where[k, 1]),
        _middle(state.where[i, 2], state.where[j, 2], state.where[k, 2]),
    )


@compiled
def _middle(a: Integer, b: Integer, c: Integer) -> Integer:
    return np.int64(max(min(a, b), min(max(a, b), c)))


@compiled
def _target(state: LocalState, neuron: Integer, old: Triple, window: Integer) -> Triple:
    """Draw a target site for a neuron, in the bounding box of its region."""
    center, reach, bits = old, window, draw(state.random)
    if np.int64(bits & uint64(1023)) < MEDIAN_SHARE:
        center, reach = _median(state, neuron, draw(state.random)), 0
    low, high, region, spread = state.low, state.high, state.region[neuron], 2 * reach + 1
    return (
        min(max(center[0] - reach + below(spread, bits), low[region, 0]), high[region, 0]),
        min(max(center[1] - reach + below(spread, bits << uint64(16)), low[region, 1]), high[region, 1]),
        min(max(center[2] - reach + below(spread, bits << uint64(32)), low[region, 2]), high[region, 2]),
    )


@compiled
def local_metropolis(
    state: LocalState, first: Integer, moves: Integer, temperature: float, window: Integer
) -> tuple[Integer, Integer]:
    """Propose a move to a free site, or a swap, for each neuron in turn, and accept each by the Metropolis rule.

    Args:
        first: number of proposals made before, from which the neurons' turns go on.
        moves: number of proposals; 0.2 to 0.6 us each.
        window: largest distance of a move along each axis, in grid steps, unless its target is a median.
    Returns: the increase of the wire length, and the number of accepted moves.
    Source: Metropolis et al. 1953.
    """
    change, accepted = 0, 0
    for turn in range(first, first + moves):
        a = turn % len(state.where)
        if state.starts[a] == state.starts[a + 1]:
            continue
        old = (np.int64(state.where[a, 0]), np.int64(state.where[a, 1]), np.int64(state.where[a, 2]))
        new = _target(state, a, old, window)
        old_site = old[0] + state.shape[0] * (old[1] + state.shape[1] * old[2])
        new_site = new[0] + state.shape[0] * (new[1] + state.shape[1] * new[2])
        b = np.int64(state.occupant[new_site])
        if new_site == old_site or not state.allowed[state.region[a], new_site]:
            continue
        if b != FREE and not state.allowed[state.region[b], old_site]:
            continue
        longer = _lengthening(state, a, b, old, new)
        if b != FREE:
            longer += _lengthening(state, b, a, new, old)
        if longer > 0:
            if longer > MOST_UPHILL * temperature:
                continue
            if longer > -temperature * np.log((np.float64(draw(state.random) >> uint64(11)) + 1.0) * 2.0**-53):
                continue
        change += longer
        accepted += 1
        state.occupant[old_site], state.occupant[new_site] = b, a
        state.where[a, 0], state.where[a, 1], state.where[a, 2] = new
        if b != FREE:
            state.where[b, 0], state.where[b, 1], state.where[b, 2] = old
    return change, accepted
