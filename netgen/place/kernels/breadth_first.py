"""Breadth-first search for the distances from one neuron to all others."""

import numpy as np

from netgen.ir.fixed import Words
from netgen.place.kernels.compiled import Integer, compiled

__all__ = ["distances"]


@compiled
def distances(starts: Words, neighbors: Words, root: Integer, depth: Words, queue: Words) -> Integer:
    """Count the wires on a shortest path from `root` to every neuron of a connected graph.

    Args:
        starts, neighbors: wires in compressed rows (CSR).
        depth: (n,) int32, replaced by the result.
        queue: (n,) int32, used as working memory.
    Returns: one of the neurons that are farthest away.
    """
    depth[:] = -1
    depth[root] = 0
    queue[0] = root
    head, tail = 0, 1
    while head < tail:
        a = queue[head]
        head += 1
        for e in range(starts[a], starts[a + 1]):
            b = neighbors[e]
            if depth[b] < 0:
                depth[b] = depth[a] + 1
                queue[tail] = b
                tail += 1
    return np.int64(queue[tail - 1])
