"""Yosys, native or as a wheel: which of them are installed, and how to run a script in one."""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os.path import abspath
from pathlib import Path
from types import MappingProxyType

from netgen.errors import SynthError
from netgen.progress import Progress
from netgen.tools import WHEEL, Finished, Processes, has_wheel

_FIXES: Mapping[str, str] = MappingProxyType(
    {
        "wheel": "Yosys's wheel not found; install it (pip install 'netgen[fpga]') or use --yosys native",
        "native": "yosys not found; install it (Debian: apt-get install yosys) or use --yosys wheel",
        "auto": "Yosys not found; install it (pip install 'netgen[fpga]', or Debian: apt-get install yosys)",
    }
)
CHOICES = tuple(_FIXES)


@dataclass(frozen=True)
class Yosys:
    """A Yosys that is installed.

    Attributes:
        kind: `wheel` or `native`.
        version: such as `0.70`.
        command: the words that start it.
    """

    kind: str
    version: str
    command: tuple[str, ...]

    def __str__(self) -> str:
        return f"Yosys {self.version} ({self.kind})"

    @property
    def age(self) -> tuple[tuple[int, ...], bool]:
        """A key that sorts the newest last; of two equal versions, the wheel."""
        return tuple(map(int, self.version.split("."))), self.kind == "wheel"

    def run(self, script: str, folder: Path, *, tick: Callable[[], None] = lambda: None) -> Finished:
        """Run a script in a folder, calling `tick` every second; warnings and errors are in `err`.

        The script must name files relative to the folder: the wheel has a `/tmp` of its own.
        """
        return _run(self.command, ["-q", "-p", script], folder, tick)


def find_yosys(choice: str, folder: Path, progress: Progress) -> Yosys:
    """The Yosys to use: `wheel`, `native`, or the newer of the two for `auto`.

    Raises: SynthError, when there is none, or none that works.
    """
    if choice not in CHOICES:
        raise SynthError(f"yosys {choice!r}; use one of {', '.join(CHOICES)}")
    commands = {kind: command for kind, command in _installed().items() if choice in {kind, "auto"}}
    if not commands:
        raise SynthError(_FIXES[choice])
    if "wheel" in commands:
        progress("start Yosys; its wheel compiles itself at first use, 10 to 50 s", 0.0)
    return max((_started(kind, command, folder) for kind, command in commands.items()), key=lambda found: found.age)


def _installed() -> dict[str, tuple[str, ...]]:
    """The command of each Yosys that is installed, by kind."""
    found: dict[str, tuple[str, ...]] = {"wheel": WHEEL} if has_wheel() else {}
    native = shutil.which("yosys")
    if native is not None:
        found["native"] = (abspath(native),)
    return found


def _started(kind: str, command: tuple[str, ...], folder: Path) -> Yosys:
    """Ask a Yosys for its version.

    Raises: SynthError, when it does not start.
    """
    done = _run(command, ["-V"], folder)
    version = re.match(r"Yosys (\d+(\.\d+)*)", done.out)
    if done.status or version is None:
        raise SynthError(f"Yosys ({kind}) does not start: {done.reason}; reinstall it, or choose another by --yosys")
    return Yosys(kind, version[1], command)


def _run(command: tuple[str, ...], words: list[str], folder: Path, tick: Callable[[], None] = lambda: None) -> Finished:
    with Processes(SynthError) as processes:
        return processes.run([*command, *words], folder, tick=tick)
