"""The graph that is placed: neurons and wires, and the one definition of what counts as a wire."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netgen.errors import FitError
from netgen.ir.circuit import Circuit, ranges_of
from netgen.ir.fixed import Words, bits_of
from netgen.ir.network import Bools, alive_of, frozen


@dataclass(frozen=True, eq=False)
class Netlist:
    """Neurons, numbered 0 to n - 1, and directed wires between them.

    Attributes:
        layer: (n,) int64; 0 for inputs, then 1 upwards; never falls from one neuron to the next.
        index: (n,) int64; place within its layer in the network, dead neurons counted.
        source, target: (m,) int64; the two neurons of each wire.
        width: (m,) int64; bits of the signal that the wire carries.
        weight: (m,) int64, from 0; how much a step of the wire counts in placement: 1 each, unless given.
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
        if self.index.shape != (n,) or {a.shape for a in (self.target, self.width, self.weights)} != {(m,)}:
            raise FitError("a netlist needs one layer and index per neuron, one source, target, width, weight per wire")
        if m and self.weights.min() < 0:
            raise FitError(f"a wire of weight {self.weights.min()}; weights must be 0 or more")
        ends = np.concatenate([self.source, self.target])
        if m and (ends.min() < 0 or ends.max() >= n):
            raise FitError(f"a wire ends at neuron {ends.max()}, but there are {n}; number them 0 to {n - 1}")

    @property
    def weights(self) -> Words:
        """`weight`, which is never None once the netlist is made."""
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
        """`nLAYER_INDEX` of every neuron, as HDL and reports call it."""
        return [f"n{layer}_{index}" for layer, index in zip(self.layer, self.index, strict=True)]


def netlist_of(circuit: Circuit) -> Netlist:
    """The neurons that lie on a path from an input to an output, and a wire for every non-zero weight between them."""
    widths = [np.full(circuit.sizes[0], circuit.format_into(0).width, dtype=np.int64)]
    for reach in ranges_of(circuit):
        bits = [bits_of(int(lo), int(hi))[0] for lo, hi in zip(reach.out_lo, reach.out_hi, strict=True)]
        widths.append(np.array(bits, dtype=np.int64))
    return netlist_between([layer.weight != 0 for layer in circuit.layers], widths)


def netlist_between(connected: Sequence[Bools], widths: Sequence[Words] | None = None) -> Netlist:
    """The same, of layers that are only known by what is connected.

    Args:
        connected: per layer, (n_out, n_in) bool.
        widths: bits of the signal of each neuron, for the inputs and each layer; 1 unless given.
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
