"""The pair bound: the heaviest wires on the nearest pairs of sites. Weak on sparse graphs, good on dense ones."""
# ruff: noqa: ARG001 - every bound has this signature

import numpy as np
from scipy.sparse import triu

from netgen.ir.fixed import Words
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem
from netgen.progress import Progress, silent


def pairs(problem: Problem, *, progress: Progress = silent) -> Certificate:
    """Bound by the sorted weights of wired pairs times the sorted distances of pairs of sites.

    Two pairs of neurons never use the same pair of sites. About 1 us for each wire, whatever the size of the box.
    """
    weight = np.sort(triu(problem.adjacency).data)[::-1]
    length, count = _pairs_by_distance(problem.grid.shape, problem.grid.pitch)
    last = np.minimum(np.cumsum(count), len(weight))
    total = np.concatenate([[0], np.cumsum(weight)])[np.concatenate([[0], last])]
    return Certificate(int(np.diff(total) @ length), "pairs")


def _pairs_by_distance(shape: tuple[int, int, int], pitch: tuple[int, int, int]) -> tuple[Words, Words]:
    """Return the distances between two sites of a box, ascending, and the number of pairs of sites at each."""
    steps = [np.arange(side) for side in shape]
    ways = [np.where(step == 0, side, 2 * (side - step)) for step, side in zip(steps, shape, strict=True)]
    x, y, z = (step * unit for step, unit in zip(steps, pitch, strict=True))
    distance = (x[:, None, None] + y[:, None] + z).ravel()[1:]
    ordered = (ways[0][:, None, None] * ways[1][:, None] * ways[2]).ravel()[1:]
    length, which = np.unique(distance, return_inverse=True)
    count: Words = np.zeros(len(length), dtype=np.int64)
    np.add.at(count, which, ordered)
    return length, count // 2
