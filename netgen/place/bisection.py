"""Legalization: put neurons with real coordinates on sites, by recursive bisection of both."""

import numpy as np

from netgen.ir.fixed import Reals, Words

__all__ = ["legalize"]


def legalize(where: Reals | Words, point: Words) -> Words:
    """Assign n neurons to n sites, so that neurons with similar coordinates stay close together.

    Each box of sites is cut across its longest side, between the two planes nearest to half of its sites. Its neurons
    are divided into as many, in the order of that coordinate. This repeats until every box has one site; all boxes of
    one depth are cut at once, in n log^2 n steps altogether. Neurons with equal coordinates keep their order.

    Args:
        where: (n, 3); coordinates of the neurons in any unit; only their order along each axis matters.
        point: (n, 3) int64; coordinates of the sites, all different.
    Returns: (n,) int64; the index of each neuron's site in `point`.
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
        plane = along[first + size // 2][box]  # the plane of the middle site goes to the part with fewer sites
        below, through = (np.add.reduceat(part, first, dtype=np.int64) for part in (along < plane, along <= plane))
        cut = np.where((below > 0) & ((through == size) | (below + through > size)), below, through)
        parts = np.stack([cut, size - cut], axis=1).ravel()
        size = parts[parts > 0]
        first = np.cumsum(size) - size
    site: Words = np.empty(n, dtype=np.int64)
    site[members] = sites
    return site
