"""How much more signals toggle than they would if they settled at once: glitches inside clock cycles."""

from dataclasses import replace

from netgen.fpga.unit_delay import GATE, REGISTER, CellKind, unit_delay_of
from netgen.ir.fixed import Words
from netgen.ir.toggles import Glitches
from netgen.operators.design import Design
from netgen.progress import Progress, silent

__all__ = ["glitches_of"]


def glitches_of(
    design: Design, inputs: Words, *, cells: CellKind = "gates", yosys: str = "auto", progress: Progress = silent
) -> Glitches:
    """Count glitches by simulation: Yosys maps the Verilog, Icarus streams samples through the mapped netlist.

    It takes about 20 us for each gate and sample; the dump has about 7 bytes for each toggle.

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
