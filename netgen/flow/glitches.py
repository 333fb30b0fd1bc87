"""How much more signals toggle than they would if they settled at once: glitches inside clock cycles."""

from dataclasses import dataclass, replace

from netgen.fpga.unit_delay import GATE, REGISTER, CellKind, unit_delay_of
from netgen.ir.fixed import Words
from netgen.operators.design import Design
from netgen.progress import Progress, silent

__all__ = ["Glitches", "glitches_of"]


@dataclass(frozen=True)
class Glitches:
    """Toggles of all nets that cells drive, in a mapped netlist whose cells all have a delay of one unit.

    Attributes:
        cells: `gates` or `luts`.
        samples: in the stream, one in each clock cycle.
        gates, registers: number of cells; each drives one net of one bit.
        every: toggles of all these nets, on the way to their settled values too.
        settled: toggles from the settled value of a cycle to that of the next.
    """

    cells: CellKind
    samples: int
    gates: int
    registers: int
    every: int
    settled: int

    @property
    def ratio(self) -> float:
        """All toggles, divided by those of settled values; 1 without glitches, and where nothing toggles."""
        return self.every / self.settled if self.settled else float("inf" if self.every else 1)


def glitches_of(
    design: Design, inputs: Words, *, cells: CellKind = "gates", yosys: str = "auto", progress: Progress = silent
) -> Glitches:
    """Count glitches by simulation: Yosys maps the Verilog, Icarus streams samples through the mapped netlist.

    It takes about 1 us for each gate and sample, and as much memory on disk as there are toggles, about 7 bytes each.

    Args:
        inputs: (n, n_in) int64 input words.
        cells: what to map to; see `netgen.fpga.unit_delay`.
        yosys: `wheel`, `native`, or `auto` for the newer of the two.
    Raises: SynthError, when Yosys is not installed or fails; SimulatorError, when Icarus is not installed or fails;
        DataError, when inputs do not fit the input format.
    """
    from netgen.simulate.toggles import simulated_toggles

    mapped = unit_delay_of(design.verilog, cells=cells, yosys=yosys, progress=progress)
    signals = simulated_toggles(
        replace(design, verilog=mapped.verilog), inputs, half=mapped.settled_after, progress=progress
    )
    driven = [signal for name, signal in signals.items() if name[0] in {GATE, REGISTER} and name[1:].isdigit()]
    return Glitches(
        cells=cells,
        samples=len(inputs),
        gates=mapped.gates,
        registers=mapped.registers,
        every=sum(int(signal.every.sum()) for signal in driven),
        settled=sum(int(signal.settled.sum()) for signal in driven),
    )
