"""Programs that exist as a wheel and as a native command: which of them are installed, and how one is run."""

import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from os.path import abspath
from pathlib import Path

from netgen.errors import SynthError
from netgen.progress import Progress
from netgen.tools import Finished, Processes

CHOICES = ("wheel", "native", "auto")


@dataclass(frozen=True)
class Program:
    """A program that may be installed twice.

    Attributes:
        name: as users know it.
        command: the native command.
        wheel, function: module of the wheel, and its function that takes the words of a command line.
        package: Debian's package with the command; empty for none.
        version: the option that prints the version, and a pattern that finds it; None when it prints none.
        option: netgen's option that chooses between wheel and command; empty for none.
    """

    name: str
    command: str
    wheel: str
    function: str
    package: str
    version: tuple[str, str] | None
    option: str = ""

    def missing(self, choice: str) -> SynthError:
        """Say how to install what was chosen."""
        wheel = "pip install 'netgen[fpga]'"
        debian = f"Debian: apt-get install {self.package}" if self.package else "no Debian package has it"
        if choice == "auto":
            both = f"{wheel}, or {debian}" if self.package else wheel
            return SynthError(f"{self.name} not found; install it ({both})")
        other = f" or use {self.option} {'native' if choice == 'wheel' else 'wheel'}" if self.option else ""
        if choice == "wheel":
            return SynthError(f"{self.name}'s wheel not found; install it ({wheel}){other}")
        return SynthError(f"{self.command} not found; install it ({debian}){other}")

    def commands(self) -> dict[str, tuple[str, ...]]:
        """The words that start each one that is installed, by kind."""
        found: dict[str, tuple[str, ...]] = {}
        if find_spec(self.wheel) is not None:
            code = f"import sys; from {self.wheel} import {self.function} as run; sys.exit(run(sys.argv[1:]))"
            found["wheel"] = (sys.executable, "-P", "-c", code)
        native = shutil.which(self.command)
        if native is not None:
            found["native"] = (abspath(native),)
        return found


@dataclass(frozen=True)
class Installed:
    """A program that is installed.

    Attributes:
        kind: `wheel` or `native`.
        version: such as `0.70`; empty when it tells none.
        command: the words that start it.
    """

    program: Program
    kind: str
    version: str
    command: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.program.name}{f' {self.version}' * bool(self.version)} ({self.kind})"

    @property
    def age(self) -> tuple[tuple[int, ...], bool]:
        """A key that sorts the newest last; of two equal versions, the wheel."""
        return tuple(map(int, filter(None, self.version.split(".")))), self.kind == "wheel"

    def run(self, words: Sequence[str], folder: Path, *, tick: Callable[[], None] = lambda: None) -> Finished:
        """Run it in a folder, calling `tick` every second; when that raises, it is killed.

        Files must be named relative to the folder: the wheel has a `/tmp` of its own.
        """
        with Processes(SynthError) as processes:
            return processes.run([*self.command, *words], folder, tick=tick)


def find_program(program: Program, choice: str, folder: Path, progress: Progress) -> Installed:
    """The one to use: `wheel`, `native`, or the newer of the two for `auto`.

    Args:
        folder: where they are started to ask for their versions.
    Raises: SynthError, when there is none, or none that works.
    """
    if choice not in CHOICES:
        raise SynthError(f"{program.name.lower()} {choice!r}; use one of {', '.join(CHOICES)}")
    commands = {kind: command for kind, command in program.commands().items() if choice in {kind, "auto"}}
    if not commands:
        raise program.missing(choice)
    if "wheel" in commands:
        progress(f"start {program.name}; its wheel compiles itself at first use, 10 to 50 s", 0.0)
    return max((_started(program, kind, command, folder) for kind, command in commands.items()), key=lambda it: it.age)


def _started(program: Program, kind: str, command: tuple[str, ...], folder: Path) -> Installed:
    """Ask for the version.

    Raises: SynthError, when it does not start.
    """
    if program.version is None:
        return Installed(program, kind, "", command)
    option, pattern = program.version
    done = Installed(program, kind, "", command).run([option], folder)
    version = re.search(pattern, done.out + done.err)
    if version is None:  # nextpnr 0.4 prints it, and exits with status 1
        other = f", or choose another by {program.option}" if program.option else ""
        raise SynthError(f"{program.name} ({kind}) does not start: {done.reason}; reinstall it{other}")
    return Installed(program, kind, version[1], command)
