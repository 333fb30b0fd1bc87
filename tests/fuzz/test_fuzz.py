"""Damaged input of every kind ends in one line of a NetgenError, at once and in little memory.

2,000 mutants of each kind; `make fuzz` runs 20,000. A mutant depends on its kind and number only, so that a failure can
be repeated by the command in its message.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from worker import ACCEPTED, FAULT, KINDS, REFUSED

MUTANTS = int(os.environ.get("NETGEN_FUZZ_MUTANTS", "2000"))

STUCK = 60.0
"""Seconds without a word and without work after which a worker is taken to wait for something, such as a pipe that
nobody writes to. All else ends by CPU time, which does not depend on how busy the machine is."""

MOST_FAULTS = 10
"""Faults after which a kind is not tried any further."""

SHARES = {"spec": 0.5, "data": 0.5, "weights": 0.5, "graph": 0.5, "build": 0.3, "command": 0.5}
"""The least share of the mutants that is refused: fewer, and the mutations are too tame to show anything."""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder for one finished build that all mutants share, and for their own; in memory where that can be.

    A disk may take 4 ms to remove a folder, and most mutants remove several.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a folder with a random name is made in it
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_are_accepted_and_mutants_end_as_promised(kind: str, home: Path) -> None:
    found: Counter[str] = Counter()
    faults: list[str] = []
    first = 0
    while first < MUTANTS and len(faults) < MOST_FAULTS:
        at = first
        for at, outcome, text in _outcomes(kind, home, first):
            found[outcome] += 1
            if outcome == FAULT:
                faults.append(text if at < 0 else f"{_repeat(kind, at)}: {text}")
            if len(faults) >= MOST_FAULTS:
                break
        first = at + 1
    assert not faults, "\n".join(faults)
    assert found[ACCEPTED] + found[REFUSED] == MUTANTS
    assert found[REFUSED] >= SHARES[kind] * MUTANTS, found
    assert found[ACCEPTED] >= MUTANTS // 50, found


def _repeat(kind: str, number: int) -> str:
    return f"python -W error tests/fuzz/worker.py {kind} {number}"


def _outcomes(kind: str, home: Path, first: int) -> Iterator[tuple[int, str, str]]:
    """What a new worker says of its mutants; when it dies or gets stuck, the last of them is at fault."""
    command = [sys.executable, "-W", "error", str(Path(__file__).parent / "worker.py"), kind, str(home)]
    with subprocess.Popen([*command, str(first), str(MUTANTS)], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_pass_on, args=(worker.stdout, lines), daemon=True).start()
        number, outcome = first, "begun"
        try:
            while line := _next(lines, worker.pid):
                number, outcome, text = json.loads(line)
                if outcome != "begun":
                    yield number, outcome, text
            if outcome == "begun":
                yield number, FAULT, _end_of(worker)
        finally:
            with contextlib.suppress(OSError):
                worker.kill()


def _end_of(worker: "subprocess.Popen[str]") -> str:
    """How a worker ended in the middle of a mutant."""
    try:
        return f"the process ended with status {worker.wait(timeout=5)}"
    except subprocess.TimeoutExpired:
        return "the process got stuck"


def _next(lines: "queue.Queue[str]", worker: int) -> str:
    """The next line of a worker; none when it has ended or is stuck."""
    used = -1
    while True:
        try:
            return lines.get(timeout=STUCK)
        except queue.Empty:
            before, used = used, _ticks(worker)
            if used <= before + 1:
                return ""


def _ticks(process: int) -> int:
    """CPU time that a process has used, in ticks of the system's clock, mostly 10 ms."""
    with contextlib.suppress(OSError):
        user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
        return int(user) + int(system)
    return 0


def _pass_on(source: IO[str], lines: "queue.Queue[str]") -> None:
    """Put each line into a queue, then an empty one."""
    for line in source:
        lines.put(line)
    lines.put("")
