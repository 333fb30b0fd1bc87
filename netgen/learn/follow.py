"""Place a network repeatedly while it is pruned: each placement starts from the last one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.ir.grid import Grid, Placement, wire_lengths
from netgen.ir.netlist import Netlist, netlist_between
from netgen.ir.regions import Regions
from netgen.spec.board import board_of
from netgen.spec.hardware import PlaceSpec

Distances = Callable[[Sequence[Bools], Sequence[Words]], list[Reals]]
"""Place a perceptron, starting from its last placement, and measure the distances of all neurons of adjacent layers.

Arguments: the masks of its layers, (n_out, n_in) bool, and the placement weight of each wire, (n_out, n_in) int64, or
empty for equal weights. Returns, of the same shapes, the Manhattan distance between the two neurons; 0 where
one of them has no site."""

FIRST = 10
"""Factor of the moves of the first placement, which has nothing to start from."""


class Follower:
    """Place the network again as its wires change, on the smallest box that the spec allows.

    Args:
        moves: of each placement; the first has ten times as many.

    Attributes:
        length: wire length of the last placement.
    """

    def __init__(self, spec: PlaceSpec, *, moves: int, seed: int) -> None:
        self.spec, self.moves, self.seed = spec, moves, seed
        self.length = 0
        self._site: list[Words] = []

    def sites(self, netlist: Netlist, sizes: Sequence[int]) -> list[Words]:
        """Place a netlist, starting from the last placement.

        Args:
            sizes: neurons of each layer, the inputs included, dead ones counted.
        Returns: for each layer, (n, 3) int64, in units of the pitch; -1 for neurons that the netlist does not have.
        Raises: FitError, when the spec's box is too small.
        """
        from netgen.place import place

        grid, regions = board_of(self.spec, netlist)
        start = self._start(netlist, grid, regions) if self._site else None
        moves = self.moves if self._site else FIRST * self.moves
        placement = place(netlist, grid, regions, method=self.spec.method, start=start, moves=moves, seed=self.seed)
        self.length = int(wire_lengths(netlist, placement).sum())
        self._site = [np.full((size, 3), -1, dtype=np.int64) for size in sizes]
        for layer, sites in enumerate(self._site):
            members = netlist.layer == layer
            sites[netlist.index[members]] = placement.site[members]
        pitch = np.array(grid.pitch)
        return [np.where(sites < 0, sites, sites * pitch) for sites in self._site]

    def __call__(self, masks: Sequence[Bools], weights: Sequence[Words] = ()) -> list[Reals]:
        """Place a multilayer perceptron, and measure the distances of its neurons.

        Args:
            masks: per layer, (n_out, n_in) bool.
            weights: placement weight of each wire, per layer (n_out, n_in) int64; all equal when empty.
        Returns: per layer, (n_out, n_in), the Manhattan distance between two neurons, in units of the pitch; 0 where
            one of them has no site.
        Raises: FitError, when the spec's box is too small.
        """
        netlist = netlist_between(masks)
        if weights:
            netlist = replace(netlist, weight=_by_wire(netlist, weights))
        sites = self.sites(netlist, [masks[0].shape[1], *(len(mask) for mask in masks)])
        return [_apart(source, target) for source, target in pairwise(sites)]

    def _start(self, netlist: Netlist, grid: Grid, regions: Regions) -> Placement | None:
        """The last placement, moved into the current box; None when a neuron had no site or regions forbid it."""
        from netgen.place.repack import repack

        where = np.empty((netlist.neurons, 3), dtype=np.int64)
        for layer in range(netlist.layers):
            members = netlist.layer == layer
            where[members] = self._site[layer][netlist.index[members]]
        if (where < 0).any():
            return None
        return repack(where, netlist, grid, regions)


def _by_wire(netlist: Netlist, values: Sequence[Words]) -> Words:
    """The entry of each wire, (m,), in matrices of the layers, (n_out, n_in)."""
    found = np.empty(netlist.wires, dtype=np.int64)
    for depth, matrix in enumerate(values):
        entering = netlist.layer[netlist.source] == depth
        found[entering] = matrix[netlist.index[netlist.target[entering]], netlist.index[netlist.source[entering]]]
    return found


def _apart(source: Words, target: Words) -> Reals:
    """Manhattan distances, (targets, sources), between sites (n, 3); a site of -1 is none, at distance 0."""
    distance: Reals = np.abs(target[:, None] - source).sum(axis=2).astype(np.float64)
    distance[(target < 0).any(axis=1)] = 0.0
    distance[:, (source < 0).any(axis=1)] = 0.0
    return distance
