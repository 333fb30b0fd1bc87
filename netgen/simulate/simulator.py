"""What a simulator is: a way to run a design's hardware, and what that costs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from netgen.ir.fixed import Words
from netgen.operators.design import Design, Simulated
from netgen.progress import Progress


@dataclass(frozen=True)
class Cost:
    """What a simulator needs, by the size of a design.

    A job takes `start + size * build + size**2 * square + wires * samples * run` seconds, those of two cores, however
    many `jobs` there are, so that `choose` decides alike on every machine with the same tools. The largest process of a
    build takes `size * memory` bytes.

    Attributes:
        start: seconds of a build, whatever the circuit.
        build: further seconds of a build for each unit of its size.
        square: and for each unit of the size's square.
        run: seconds for each wire and sample.
        memory: bytes for each unit of the size.
        functions: whether the simulator builds a function of the Verilog text once. The size is then the number of
            assignments in the text; otherwise it is that of all operators, wherever they stand.
    """

    start: float
    build: float
    run: float
    memory: float = 0.0
    functions: bool = False
    square: float = 0.0

    def seconds(self, design: Design, samples: int, *, built: bool) -> float:
        """Time of a job, without the build where the program is `built` already."""
        return (0.0 if built else self._build_of(design)) + design.circuit.wires * samples * self.run

    def samples(self, design: Design, seconds: float) -> int:
        """How many samples can be built and run in a time; at least 1."""
        each = max(design.circuit.wires * self.run, 1e-9)
        return max(int((seconds - self._build_of(design)) / each), 1)

    def bytes_of(self, design: Design) -> float:
        """Memory of a build."""
        return self._size_of(design) * self.memory

    def _build_of(self, design: Design) -> float:
        size = self._size_of(design)
        return self.start + size * self.build + size**2 * self.square

    def _size_of(self, design: Design) -> int:
        return design.assignments if self.functions else len(design.graph.operators)


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
