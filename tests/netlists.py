"""Netlists for the tests of placers, and their wire length in plain Python."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from netgen.ir.grid import Grid, Placement, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, free_regions
from netgen.place.qap import Problem, problem_of


def layered(sizes: Sequence[int], wires: int, seed: int = 0) -> Netlist:
    """Random wires between neighboring layers, duplicates likely."""
    random = np.random.default_rng(seed)
    layer = np.repeat(np.arange(len(sizes)), sizes)
    index = np.concatenate([np.arange(size) for size in sizes])
    first = np.cumsum([0, *sizes])
    depth = random.integers(0, len(sizes) - 1, wires)
    source = first[depth] + random.integers(0, np.array(sizes)[depth])
    target = first[depth + 1] + random.integers(0, np.array(sizes)[depth + 1])
    return Netlist(layer, index, source, target, np.ones(wires, np.int64))


def graph(neurons: int, wires: Sequence[tuple[int, int]], layers: Sequence[int] | None = None) -> Netlist:
    """A netlist from pairs of neurons, by default all in one layer."""
    ends = np.array(wires, dtype=np.int64).reshape(-1, 2)
    layer = np.zeros(neurons, np.int64) if layers is None else np.array(layers)
    return Netlist(layer, np.arange(neurons), ends[:, 0], ends[:, 1], np.ones(len(ends), np.int64))


def grid_graph(*shape: int, shuffled: bool = True) -> Netlist:
    """A box of neurons, numbered z first, with a wire between any two that are one step apart."""
    points = list(itertools.product(*map(range, shape)))
    order = np.random.default_rng(2).permutation(len(points)).tolist() if shuffled else list(range(len(points)))
    pairs = itertools.combinations(zip(order, points, strict=True), 2)
    near = [(i, j) for (i, p), (j, q) in pairs if sum(abs(a - b) for a, b in zip(p, q, strict=True)) == 1]
    return graph(len(points), near)


def recount(netlist: Netlist, placement: Placement) -> int:
    """Wire length in plain Python."""
    total = 0
    for a, b in zip(netlist.source.tolist(), netlist.target.tolist(), strict=True):
        at_a, at_b = placement.site[a].tolist(), placement.site[b].tolist()
        total += sum(step * abs(p - q) for step, p, q in zip(placement.grid.pitch, at_a, at_b, strict=True))
    return total


def sites_of(placement: Placement) -> list[tuple[int, ...]]:
    return [tuple(site) for site in placement.site.tolist()]


def problem(netlist: Netlist, grid: Grid, regions: Regions | None = None) -> Problem:
    return problem_of(netlist, grid, regions or free_regions(netlist, grid))


DUPLICATES = graph(6, [(0, 5)] * 4 + [(5, 0)] * 3 + [(1, 2), (3, 4), (2, 2)])


def from_matrix(weight: np.ndarray[Any, np.dtype[np.int64]]) -> Netlist:
    """A netlist with one wire for each non-zero entry above the diagonal."""
    source, target = np.nonzero(np.triu(weight, 1))
    ones, zeros = np.ones(len(source), np.int64), np.zeros(len(weight), np.int64)
    return Netlist(zeros, np.arange(len(weight)), source, target, ones, weight[source, target])


def dense(neurons: int, seed: int = 0) -> Netlist:
    """A netlist with a wire of weight 1 to 9 between nine of ten pairs of neurons."""
    return from_matrix(np.random.default_rng(seed).integers(0, 10, (neurons, neurons)))


def length_of(netlist: Netlist, placement: Placement) -> int:
    """Weighted wire length."""
    return int(wire_lengths(netlist, placement) @ netlist.weights)
