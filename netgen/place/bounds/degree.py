"""The star bound: a neuron with many neighbors cannot have all of them one step away. For graphs of any size."""

import numpy as np
from scipy.sparse import triu

from netgen.ir.fixed import Words
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem
from netgen.progress import Progress, Stopped, silent

SHARES = 64
"""Number of parts of a wire's weight that are divided between its two ends; fewer where 64 bits are too few."""
ROUNDS = 30
"""Number of steps of the subgradient ascent."""
ROOM = 1 << 61
"""Lengths, in parts, stay below this."""


def degree(problem: Problem, *, progress: Progress = silent) -> Certificate:
    """Bound by the star of each neuron: its heaviest wires to the sites nearest to the center of the box.

    A wire belongs to the stars of both its ends, each with a share of its weight. Any shares prove a bound. Subgradient
    ascent improves them by moving weight to the end where the wire is longer. About 1 us for each wire and round.

    Witness: `source`, `target` (wired pairs, each once), `shares` (parts of each weight) and `share` (of the source).
    """
    wires = triu(problem.adjacency).tocoo()
    source, target = wires.row.astype(np.int64), wires.col.astype(np.int64)
    shares = SHARES
    while shares > 1 and shares * problem.grid.diagonal * int(wires.data.sum()) >= ROOM:
        shares //= 2
    total = wires.data * shares
    degrees = np.diff(problem.adjacency.indptr)
    near = _nearest(problem, int(degrees.max(initial=0)))
    share = total // 2
    best, best_share = -1, share
    try:
        for k in range(ROUNDS):
            value, distance = _stars(np.concatenate([source, target]), np.concatenate([share, total - share]), near)
            if value > best:
                best, best_share = value, share
            here, there = np.split(distance, 2)
            pull = (here - there) / max(int(near[-1]) if len(near) else 1, 1)
            share = np.clip(share + np.rint(pull * total / (2 + k)).astype(np.int64), 0, total)
            progress("degree", (k + 1) / ROUNDS)
    except Stopped:
        pass
    witness = {"source": source, "target": target, "share": best_share, "shares": np.array(shares)}
    return Certificate(-(-best // shares), "degree", witness)


def _nearest(problem: Problem, most: int) -> Words:
    """Return the distances from the center of the box to the `most` nearest sites, ascending.

    On every axis, and so in the box, more sites are within any distance of the center than of any other site.
    """
    center = problem.grid.number_of(np.array([[side // 2 for side in problem.grid.shape]]))
    distance = np.abs(problem.point - problem.point[center]).sum(axis=1)
    return np.sort(distance)[1 : most + 1]


def _stars(neuron: Words, weight: Words, near: Words) -> tuple[int, Words]:
    """Compute the length of all stars, and the distance of each end in its star.

    Args:
        neuron, weight: (ends,) int64; the center of the star to which each end belongs, and its weight there.
        near: as of `_nearest`; the heaviest end of a star is at the first distance.
    """
    order = np.lexsort((-weight, neuron))
    first = np.flatnonzero(np.diff(neuron[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    distance = np.empty_like(weight)
    distance[order] = near[rank]
    return int(weight @ distance), distance
