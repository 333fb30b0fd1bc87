"""Wire lengths per layer and in total, in index order and as placed."""

from collections.abc import Sequence
from dataclasses import dataclass

from netgen.ir.grid import Placement, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.verdict import verdict_of


@dataclass(frozen=True)
class LayerWires:
    """The wires into one layer; lengths are Manhattan, in units of the pitch.

    Attributes:
        layer: 1 for the first layer after the inputs.
        before: total length in index order.
        total: total length as placed.
        mean, longest: of the wires as placed.
        share: share of this layer in the wire length of the circuit, 0 to 1.
        bits: bit wire length as placed: the sum of each wire's length times the bits that it carries.
        name: of the layer in the user's model; empty where netgen trained the network.
    """

    layer: int
    wires: int
    before: int
    total: int
    mean: float
    longest: int
    share: float
    bits: int
    name: str = ""


@dataclass(frozen=True)
class WireReport:
    """The wires of a placed circuit.

    Attributes:
        shape, pitch: of the grid, along x, y, z.
        layers: a row for every layer after the inputs, in order; the attributes below are of all layers together.
        bound: proven lower bound on the total of every placement on this grid; None when none was computed.
    """

    neurons: int
    shape: tuple[int, int, int]
    pitch: tuple[int, int, int]
    layers: tuple[LayerWires, ...]
    wires: int
    before: int
    total: int
    mean: float
    longest: int
    bits: int
    bound: int | None = None

    @property
    def verdict(self) -> str:
        """The total, and an upper limit on its ratio to the optimum."""
        return verdict_of(self.total, self.bound)

    @property
    def claim(self) -> str:
        """What `verdict` compares with, and what of it is proved."""
        if self.bound is None:
            return "no lower bound was computed (place.certificate)"
        return f"no placement on this grid is shorter than {self.bound:,}, which is proved"

    @property
    def saved(self) -> float:
        """The share of the wire length that placement saves against index order; negative when it adds."""
        return 1 - self.total / self.before if self.before else 0.0


def wire_report(
    netlist: Netlist, before: Placement, after: Placement, *, bound: int | None = None, names: Sequence[str] = ()
) -> WireReport:
    """Measure every wire in two placements of the same netlist.

    Args:
        before: index order, for comparison.
        after: the result of the placer.
        bound: proven lower bound on the wire length of every placement on this grid.
        names: of the layers after the inputs, in the user's model; none where netgen trained the network.
    """
    old, new = wire_lengths(netlist, before), wire_lengths(netlist, after)
    bits, layer_of = new * netlist.width, netlist.layer[netlist.target]
    whole = int(new.sum())
    rows = []
    for layer in range(1, netlist.layers):
        here = layer_of == layer
        wires, total = int(here.sum()), int(new[here].sum())
        rows.append(
            LayerWires(
                layer=layer,
                wires=wires,
                before=int(old[here].sum()),
                total=total,
                mean=total / wires if wires else 0.0,
                longest=int(new[here].max(initial=0)),
                share=total / whole if whole else 0.0,
                bits=int(bits[here].sum()),
                name=names[layer - 1] if names else "",
            )
        )
    return WireReport(
        neurons=netlist.neurons,
        shape=after.grid.shape,
        pitch=after.grid.pitch,
        layers=tuple(rows),
        wires=netlist.wires,
        before=int(old.sum()),
        total=whole,
        mean=whole / netlist.wires if netlist.wires else 0.0,
        longest=int(new.max(initial=0)),
        bits=int(bits.sum()),
        bound=bound,
    )
