"""The toggles of every signal of a design, from a value change dump of its Verilog in Icarus."""

from collections.abc import Mapping

import numpy as np

from netgen.errors import SimulatorError, refused
from netgen.ir.circuit import check_inputs
from netgen.ir.fixed import Words
from netgen.operators.design import Design
from netgen.progress import Progress, silent
from netgen.simulate.compiled import built, call
from netgen.simulate.dump import SignalToggles, toggles_in
from netgen.simulate.icarus import recipe_of
from netgen.tools import Processes, scratch_folder

__all__ = ["simulated_toggles"]


def simulated_toggles(
    design: Design, inputs: Words, *, half: int = 1, progress: Progress = silent
) -> Mapping[str, SignalToggles]:
    """Stream samples through the Verilog, one in each clock cycle, and count the toggles of every signal in it.

    The hardware is full of the first sample when the count begins, and of the last when it ends, so that every signal
    takes one settled value for each sample, in their order; `valid` stays 1. A change on the way to it counts in
    `every`, which only Verilog with delays has.

    Args:
        inputs: (n, n_in) int64 input words.
        half: half a clock cycle, in units of the Verilog's delays; all signals must settle in it.
    Returns: for each signal of the module but the clock, by name, its toggles.
    Raises: SimulatorError, when Icarus is not installed or fails, or a signal has an unknown bit; DataError, for inputs
        that do not fit the input format.
    """
    words, latency = check_inputs(design.circuit, inputs), design.latency
    rows = np.concatenate([np.repeat(words[:1], latency, axis=0), words, np.repeat(words[-1:], latency, axis=0)])
    recipe = recipe_of(design, {"HALF": half, "DUMP_FIRST": latency, "DUMP_LAST": len(rows) - 1})
    with scratch_folder(SimulatorError) as scratch, Processes(SimulatorError) as processes:
        try:
            program = built(recipe, scratch / "build", processes, 1, progress)
            design.pack_inputs(rows).astype("<u4").tofile(scratch / "inputs")
            progress("simulate", 0.5)
            call(processes, "icarus's program", [*recipe.starter, program], scratch)
            progress("count toggles", 0.9)
            with (scratch / "dump.vcd").open(encoding="ascii") as dump:
                found = toggles_in(dump, "bench.dut", period=half)
        except OSError as error:
            place = f"icarus: {error.filename or scratch}"
            raise SimulatorError(refused(error, place, "set TMPDIR to another folder")) from error
    return {name: signal for name, signal in found.items() if name != "clk"}
