"""Coordinates for the neurons of a graph, from how many wires away they are from a few landmarks."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from netgen.ir.fixed import Reals, Words

LANDMARKS = 30
"""More did not shorten any placement."""


def coordinates_of(adjacency: Any) -> Reals:
    """The three directions in which the distances to the landmarks spread most, (n, 3), the widest first.

    Args:
        adjacency: (n, n) symmetric sparse CSR array of a connected graph.
    Source: Harel and Koren 2004 (high-dimensional embedding); time and memory are linear in neurons and wires.
    """
    count = min(LANDMARKS, adjacency.shape[0])
    distance = _distances(adjacency.indptr, adjacency.indices, count)
    distance -= distance.mean(axis=0, dtype=np.float64).astype(np.float32)
    _, directions = np.linalg.eigh(distance.T.astype(np.float64) @ distance)
    coordinates = np.zeros((len(distance), 3))
    coordinates[:, : min(count, 3)] = distance @ directions[:, ::-1][:, :3]
    return coordinates


@njit(cache=True)
def _distances(starts: Words, neighbors: Words, count: int) -> NDArray[np.float32]:
    """Wires to each of `count` landmarks, (n, count): the first is far from neuron 0, the others from all before."""
    n = len(starts) - 1
    table = np.empty((n, count), np.float32)
    nearest = np.full(n, n, np.int32)
    reached = np.empty(n, np.int32)
    depth = np.empty(n, np.int32)
    root = 0
    for landmark in range(-1, count):
        depth[:] = -1
        depth[root] = 0
        reached[0] = root
        head, tail = 0, 1
        while head < tail:
            a = reached[head]
            head += 1
            for e in range(starts[a], starts[a + 1]):
                b = neighbors[e]
                if depth[b] < 0:
                    depth[b] = depth[a] + 1
                    reached[tail] = b
                    tail += 1
        if landmark < 0:
            root = reached[tail - 1]
            continue
        table[:, landmark] = depth
        nearest = np.minimum(nearest, depth)
        root = int(nearest.argmax())
    return table
