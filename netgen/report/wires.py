"""How long the wires are: per layer and in all, before and after placement."""

from dataclasses import dataclass

from netgen.ir.grid import Placement, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.verdict import verdict_of


@dataclass(frozen=True)
class LayerWires:
    """The wires that end in one layer; lengths are Manhattan, in units of the pitch.

    Attributes:
        layer: 1 for the first layer behind the inputs.
        before: total length in index order.
        total: total length after placement; mean and longest, too, are after placement.
        share: this layer's part of the whole circuit's total, 0 to 1.
        bits: bit wire length, each wire weighed by the width of the signal it carries.
    """

    layer: int
    wires: int
    before: int
    total: int
    mean: float
    longest: int
    share: float
    bits: int


@dataclass(frozen=True)
class WireReport:
    """The wires of a placed circuit.

    Attributes:
        shape, pitch: of the grid, along x, y, z.
        layers: a row for every layer behind the inputs, in order; the attributes below sum them up.
        bound: proven lower bound on the total, of any placement on this grid; None when none was asked for.
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
        """The total, and how far from the optimum it can be."""
        return verdict_of(self.total, self.bound)

    @property
    def claim(self) -> str:
        """What `verdict` compares with, and what of it is proved."""
        if self.bound is None:
            return "no lower bound was computed (place.certificate)"
        return f"no placement on this grid is shorter than {self.bound:,}, which is proved"

    @property
    def saved(self) -> float:
        """The part of the wire length that placement has removed; negative when it has added some."""
        return 1 - self.total / self.before if self.before else 0.0


def wire_report(netlist: Netlist, before: Placement, after: Placement, *, bound: int | None = None) -> WireReport:
    """Measure every wire in two placements of the same netlist.

    Args:
        before: index order, for comparison.
        after: what the placer gave.
        bound: proven lower bound on the wire length.
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
