"""Run mutants one after another in one process with limits, and say of each what became of it.

Repeat one mutant, with its traceback: python -W error tests/fuzz/worker.py KIND NUMBER
"""

import gc
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
from kinds import Case, Data, Graphs, Kind, Specs
from nasty import Random

from netgen.errors import NetgenError

SEED = 16
SECONDS = 5.0
"""CPU time that one mutant may use."""
KINDS = ("spec", "data", "weights", "graph", "build", "command")

ACCEPTED, REFUSED, FAULT = "accepted", "refused", "fault"


class TooLong(BaseException):
    """A mutant has used its CPU time; passes through `except Exception`."""


def kind_of(name: str, home: Path) -> Kind:
    """Make the seeds of a kind; `home` is where files lie that all mutants share."""
    if name == "weights":
        from kinds_weights import Weights

        return Weights(home)
    if name == "build":
        from kinds_built import Builds

        return Builds(home)
    if name == "command":
        from kinds_commands import Commands

        return Commands(home)
    found: dict[str, Callable[[Path], Kind]] = {"spec": Specs, "data": Data, "graph": Graphs}
    return found[name](home)


def random_of(name: str, number: int) -> Random:
    """The random numbers of one mutant; they depend on nothing else."""
    return np.random.default_rng([SEED, KINDS.index(name), number])


def outcome_of(case: Case) -> tuple[str, str]:
    """Run one input: accepted, refused as promised, or a fault, with what it said."""
    from kinds_built import Enough, raise_if_odd

    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_VIRTUAL, 3 * SECONDS)  # kills a process that does not come back to Python
    try:
        try:
            case.run()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except Enough:
        return ACCEPTED, ""
    except NetgenError as error:
        try:
            if case.places:
                raise_if_odd(str(error), case.places)
        except AssertionError as odd:
            return FAULT, str(odd)
        if time.process_time() - began > SECONDS:
            return FAULT, f"refused after {time.process_time() - began:.1f} s: {error}"
        return REFUSED, str(error)
    except BaseException as error:  # whatever it is, it is a fault of netgen
        where = [f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
        return FAULT, f"{type(error).__name__}: {str(error)[:500]} (at {' '.join(where[-6:])})"
    return ACCEPTED, ""


def _too_long(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a handler
    raise TooLong(f"more than {SECONDS:.0f} s of CPU time")


def _limit_memory(more: int) -> None:
    """Let the process allocate no more than so many bytes beyond what it has now."""
    used = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
    most = int(used.split()[1]) * 1024 + more
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.RLIM_INFINITY))


def _run(kind: Kind, scratch: Path, seed: int, rng: Random | None) -> tuple[str, str]:
    """Write and run one input in a folder of its own."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    try:
        return outcome_of(kind.case(folder, seed, rng))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def mutants(name: str, home: Path, first: int, last: int, out: IO[str]) -> None:
    """Run the seeds, then the mutants with numbers from first to before last; a line of JSON for each."""
    home.mkdir(exist_ok=True)
    kind = kind_of(name, home)
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=home) as temporary:
        scratch = Path(temporary)
        for seed in range(kind.seeds):  # also imports and compiles what mutants need, before limits are set
            found, text = _run(kind, scratch, seed, None)
            if found != ACCEPTED:
                print(json.dumps([-1 - seed, FAULT, f"seed {seed} is {found}: {text}"]), file=out, flush=True)
        signal.signal(signal.SIGPROF, _too_long)
        gc.freeze()
        _limit_memory(kind.memory)
        for number in range(first, last):
            print(json.dumps([number, "begun", ""]), file=out, flush=True)
            rng = random_of(name, number)
            seed = int(rng.integers(kind.seeds))
            print(json.dumps([number, *_run(kind, scratch, seed, rng)]), file=out, flush=True)


def repeat(name: str, number: int) -> None:
    """Run one mutant, and show where it is written, what became of it, and the traceback of a fault."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    kind = kind_of(name, folder / "home")
    rng = random_of(name, number)
    (folder / "mutant").mkdir()
    case = kind.case(folder / "mutant", int(rng.integers(kind.seeds)), rng)
    print(f"{folder / 'mutant'}")
    case.run()
    print(ACCEPTED)


if __name__ == "__main__":
    if len(sys.argv) == 3:  # KIND NUMBER
        repeat(sys.argv[1], int(sys.argv[2]))
    else:
        lines = os.fdopen(os.dup(1), "w", closefd=False)  # what netgen prints must not get in between
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        mutants(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), lines)
