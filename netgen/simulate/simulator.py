"""What a simulator is: a way to run a design's hardware, and what that costs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from netgen.ir.fixed import Words
from netgen.operators.design import Design, Simulated
from netgen.progress import Progress


@dataclass(frozen=True)
class Cost:
    """Seconds that a simulator needs: `start + wires * (build + samples * run)`, on two cores.

    Two cores, however many `jobs` there are, so that `choose` decides alike on every machine with the same tools.

    Attributes:
        start: seconds of a build, whatever the circuit.
        build: further seconds of a build for each wire.
        run: seconds for each wire and sample.
        memory: bytes for each operator, of the largest process of a build.
    """

    start: float
    build: float
    run: float
    memory: float = 0.0

    def seconds(self, wires: int, samples: int, *, built: bool) -> float:
        """Time of a job, without the build where the program is `built` already."""
        return (0.0 if built else self.start + wires * self.build) + wires * samples * self.run

    def samples(self, wires: int, seconds: float) -> int:
        """How many samples can be built and run in a time; at least 1."""
        return max(int((seconds - self.start - wires * self.build) / max(wires * self.run, 1e-9)), 1)


class Simulator(Protocol):
    """One of the `SIMULATORS`; `compiled` makes one from a recipe."""

    @property
    def cost(self) -> Cost:
        """What it costs."""

    def is_built(self, design: Design, cache: Path | None) -> bool:
        """Whether a run needs no build, as it finds its program in the cache.

        Raises: SimulatorError, when the simulator is not installed.
        """

    def run(self, design: Design, inputs: Words, *, jobs: int, cache: Path | None, progress: Progress) -> Simulated:
        """Run (n, n_in) int64 input words through the hardware; see `simulate`.

        Raises: SimulatorError, when the simulator is not installed, or fails.
        """
