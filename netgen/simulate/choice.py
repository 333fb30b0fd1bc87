"""Which simulator is the fastest for a job, by a model of what each costs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from netgen.errors import SimulatorError
from netgen.operators.design import Design
from netgen.simulate.cxxrtl import cxxrtl_recipe
from netgen.simulate.icarus import icarus_recipe
from netgen.simulate.program import Recipe
from netgen.simulate.verilator import verilator_recipe


@dataclass(frozen=True)
class Cost:
    """What a simulator costs, in seconds: `start + wires * (build + samples * run)`.

    Attributes:
        start: of a build, whatever its size.
        build: a wire.
        run: a wire and sample.
    """

    start: float
    build: float
    run: float

    def seconds(self, wires: int, samples: int, *, built: bool) -> float:
        """Of a job; a program that is built already costs its run only."""
        return (0.0 if built else self.start + wires * self.build) + wires * samples * self.run

    def samples(self, wires: int, seconds: float) -> int:
        """How many a time is enough for, the build included; at least 1."""
        return max(int((seconds - self.start - wires * self.build) / max(wires * self.run, 1e-9)), 1)


COSTS: Mapping[str, Cost] = {
    "amaranth": Cost(start=0.0, build=1e-3, run=25e-6),
    "cxxrtl": Cost(start=0.5, build=20e-3, run=3e-8),
    "icarus": Cost(start=0.1, build=3e-4, run=1.5e-6),
    "verilator": Cost(start=5.0, build=3e-3, run=3e-9),
}
"""From processor seconds, measured on 2026-11-26; on networks of 543, 2,119 and 13,284 wires, in this order:

- amaranth: 0.4, 1.7 and 13 s to elaborate and translate, then 8, 40 and 500 ms a sample;
- cxxrtl: 8, 36 and more than 390 s to build, then 4 and 96 us a sample;
- icarus: 0.1, 0.5 and 10 s to build; 0.06, 0.2 and 1.4 s to start a slice; then 0.3, 1.7 and 29 ms a sample;
- verilator: 11, 22 and 49 s to build, of which 6 s whatever the design; then 4, 2 and 16 us a sample.

What runs in processes side by side (Verilator's compiler, slices of samples) is counted for two cores, whatever `jobs`
is: the choice is then the same on every machine that has the same tools.
"""

RECIPES: Mapping[str, Callable[[Design], Recipe]] = {
    "cxxrtl": cxxrtl_recipe,
    "icarus": icarus_recipe,
    "verilator": verilator_recipe,
}

PATIENCE = 60.0
"""Seconds that the model may give a job where Verilator is missing, before `choose` asks for it."""


def choose(design: Design, samples: int, *, cache: Path | None = None) -> str:
    """The simulator for `auto`: of those installed, the one that is done first, its build counted unless in the cache.

    Args:
        samples: how many the job has.
        cache: where programs are kept that were built before.
    Raises: SimulatorError, when Verilator is missing and the job takes too long without.
    """
    wires = sum(int((layer.weight != 0).sum()) for layer in design.circuit.layers)
    seconds = {"amaranth": COSTS["amaranth"].seconds(wires, samples, built=False)}
    for name, recipe_of in RECIPES.items():
        try:
            built = recipe_of(design).is_built(cache)
        except SimulatorError:  # not installed
            continue
        seconds[name] = COSTS[name].seconds(wires, samples, built=built)
    best = min(seconds, key=lambda name: seconds[name])
    if "verilator" in seconds or seconds[best] <= PATIENCE:
        return best
    enough = max(COSTS[name].samples(wires, PATIENCE) for name in seconds)
    raise SimulatorError(
        f"{samples:,} samples of {wires:,} wires need verilator, which is not found; install it (Debian: apt-get "
        f"install verilator g++ make), set check.samples to {enough}, or name {best}, about {seconds[best]:.0f} s"
    )
