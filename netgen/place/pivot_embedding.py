"""Embed a graph in three dimensions by its distances to a few pivots."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netgen.ir.fixed import Reals
from netgen.place.kernels.breadth_first import distances

__all__ = ["pivot_embedding"]

PIVOTS = 30
"""Number of pivots; more did not shorten any placement."""


def pivot_embedding(adjacency: Any) -> Reals:
    """Compute the first three principal components of the distances to the pivots, (n, 3), the widest first.

    The distance of two neurons is the number of wires on a shortest path. Time and memory are linear in the number of
    neurons and wires.

    Args:
        adjacency: (n, n) symmetric sparse CSR array of a connected graph.
    Source: Harel and Koren 2004 (high-dimensional embedding).
    """
    count = min(PIVOTS, adjacency.shape[0])
    distance = _distances_to_pivots(adjacency, count)
    distance -= distance.mean(axis=0, dtype=np.float64).astype(np.float32)
    _, directions = np.linalg.eigh(distance.T.astype(np.float64) @ distance)
    coordinates = np.zeros((len(distance), 3))
    coordinates[:, : min(count, 3)] = distance @ directions[:, ::-1][:, :3]
    return coordinates


def _distances_to_pivots(adjacency: Any, count: int) -> NDArray[np.float32]:
    """Compute the distance of every neuron to each pivot, (n, count).

    The first pivot is far from neuron 0, and each other one is the neuron farthest from all pivots before it.
    """
    n = adjacency.shape[0]
    table = np.empty((n, count), np.float32)
    nearest = np.full(n, n, np.int32)
    depth, queue = np.empty(n, np.int32), np.empty(n, np.int32)
    pivot = distances(adjacency.indptr, adjacency.indices, 0, depth, queue)
    for column in range(count):
        distances(adjacency.indptr, adjacency.indices, pivot, depth, queue)
        table[:, column] = depth
        nearest = np.minimum(nearest, depth)
        pivot = int(nearest.argmax())
    return table
