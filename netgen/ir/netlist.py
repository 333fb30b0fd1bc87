"""The netlist, which is what a placer places: neurons and wires, and the one definition of what counts as each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netgen.errors import FitError
from netgen.ir.arrays import Bools, frozen
from netgen.ir.circuit import Circuit, ranges_of
from netgen.ir.dense import alive_of
from netgen.ir.fixed import Words, bits_of
from netgen.ir.simplify import alive_in

__all__ = ["MOST_NEURONS", "Netlist", "gate_wires", "netlist_between", "netlist_of", "placed_wires"]

MOST_NEURONS = 10_000_000
"""Neurons that a netlist may have: placers need about 100 bytes for each, 1 GB."""


@dataclass(frozen=True, eq=False)
class Netlist:
    """Neurons, numbered 0 to n - 1, and directed wires between them.

    Attributes:
        layer: (n,) int64; the layer of each neuron, 0 for inputs. `netlist_of` numbers neurons layer by layer.
        index: (n,) int64; the index of the neuron within its layer of the network, dead neurons counted.
        source, target: (m,) int64; the two neurons of each wire.
        width: (m,) int64; width in bits of the signal that the wire carries.
        weight: (m,) int64, 0 or more; the factor of the wire's length in the wire length of a placement; by default 1.
    Raises: FitError, when the arrays do not match, or a layer, a weight or the end of a wire is out of range.
    """

    layer: Words
    index: Words
    source: Words
    target: Words
    width: Words
    weight: Words | None = None

    def __post_init__(self) -> None:
        if self.weight is None:
            object.__setattr__(self, "weight", np.ones(len(self.source), dtype=np.int64))
        for name in ("layer", "index", "source", "target", "width", "weight"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.int64))
        n, m = len(self.layer), len(self.source)
        if n > MOST_NEURONS:
            raise FitError(f"{n:,} neurons; at most {MOST_NEURONS:,} fit in memory")
        if self.index.shape != (n,) or {a.shape for a in (self.target, self.width, self.weights)} != {(m,)}:
            raise FitError("a netlist needs one layer and index per neuron, one source, target, width, weight per wire")
        if n and self.layer.min() < 0:
            raise FitError(f"a layer has number {self.layer.min()}; number the layers from 0")
        if m and self.weights.min() < 0:
            raise FitError(f"a wire of weight {self.weights.min()}; weights must be 0 or more")
        ends = np.concatenate([self.source, self.target])
        if m and (ends.min() < 0 or ends.max() >= n):
            wrong = ends[(ends < 0) | (ends >= n)][0]
            raise FitError(f"a wire ends at neuron {wrong}, but there are {n}; number them 0 to {n - 1}")

    @property
    def weights(self) -> Words:
        """`weight`, which is never None after construction."""
        assert self.weight is not None
        return self.weight

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return len(self.layer)

    @property
    def wires(self) -> int:
        """Number of wires."""
        return len(self.source)

    @property
    def layers(self) -> int:
        """Number of layers, the inputs included."""
        return int(self.layer.max()) + 1 if self.neurons else 0

    @property
    def names(self) -> list[str]:
        """`nLAYER_INDEX` of every neuron, its name in HDL and reports."""
        return [f"n{layer}_{index}" for layer, index in zip(self.layer, self.index, strict=True)]


def netlist_of(circuit: Circuit) -> Netlist:
    """Extract the neurons on a path from an input to an output, and a wire for each weight between them.

    A wire from a gate to a neuron that selects carries one bit: whether the gate is above 0.
    """
    alive = alive_in(circuit)
    on = np.concatenate(alive)
    widths = np.full(len(on), circuit.entering.width, dtype=np.int64)
    for first, reach in zip(circuit.first, ranges_of(circuit), strict=False):
        bits = [bits_of(lo, hi)[0] for lo, hi in zip(reach.out_lo.tolist(), reach.out_hi.tolist(), strict=True)]
        widths[first : first + len(bits)] = bits
    number = np.cumsum(on) - 1
    source, target, gating = _wires(circuit, on)
    return Netlist(
        layer=np.concatenate([np.full(int(a.sum()), depth) for depth, a in enumerate(alive)]),
        index=np.concatenate([np.flatnonzero(a) for a in alive]),
        source=number[source],
        target=number[target],
        width=np.where(gating, 1, widths[source]),
    )


def gate_wires(circuit: Circuit) -> Bools:
    """Which wires of `netlist_of(circuit)` lead from a gate to a neuron that selects, (wires,)."""
    return _wires(circuit, np.concatenate(alive_in(circuit)))[2]


def placed_wires(circuit: Circuit) -> Bools:
    """Which wires of a circuit, layer by layer, are those of `netlist_of(circuit)`, (wires of the circuit,)."""
    return _between(circuit, np.concatenate(alive_in(circuit)))


def _between(circuit: Circuit, on: Bools) -> Bools:
    """Which wires have both ends on."""
    pairs = zip(circuit.layers, circuit.first, strict=False)
    return np.concatenate([on[layer.source] & on[layer.target + first] for layer, first in pairs])


def _wires(circuit: Circuit, on: Bools) -> tuple[Words, Words, Bools]:
    """The source and the target of each wire between neurons that are on, and whether it leads from a gate."""
    source = np.concatenate([layer.source for layer in circuit.layers])
    pairs = zip(circuit.layers, circuit.first, strict=False)
    target = np.concatenate([layer.target + first for layer, first in pairs])
    gating = ~np.concatenate([layer.passing for layer in circuit.layers])
    both = _between(circuit, on)
    return source[both], target[both], gating[both]


def netlist_between(connected: Sequence[Bools], widths: Sequence[Words] | None = None) -> Netlist:
    """Extract a netlist as `netlist_of` does, from masks of the weights that are not zero.

    Args:
        connected: for each layer, (n_out, n_in) bool.
        widths: for the inputs and each layer, (n,) int64, the width in bits of each neuron's signal; by default 1.
    """
    alive = alive_of(connected)
    number = [np.cumsum(a) - 1 for a in alive]
    first = np.cumsum([0, *(int(a.sum()) for a in alive)])
    sources, targets, bits = [], [], []
    for depth, edges in enumerate(connected):
        target, source = np.nonzero(edges & alive[depth] & alive[depth + 1][:, None])
        sources.append(number[depth][source] + first[depth])
        targets.append(number[depth + 1][target] + first[depth + 1])
        bits.append(np.ones_like(source) if widths is None else widths[depth][source])
    return Netlist(
        layer=np.concatenate([np.full(int(a.sum()), depth) for depth, a in enumerate(alive)]),
        index=np.concatenate([np.flatnonzero(a) for a in alive]),
        source=np.concatenate(sources),
        target=np.concatenate(targets),
        width=np.concatenate(bits),
    )
