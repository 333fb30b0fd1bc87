"""Connected components of a netlist, and orders that keep each component together."""

from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from netgen.ir.fixed import Reals, Words

__all__ = ["components_of", "ranks_of"]


def components_of(adjacency: Any, smallest: int) -> tuple[Words, list[Words]]:
    """Find the connected components of a graph.

    Args:
        adjacency: (n, n) symmetric sparse CSR array.
        smallest: size from which the members of a component are returned.
    Returns: the component of each neuron, (n,) int64, the largest numbered 0; the members of each component of at least
        `smallest` neurons, ascending.
    """
    count, label = connected_components(adjacency, directed=False)
    size = np.bincount(label, minlength=count)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-size, kind="stable")] = np.arange(count)
    component: Words = rank[label]
    large = int((size >= smallest).sum())
    ends = np.cumsum(np.sort(size)[::-1])[:large]
    return component, np.split(np.argsort(component, kind="stable"), ends)[:-1]


def ranks_of(component: Words, where: Reals) -> Words:
    """Rank the neurons along each axis, component by component, and within a component by coordinate.

    Args:
        component: (n,) int64; as of `components_of`.
        where: (n, 3); coordinates of the neurons.
    Returns: (n, 3) int64; ranks from 0.
    """
    rank = np.empty(where.shape, dtype=np.int64)
    for axis in range(3):
        rank[np.lexsort((where[:, axis], component)), axis] = np.arange(len(rank))
    return rank
