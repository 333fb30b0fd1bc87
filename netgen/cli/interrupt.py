"""Interrupts: Ctrl-C (SIGINT), SIGTERM and a closed terminal (SIGHUP) end a command at once, whatever it runs.

The handler raises KeyboardInterrupt in the main thread. Two guards stand behind it. Some libraries swallow the
exception: `check_interrupt`, which every progress call runs, raises it again. Compiled code or a child process may run
on: a thread, which the signal wakes even then, ends the process after a short grace.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

STATUS = 130
"""Exit status of an interrupted command, as of a shell's: 128 + SIGINT."""

KEPT = {"build": "stages", "search": "trials", "experiment": "trials"}
"""What a command keeps of its finished work when it is interrupted; the others write nothing before they end."""

GRACE = 1.0
"""Seconds that an interrupted command has to clean up before its process ends."""

_interrupted = threading.Event()
_ending = threading.Lock()


def handle_interrupts() -> None:
    """Handle SIGINT, SIGTERM and SIGHUP from now on, until the process ends; under `nohup`, SIGHUP stays ignored."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), daemon=True).start()
    sys.unraisablehook = _report_unraisable
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def check_interrupt() -> None:
    """Raise KeyboardInterrupt if the command has been interrupted, even if some library swallowed the exception."""
    if _interrupted.is_set():
        raise KeyboardInterrupt


def end_interrupted() -> NoReturn:
    """Print the one line, and end the process and its children without waiting for any of its threads."""
    if _ending.acquire(blocking=False):
        with contextlib.suppress(OSError):
            print(f"netgen: {_interrupted_line(sys.argv[1:])}", file=sys.stderr, flush=True)
    for child in _children():
        with contextlib.suppress(OSError):  # a child that leads a group takes its own children along
            (os.killpg if os.getpgid(child) == child else os.kill)(child, signal.SIGKILL)
    os._exit(STATUS)


def _interrupted_line(words: Sequence[str]) -> str:
    """What an interrupted command prints, by the words of its command line."""
    kept = KEPT.get(next((word for word in words if not word.startswith("-")), ""))
    return f"interrupted; finished {kept} are kept: run the same command again to continue" if kept else "interrupted"


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
    """Raise in the main thread, once: further signals must not break into what cleans up."""
    if _interrupted.is_set():
        return
    _interrupted.set()
    raise KeyboardInterrupt


def _report_unraisable(found: "sys.UnraisableHookArgs") -> None:
    """Print no traceback where an interrupt meets code that cannot raise, such as `__del__` or a weak reference's."""
    if not isinstance(found.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(found)


def _watch(reader: int) -> None:
    """Wait for a signal, give the command time to end by itself, then end the process."""
    os.read(reader, 1)
    time.sleep(GRACE)
    end_interrupted()


def _children() -> list[int]:
    """The process ids of the children of this process, where the system lists them (Linux)."""
    found: list[int] = []
    for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, path.read_text(encoding="ascii").split())
    return found
