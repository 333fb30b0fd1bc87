"""Run a design's hardware on input words; every simulator has the same signature.

To add a simulator, write one file that makes a `Simulator` (`icarus.py` is the shortest: if the simulator turns Verilog
into a program, `Compiled` with a `ProgramRecipe` is one), enter it in `choice.SIMULATORS`, and allow its name in a spec
(`spec.hardware.SimulatorName`). The command line, `auto`, the checks and the tests then use it.
"""

from pathlib import Path

from netgen.errors import SimulatorError
from netgen.ir.circuit import check_inputs
from netgen.ir.fixed import Words
from netgen.operators.design import Design, Simulated
from netgen.progress import Progress, silent
from netgen.simulate.choice import SIMULATORS, choose, estimate
from netgen.simulate.simulator import Cost, Simulator

__all__ = ["SIMULATORS", "Cost", "Simulator", "choose", "estimate", "simulate"]


def simulate(
    design: Design,
    inputs: Words,
    *,
    simulator: str = "auto",
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Simulated:
    """Stream samples through the hardware, one in each clock cycle, and collect the results.

    Args:
        inputs: (n, n_in) int64 input words.
        simulator: `verilator` compiles the Verilog text, and simulates about 1e5 samples/s after its build; `cxxrtl`
            compiles it with Yosys, independently of Verilator, with a longer build; `icarus` interprets it, 20 to 1,000
            samples/s after a build of seconds; `amaranth` interprets the component, about one sample/s on a large
            circuit, and needs nothing installed; `auto` is what `choose` says.
        jobs: processes that build and simulate; the result is the same for any number.
        cache: folder that keeps the program that a simulator builds, for the next run; None for no cache.
    Raises: SimulatorError, when the simulator is unknown, not installed or fails; DataError, when inputs do not fit the
        input format.
    """
    if simulator == "auto":
        simulator = choose(design, len(inputs), cache=cache)
    if simulator not in SIMULATORS:
        raise SimulatorError(f"simulator {simulator!r}; use one of {', '.join(sorted(SIMULATORS))}")
    words = check_inputs(design.circuit, inputs)
    return SIMULATORS[simulator].run(design, words, jobs=jobs, cache=cache, progress=progress)
