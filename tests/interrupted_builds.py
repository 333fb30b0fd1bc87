"""Builds that are killed or interrupted at random moments, and then run to the end; `test_interrupts.py` starts this.

A moment is the n-th file operation or progress call of a build, or a time. All builds are forks of one process that has
built once, so that libraries are loaded and compiled once.
"""

import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from netgen.cli import app, terminal

TABLE = "a,b,c,kind\n" + "".join(f"{k % 7},{k % 5},{k * k % 11},{int(k % 7 > 3)}\n" for k in range(60))
SPEC = """
data: {source: csv, path: tiny.csv}
network: {hidden: [4]}
train: {epochs: 30, learning_rate: 0.02}
prune: {sparsity: 0.2, rounds: 1, retrain: 1}
quantize: {epochs: 1}
place: {moves: 2000}
check: {simulator: amaranth, samples: 2}
"""
CHAINS, MOMENTS = 10, 5
"""Builds that are run to the end, and how often each is stopped before."""

EVENTS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir"}


class Clock:
    """Counts the moments of a build, and stops it at one of them."""

    def __init__(self) -> None:
        self.folder, self.count, self.last, self.after, self.signal = "", 0, 0, 0.0, signal.SIGKILL

    def __call__(self) -> None:
        if not self.count:
            signal.setitimer(signal.ITIMER_REAL, self.after)
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), self.signal)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder and event in EVENTS and self.folder in str(arguments[0]):
            self()


clock = Clock()
sys.addaudithook(clock.audit)


class Lines(terminal._Lines):
    """Progress lines that count as moments."""

    def __call__(self, what: str, fraction: float) -> None:
        clock()
        super().__call__(what, fraction)


terminal._Lines = Lines  # type: ignore[misc]


def build(folder: Path, last: int, number: signal.Signals, after: float) -> tuple[int, str]:
    """Build in a process of its own and stop it: exit status, or minus a signal; and the last line on stderr.

    Args:
        last: the moment at which it is stopped by a signal; 0 for none.
        after: seconds after the first moment until it is stopped by a signal; 0 for never.
    """
    child = os.fork()
    if child == 0:
        os.dup2(os.open(folder.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if after:
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), number))
        clock.folder, clock.count, clock.last, clock.after, clock.signal = str(folder), 0, last, after, number
        sys.argv = ["netgen", "build", str(folder.parent / "tiny.yaml"), "--out", str(folder)]
        try:
            app.main()
        except SystemExit as end:
            os._exit(int(str(end.code)))
    _, status = os.waitpid(child, 0)
    lines = folder.with_suffix(".log").read_text().splitlines()
    return os.waitstatus_to_exitcode(status), lines[-1] if lines else ""


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a build but the simulator's cache and the lock."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if ".lock" not in name and "simulator" not in name}


def main(root: Path) -> None:
    """Print a line for each moment: how the build was stopped, and how it ended."""
    (root / "tiny.yaml").write_text(SPEC)
    (root / "tiny.csv").write_text(TABLE)
    os.environ["OMP_NUM_THREADS"] = "1"
    from netgen.flow.build import build as build_here

    def count(what: str, fraction: float) -> None:  # noqa: ARG001 - the signature of a progress callback
        clock()

    clock.folder = str(root / "whole")
    build_here(root / "tiny.yaml", out=root / "whole", progress=count)
    moments, clock.folder = clock.count, ""
    whole = contents(root / "whole")
    print("moments", moments)
    rng = random.Random(16)  # noqa: S311 - no secret
    for chain in range(CHAINS):
        folder = root / f"chain{chain}"
        for step in range(MOMENTS):
            number = rng.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
            timed = step == MOMENTS - 1
            last, after = rng.randrange(1, moments // 3), rng.uniform(0.01, 0.3) if timed else 0.0
            status, line = build(folder, 0 if timed else last, number, after)
            print("stopped", number.name, f"after {after:.3f} s" if timed else f"at {last}", status, line, sep="\t")
        status, line = build(folder, 0, signal.SIGKILL, 0.0)
        print("resumed", status, line, contents(folder) == whole, sep="\t", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
