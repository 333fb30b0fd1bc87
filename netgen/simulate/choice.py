"""The table of simulators, and the choice of the fastest one for a job, by a model of their costs."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from netgen.errors import SimulatorError
from netgen.operators.design import Design
from netgen.simulate.amaranth import AMARANTH
from netgen.simulate.cxxrtl import CXXRTL
from netgen.simulate.icarus import ICARUS
from netgen.simulate.simulator import Simulator
from netgen.simulate.verilator import VERILATOR

SIMULATORS: Mapping[str, Simulator] = MappingProxyType(
    {"amaranth": AMARANTH, "cxxrtl": CXXRTL, "icarus": ICARUS, "verilator": VERILATOR}
)
"""By name; `docs/benchmarks.md` compares them."""

PATIENCE = 60.0
"""Seconds that a job may take by the model of costs before `choose` asks for Verilator where it is not installed."""


def choose(design: Design, samples: int, *, cache: Path | None = None) -> str:
    """Choose the installed simulator that finishes first; its build counts, unless its program is in the cache.

    Args:
        samples: number of samples in the job.
        cache: folder of programs that were built before; None for none.
    Raises: SimulatorError, when Verilator is not installed and the job takes more than `PATIENCE` without it.
    """
    wires = design.circuit.wires
    seconds = {}
    for name, simulator in SIMULATORS.items():
        try:
            built = simulator.is_built(design, cache)
        except SimulatorError:  # not installed
            continue
        seconds[name] = simulator.cost.seconds(wires, samples, built=built)
    best = min(seconds, key=lambda name: seconds[name])
    if "verilator" in seconds or seconds[best] <= PATIENCE:
        return best
    enough = max(SIMULATORS[name].cost.samples(wires, PATIENCE) for name in seconds)
    raise SimulatorError(
        f"{samples:,} samples of {wires:,} wires need verilator, which is not found; install it (Debian: apt-get "
        f"install verilator g++ make), set check.samples to {enough}, or name {best}, about {seconds[best]:.0f} s"
    )
