"""Run a design's hardware on input words; every simulator has the same signature."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from netgen.circuit import check_inputs
from netgen.design import Design, Simulated
from netgen.errors import SimulatorError
from netgen.fixed import Words
from netgen.progress import Progress, silent
from netgen.simulate.amaranth import run_amaranth
from netgen.simulate.verilator import run_verilator

__all__ = ["SIMULATORS", "choose", "simulate"]

PATIENCE = 2_000_000
"""Wires times samples that Amaranth's simulator may take on in place of Verilator: about a minute and a half."""


class Simulator(Protocol):
    """What every simulator takes and gives; see `simulate`."""

    def __call__(
        self, design: Design, inputs: Words, *, jobs: int, cache: Path | None, progress: Progress
    ) -> Simulated: ...


SIMULATORS: Mapping[str, Simulator] = {"amaranth": run_amaranth, "verilator": run_verilator}
"""By name. CXXRTL and Icarus were measured and left out: on 2,700 weights CXXRTL took 34 to 60 s and 2 GB to compile
(Verilator 8 s and 0.3 GB) and ran at a quarter of its speed; Icarus ran 9 samples/s on 13,310 weights."""


def choose(design: Design, samples: int) -> str:
    """The simulator for `auto`: Verilator where it is installed, otherwise Amaranth's for what it can do in a minute.

    Raises: SimulatorError, when Verilator is missing and the job too large to do without.
    """
    if shutil.which("verilator"):
        return "verilator"
    wires = sum(int((layer.weight != 0).sum()) for layer in design.circuit.layers)
    if wires * samples <= PATIENCE:
        return "amaranth"
    raise SimulatorError(
        f"{samples:,} samples of {wires:,} wires need verilator, which is not found; install it "
        f"(Debian: apt-get install verilator g++ make) or set check.samples to {max(PATIENCE // wires, 1)}"
    )


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
        simulator: `verilator` runs the Verilog text, about 1e5 samples/s after its build; `amaranth` interprets the
            component, about one sample a second on a large circuit, and needs nothing installed; `auto`: see `choose`.
        jobs: processes that simulate; the result is the same for any number.
        cache: folder that keeps what a simulator builds for the next run; None for none.
    Raises: SimulatorError, when the simulator is unknown, missing or fails; DataError, when inputs do not fit.
    """
    if simulator == "auto":
        simulator = choose(design, len(inputs))
    if simulator not in SIMULATORS:
        raise SimulatorError(f"simulator {simulator!r}; use one of {', '.join(sorted(SIMULATORS))}")
    words = check_inputs(design.circuit, inputs)
    return SIMULATORS[simulator](design, words, jobs=jobs, cache=cache, progress=progress)
