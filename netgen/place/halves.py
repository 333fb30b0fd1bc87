"""Snap neurons with real coordinates to sites, in equal order: parts of the neurons to parts of the box."""

import numpy as np

from netgen.ir.fixed import Reals, Words


def snap(where: Reals | Words, point: Words) -> Words:
    """Match n neurons to n sites, so that neighbors by coordinates stay neighbors.

    The box of sites is cut across its longest side, between the two planes nearest to half of the sites, and the
    neurons with it in the order of that coordinate, until one is left; all boxes of one depth at once, n log^2 n steps
    in all. Ties fall in the order given.

    Args:
        where: (n, 3) any numbers; only their order along each axis matters.
        point: (n, 3); coordinates of the sites, in any order, no two equal.
    Returns: (n,) int64; which site each neuron gets.
    """
    n = len(where)
    members, sites = np.arange(n), np.arange(n)
    first, size = np.zeros(min(n, 1), dtype=np.int64), np.full(min(n, 1), n)
    while n and size.max() > 1:
        box = np.repeat(np.arange(len(size)), size)
        placed = point[sites]
        span = np.maximum.reduceat(placed, first) - np.minimum.reduceat(placed, first)
        axis = span.argmax(axis=1)[box]
        along = placed[np.arange(n), axis]
        order = np.lexsort((along, box))
        sites, along = sites[order], along[order]
        members = members[np.lexsort((where[members, axis], box))]
        plane = along[first + size // 2][box]  # the one that holds the middle site goes to the emptier part
        below, through = (np.add.reduceat(part, first, dtype=np.int64) for part in (along < plane, along <= plane))
        cut = np.where((below > 0) & ((through == size) | (below + through > size)), below, through)
        parts = np.stack([cut, size - cut], axis=1).ravel()
        size = parts[parts > 0]
        first = np.cumsum(size) - size
    site: Words = np.empty(n, dtype=np.int64)
    site[members] = sites
    return site
