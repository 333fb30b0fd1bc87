"""Routed length: how long the nets of a circuit are on an FPGA, by net and by pair of owners."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["LayerLength", "NetKind", "RoutedLength", "RoutedNet", "RoutedPair", "RoutingReport", "WireLength"]

NetKind = Literal["core", "input", "control", "carry", "global", "wrapper"]
"""A net of an operator of the core; of a bit of an input word; of the core's flow control; of a carry chain; of a clock
or another signal on the network for clocks; all others, which do not enter the core's operators."""


@dataclass(frozen=True)
class RoutedNet:
    """A routed net: one bit of a signal.

    Attributes:
        name: as in `top.v` where the signal has a name, else that of the cell that drives it, `OWNER/NUMBER.PORT`.
        kind: a `NetKind`.
        source: the owner of what drives it: an operator's name, such as `n1_3`; an input, such as `n0_5`; `flow`; or
            `wrapper`.
        length: of the whole tree, in tiles.
        alone: whether all its readers are cells of its own owner.
    """

    name: str
    kind: str
    source: str
    length: int
    alone: bool


@dataclass(frozen=True)
class RoutedPair:
    """All nets of the kinds `core` and `input` that lead from one owner to another, or to the same.

    Attributes:
        bits: how many nets.
        length: of the parts of their trees that lead to this reader, in tiles; metal that also leads to others counts
            whole.
        share: its part of the length of the trees, which is divided between readers in proportion to `length`; so all
            pairs together have the length of all nets.
    """

    source: str
    reader: str
    bits: int
    length: int
    share: float


@dataclass(frozen=True)
class RoutedLength:
    """The routed length of a design, in tiles of the FPGA.

    Attributes:
        circuit: the SHA-256 of its `top.v`.
        about: board, program and seed, in words.
    """

    nets: tuple[RoutedNet, ...]
    pairs: tuple[RoutedPair, ...]
    circuit: str = ""
    about: str = ""

    def total(self, kinds: Iterable[str] = ("core", "input")) -> int:
        """The length of all nets of some kinds."""
        wanted = set(kinds)
        return sum(net.length for net in self.nets if net.kind in wanted)


@dataclass(frozen=True)
class WireLength:
    """A wire of the network, in the model and on the FPGA.

    Attributes:
        source, target: names of neurons, such as `n0_5`.
        bits: width of the word that it carries.
        length: in the model, in units of the pitch.
        routed: its part of the length of the nets, in tiles: the sum over its bits. Metal that serves several wires is
            divided between them.
        distance: tiles from its source to its target along the route, a mean over bits; along shared sums, the sum of
            such means. 0 for a wire without metal, as of a neuron that only copies bits.
    """

    source: str
    target: str
    bits: int
    length: int
    routed: float
    distance: float


@dataclass(frozen=True)
class LayerLength:
    """Lengths of what the neurons of a layer read.

    Attributes:
        layer: from 1; one above the last for the arg-max; 0 for inputs that thresholds turn into bits or registers
            delay.
        name: of the layer; empty where the network has none.
        wires: of the network.
        length: of these wires in the model, in units of the pitch.
        bit_length: the same, each wire weighed by the bits that it carries.
        between: routed length from other owners, in tiles; shared sums of the layer are owners too.
        inside: routed length inside owners, in tiles.
    """

    layer: int
    name: str
    wires: int
    length: int
    bit_length: int
    between: float
    inside: float


@dataclass(frozen=True)
class RoutingReport:
    """Routed length of a design beside the wire length of its model.

    Attributes:
        kinds: routed length of all nets of each kind, in tiles.
        layers: those that have nets or wires.
        outputs: routed length from the core's operators to what is outside, in tiles.
        unmatched: routed length between owners that is along no wire of the network, as that of the arg-max; in tiles.
        correlation: rank correlation (Spearman) over wires of their length in the model with their distance along the
            route; None where one of them is constant.
    """

    kinds: dict[str, int]
    layers: tuple[LayerLength, ...]
    outputs: float
    unmatched: float
    correlation: float | None
