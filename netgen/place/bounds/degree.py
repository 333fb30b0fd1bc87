"""Stars: the neighbors of a neuron cannot all be next to it. For graphs of any size."""

import numpy as np
from scipy.sparse import triu

from netgen.ir.fixed import Words
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem

SHARES = 64
"""Parts of a wire's weight that are divided between its two ends."""
ROUNDS = 30
"""Steps of the ascent."""


def degree(problem: Problem) -> Certificate:
    """Bound by the wires of each neuron, the heaviest to the sites nearest to the center of the box.

    A wire belongs to two neurons, and each gets a share of its weight. Any shares prove a bound; subgradient ascent
    finds good ones, by moving weight to the end where the wire is longer. About 1 us per wire and round.

    Witness: `source`, `target` (wired pairs, each once) and `share`, of source, in SHARES-ths of the weight.
    """
    wires = triu(problem.adjacency).tocoo()
    source, target = wires.row.astype(np.int64), wires.col.astype(np.int64)
    total = wires.data * SHARES
    degrees = np.diff(problem.adjacency.indptr)
    near = _nearest(problem, int(degrees.max(initial=0)))
    share = total // 2
    best, best_share = -1, share
    for k in range(ROUNDS):
        value, distance = _stars(np.concatenate([source, target]), np.concatenate([share, total - share]), near)
        if value > best:
            best, best_share = value, share
        here, there = np.split(distance, 2)
        pull = (here - there) / max(int(near[-1]) if len(near) else 1, 1)
        share = np.clip(share + np.rint(pull * total / (2 + k)).astype(np.int64), 0, total)
    witness = {"source": source, "target": target, "share": best_share, "shares": np.array(SHARES)}
    return Certificate(-(-best // SHARES), "degree", witness)


def _nearest(problem: Problem, most: int) -> Words:
    """Distances from the center of the box to the `most` nearest sites, ascending.

    On every axis more sites are within any distance of the center than of any other site, hence also in the box.
    """
    center = problem.grid.number_of(np.array([[side // 2 for side in problem.grid.shape]]))
    distance = np.abs(problem.point - problem.point[center]).sum(axis=1)
    return np.sort(distance)[1 : most + 1]


def _stars(neuron: Words, weight: Words, near: Words) -> tuple[int, Words]:
    """Length of all stars, and the distance that each end gets in its star, the heaviest first."""
    order = np.lexsort((-weight, neuron))
    first = np.flatnonzero(np.diff(neuron[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    distance = np.empty_like(weight)
    distance[order] = near[rank]
    return int(weight @ distance), distance
