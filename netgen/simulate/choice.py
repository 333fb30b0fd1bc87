"""The table of simulators, and the choice of the fastest one for a job, by a model of their costs."""

import os
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

SHARE = 0.6
"""Share of the machine's memory that a build may take."""


def choose(design: Design, samples: int, *, cache: Path | None = None, memory: float | None = None) -> str:
    """Choose the installed simulator that finishes first; its build counts, unless its program is in the cache.

    Args:
        samples: number of samples in the job.
        cache: folder of programs that were built before; None for none.
        memory: bytes that a build may take; `SHARE` of the machine's when None.
    Raises: SimulatorError, when every build takes more memory, or when Verilator is not installed and the job takes
        more than `PATIENCE` without it.
    """
    limit = SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if memory is None else memory
    seconds, large = {}, {}
    for name, simulator in SIMULATORS.items():
        try:
            built = simulator.is_built(design, cache)
        except SimulatorError:  # not installed
            continue
        if not built and (needed := simulator.cost.bytes_of(design)) > limit:
            large[name] = needed
            continue
        seconds[name] = simulator.cost.seconds(design, samples, built=built)
    if not seconds:
        least = min(large, key=lambda name: large[name])
        operators = len(design.graph.operators)
        raise SimulatorError(
            f"{operators:,} operators need about {large[least] / 1e9:.0f} GB in {least}, the least of all simulators, "
            f"and a build may take {limit / 1e9:.0f} GB; simulate on a larger machine, or name a simulator all the same"
        )
    best = min(seconds, key=lambda name: seconds[name])
    if "verilator" in seconds or "verilator" in large or seconds[best] <= PATIENCE:
        return best
    wires = design.circuit.wires
    enough = max(SIMULATORS[name].cost.samples(design, PATIENCE) for name in seconds)
    raise SimulatorError(
        f"{samples:,} samples of {wires:,} wires need verilator, which is not found; install it (Debian: apt-get "
        f"install verilator g++ make), set check.samples to {enough}, or name {best}, about {seconds[best]:.0f} s"
    )


def estimate(design: Design, samples: int, name: str) -> str:
    """What a job takes in a simulator, its build included; the name alone where there is no such simulator."""
    if name not in SIMULATORS:
        return name
    cost = SIMULATORS[name].cost
    seconds, needed = cost.seconds(design, samples, built=False), cost.bytes_of(design)
    return f"{name}: up to about {seconds:,.0f} s and {needed / 1e9:.1f} GB"
