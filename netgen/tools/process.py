"""Run external programs so that all of them have ended when netgen goes on, whatever made it go on."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from netgen.tools.watch import Watch

_ERRORS = ("error", "not found", "no such file", "no space left")
"""Words that mark a line that says why a program failed."""


@dataclass(frozen=True)
class Finished:
    """How a program ended.

    Attributes:
        status: its exit status; below 0, minus the number of the signal that killed it.
        out, err: what it printed to stdout and stderr.
    """

    status: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """Why it failed, in one line: the first with an error, or else the last, or else its status."""
        lines = [line.strip() for line in (self.err + self.out).splitlines() if line.strip()]
        errors = [line for line in lines if any(word in line.lower() for word in _ERRORS)]
        if self.status < 0:
            return f"killed by {_name_of(-self.status)}"
        return (errors[:1] or lines[-1:] or [f"exit status {self.status}"])[0]


class Processes:
    """Programs that end together: those that still run when the context is left are killed, with their children.

    They end with netgen too, even if that is killed. Each runs in a session of its own, so that Ctrl-C in a terminal
    reaches netgen alone, which then ends them.

    Args:
        error: makes the exception to raise from one line of text.
    """

    def __init__(self, error: Callable[[str], Exception]) -> None:
        self._error = error
        self._lock = Lock()
        self._running: dict[subprocess.Popen[str], Watch] = {}
        self._closed = False
        # Python interrupts its main thread alone: a process that is started by another thread is always registered.
        self._starter = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed = True
            for process in self._running:
                _kill(process)
        self._starter.shutdown()

    def run(
        self,
        command: Sequence[str | Path],
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> Finished:
        """Run a program, without input, and wait until it ends.

        Args:
            folder: where it runs and keeps its temporary files.
            environment: variables besides netgen's own.
            tick: called every second.
        Raises: the `error` of these processes, when the program cannot be started.
        """
        temporary = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(folder))
        variables = os.environ | temporary | dict(environment or {})
        try:
            started = self._starter.submit(self._start, list(map(str, command)), folder, variables)
        except RuntimeError as found:  # what the pool raises after its end
            raise self._stopped(command[0]) from found
        process = started.result()
        try:
            with process:
                try:
                    return _finished(process, tick)
                finally:
                    _kill(process)
        finally:
            with self._lock:
                watch = self._running.pop(process)
            watch.end()

    def _start(self, command: list[str], folder: Path, variables: Mapping[str, str]) -> "subprocess.Popen[str]":
        with self._lock:
            if self._closed:
                raise self._stopped(command[0])
            try:
                process = subprocess.Popen(  # noqa: S603 - no shell
                    command,
                    cwd=folder,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    start_new_session=True,
                )
            except OSError as found:
                raise self._error(f"{command[0]}: cannot be started ({found.strerror}); install it again") from found
            self._running[process] = Watch(process.pid)
            return process

    def _stopped(self, program: str | Path) -> Exception:
        return self._error(f"{program}: not started, as the work was stopped")


def _finished(process: "subprocess.Popen[str]", tick: Callable[[], None]) -> Finished:
    while True:
        try:
            out, err = process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            tick()
        else:
            return Finished(process.returncode, out, err)


def _kill(process: "subprocess.Popen[str]") -> None:
    """Kill a program and those that it started, unless it has ended."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
