"""A circuit that is placed and routed on an FPGA, as data for the report."""

from dataclasses import dataclass

from netgen.ir.routed_length import RoutingReport
from netgen.ir.utilization import Utilization

__all__ = ["PathStep", "Routed", "Used"]


@dataclass(frozen=True)
class PathStep:
    """Part of the critical path in one neuron, or between two.

    Attributes:
        name: of the neuron or operator in the Verilog; empty where mapping has lost it.
        cells: that it passes.
        logic, routing: nanoseconds in cells, and on wires to the next cell.
    """

    name: str
    cells: int
    logic: float
    routing: float


@dataclass(frozen=True)
class Used:
    """Cells of one kind: how many the circuit uses, and how many the device has."""

    used: int
    available: int


@dataclass(frozen=True)
class Routed:
    """A circuit on an FPGA.

    Attributes:
        board: by its name in netgen; about: in full.
        device: of the FPGA.
        top: `uart`, with the wrapper for the serial line, or `ooc`, the circuit alone, without pins.
        nextpnr: which one; seed: of its placer.
        clock: of the board, in MHz.
        fmax: greatest frequency of the clock that nextpnr gives, in MHz; None for a circuit without registers.
        mapped: what Yosys mapped it to.
        cells: of the device, by nextpnr's names for their kinds.
        lengths: of its nets, beside the wires of the network; None where cells are not known by neuron.
        path: the critical path, from register to register or, without registers, from port to port.
        baud: of the serial line; 0 without one.
        bitstream: name of the file; empty for none.
    """

    board: str
    about: str
    device: str
    top: str
    nextpnr: str
    seed: int
    clock: float
    fmax: float | None
    mapped: Utilization
    cells: dict[str, Used]
    path: tuple[PathStep, ...]
    lengths: RoutingReport | None
    baud: int
    bitstream: str

    @property
    def meets(self) -> bool:
        """Whether the circuit is as fast as the board's clock."""
        return self.fmax is None or self.fmax >= self.clock
