"""The noun of this room: a netlist with names and constraints, as a file gives it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from netgen.ir.fixed import Words
from netgen.ir.grid import Face, Grid, Site
from netgen.ir.netlist import Netlist

__all__ = ["MOST_NEURONS", "MOST_WIRES", "Graph", "graph_of"]

MOST_NEURONS = 2_000_000
"""Neurons that a graph may have; names need about 100 bytes each."""
MOST_WIRES = 10_000_000
"""Wires that a graph may have."""


@dataclass(frozen=True, eq=False)
class Graph:
    """A netlist with the names and constraints that its file gives.

    Attributes:
        names: one for each neuron, in the order of the netlist.
        grid: the box that the file gives; None when it gives none.
        faces: layer number to the face that must hold the layer.
        pins: neuron number to its site.
        blocked: sites that no neuron may use.
        locations: site to the number that the file has for it, from 0; empty for files that do not number sites.
        warnings: what the reader ignored or had to guess, one line each.
    """

    netlist: Netlist
    names: tuple[str, ...]
    grid: Grid | None = None
    faces: Mapping[int, Face] = field(default_factory=dict)
    pins: Mapping[int, Site] = field(default_factory=dict)
    blocked: tuple[Site, ...] = ()
    locations: Mapping[Site, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def graph_of(
    neurons: int,
    wires: Iterable[tuple[int, int, int]] | Words,
    *,
    layer: Words | None = None,
    names: Iterable[str] = (),
    warnings: tuple[str, ...] = (),
) -> Graph:
    """Make a graph of numbered neurons.

    Args:
        wires: source, target and weight of each; or (m, 3) int64.
        layer: (neurons,) int64; by default all neurons are in layer 0.
        names: one for each neuron; by default their numbers.
        warnings: as in `Graph`.
    """
    ends: Words = np.array(wires if isinstance(wires, np.ndarray) else list(wires), dtype=np.int64).reshape(-1, 3)
    netlist = Netlist(
        layer=np.zeros(neurons, dtype=np.int64) if layer is None else layer,
        index=np.arange(neurons),
        source=ends[:, 0],
        target=ends[:, 1],
        width=np.ones(len(ends), dtype=np.int64),
        weight=ends[:, 2],
    )
    return Graph(netlist, tuple(names) or tuple(map(str, range(neurons))), warnings=warnings)
