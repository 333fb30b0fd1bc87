"""Run a design's hardware on input words; every simulator has the same signature."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from netgen.errors import SimulatorError
from netgen.ir.circuit import check_inputs
from netgen.ir.fixed import Words
from netgen.operators.design import Design, Simulated
from netgen.progress import Progress, silent
from netgen.simulate.amaranth import run_amaranth
from netgen.simulate.choice import choose
from netgen.simulate.cxxrtl import run_cxxrtl
from netgen.simulate.icarus import run_icarus
from netgen.simulate.verilator import run_verilator

__all__ = ["SIMULATORS", "choose", "simulate"]


class Simulator(Protocol):
    """What every simulator takes and gives; see `simulate`."""

    def __call__(
        self, design: Design, inputs: Words, *, jobs: int, cache: Path | None, progress: Progress
    ) -> Simulated: ...


SIMULATORS: Mapping[str, Simulator] = {
    "amaranth": run_amaranth,
    "cxxrtl": run_cxxrtl,
    "icarus": run_icarus,
    "verilator": run_verilator,
}
"""By name; `docs/benchmarks.md` has them side by side."""


def simulate(
    design: Design,
    inputs: Words,
    *,
    simulator: str = "auto",
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Simulated:
    """Put samples through the hardware, back to back, and read what comes out.

    Args:
        inputs: (n, n_in) int64 input words.
        simulator: `verilator` compiles the Verilog text, about 1e5 samples/s after its build; `cxxrtl` does so by
            Yosys, in other code, with a longer build; `icarus` interprets the text, 20 to 1,000 samples/s after a build
            of seconds; `amaranth` interprets the component, about one sample a second on a large circuit, and needs
            nothing installed; `auto`: see `choose`.
        jobs: processes that build and simulate; the result is the same for any number.
        cache: folder that keeps what a simulator builds for the next run; None for none.
    Raises: SimulatorError, when the simulator is unknown, missing or fails; DataError, when inputs do not fit.
    """
    if simulator == "auto":
        simulator = choose(design, len(inputs), cache=cache)
    if simulator not in SIMULATORS:
        raise SimulatorError(f"simulator {simulator!r}; use one of {', '.join(sorted(SIMULATORS))}")
    words = check_inputs(design.circuit, inputs)
    return SIMULATORS[simulator](design, words, jobs=jobs, cache=cache, progress=progress)
