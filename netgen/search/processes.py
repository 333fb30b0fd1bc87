"""Workers as processes of this machine; one that dies does not affect the others."""

import contextlib
import os
import selectors
import subprocess
import sys
from collections.abc import Iterable
from typing import IO

from netgen.search.trial import ONE_THREAD, Job, Outcome


class LocalWorkers:
    """A fixed number of worker processes; see `workers.Workers` for the methods."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._idle: list[subprocess.Popen[str]] = []
        self._busy: dict[int, subprocess.Popen[str]] = {}

    def start(self, job: Job) -> None:
        """Start a trial on an idle worker, or on a new one."""
        worker = self._idle.pop() if self._idle else _spawn()
        self._busy[job.number] = worker
        with contextlib.suppress(BrokenPipeError):  # it died while idle; `wait` finds its stdout closed
            print(job.to_json(), file=_pipe(worker.stdin), flush=True)

    def wait(self, seconds: float) -> Iterable[tuple[int, Outcome | None]]:
        """Wait for trials to end; the outcome of one whose worker died is None."""
        with selectors.DefaultSelector() as pipes:
            for number, worker in self._busy.items():
                pipes.register(_pipe(worker.stdout), selectors.EVENT_READ, number)
            ended = [key.data for key, _ in pipes.select(seconds)]
        for number in sorted(ended):
            worker = self._busy.pop(number)
            line = _pipe(worker.stdout).readline()
            if line.endswith("\n"):
                self._idle.append(worker)
                yield number, Outcome.from_json(line)
            else:
                _end(worker)
                yield number, None

    def close(self) -> None:
        """Kill all workers."""
        for worker in (*self._idle, *self._busy.values()):
            _end(worker)


def _spawn() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "netgen.search.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | ONE_THREAD,
        start_new_session=True,  # Ctrl-C reaches the search alone, which then ends its workers
    )


def _end(worker: "subprocess.Popen[str]") -> None:
    worker.kill()
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        with contextlib.suppress(BrokenPipeError):
            _pipe(pipe).close()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
