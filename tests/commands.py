"""netgen's command line, and Python code, in a process of its own, forked from one that has loaded its libraries.

A new Python that imports torch and scikit-learn takes 4 s of processor time, a fork 0.1 s. Tests of how Python itself
starts and ends, of closed streams for example, start a new one.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

TINY = """
network: {hidden: [6]}
train: {epochs: 1}
prune: {rounds: 1, retrain: 0}
quantize: {epochs: 0}
place: {moves: 100, certificate: false}
check: {simulator: amaranth, samples: 2}
"""
"""A spec of digits that is built in seconds."""

_LOADED = """
matplotlib.pyplot netgen.cli.build netgen.cli.commands netgen.cli.energy netgen.cli.fpga netgen.cli.place
netgen.cli.search netgen.cli.spec netgen.cli.toggles netgen.flow.build netgen.importer.module netgen.nn
netgen.place.bounds netgen.place.exact netgen.report netgen.search.run netgen.simulate netgen.train optuna
sklearn.datasets sklearn.model_selection torch._dynamo torch.export
"""
"""What a build imports; torch._dynamo is what torch imports for its first optimizer."""
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(_LOADED.split())


Done = subprocess.CompletedProcess[str]


class Started:
    """Something that runs in a process of its own.

    Args:
        variables: of its environment, beside those of this process but NETGEN_DATA.
    """

    def __init__(self, what: Callable[..., None], *words: str, cwd: Path, **variables: str) -> None:
        environment = {key: value for key, value in os.environ.items() if key != "NETGEN_DATA"} | variables
        self.words, self.scratch = words, TemporaryDirectory()
        self.streams = Path(self.scratch.name, "out"), Path(self.scratch.name, "error")
        self.process = _FORKS.Process(target=_be, args=(what, words, cwd, environment, *self.streams))
        self.process.start()

    def send_signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def ended(self) -> bool:
        """Whether the process has ended."""
        return not self.process.is_alive()

    def wait(self) -> Done:
        """Wait for its end."""
        self.process.join()
        status = self.process.exitcode
        self.process.close()
        assert status is not None
        with self.scratch:
            out, error = (stream.read_text("utf-8") if stream.exists() else "" for stream in self.streams)
        return Done(self.words, status, out, error)


def start_netgen(*words: str, cwd: Path) -> Started:
    """Start a command line in a folder."""
    return Started(_netgen, *words, cwd=cwd)


def run_netgen(*words: str, cwd: Path, **variables: str) -> Done:
    """Run a command line in a folder, and wait for its end.

    Args:
        variables: of its environment, beside those of this process but NETGEN_DATA.
    """
    return Started(_netgen, *words, cwd=cwd, **variables).wait()


def run_python(code: str, *, cwd: Path) -> Done:
    """Run Python code in a folder, as `python -c`, and wait for its end."""
    return Started(_python, code, cwd=cwd).wait()


def run_script(path: Path, *words: str, cwd: Path) -> Done:
    """Run a Python script in a folder, and wait for its end."""
    return Started(_script, str(path), *words, cwd=cwd).wait()


def _be(
    what: Callable[..., None],
    words: tuple[str, ...],
    cwd: Path,
    environment: Mapping[str, str],
    out: Path,
    error: Path,
) -> None:
    """Run something with other streams, folder and environment."""
    for number, path in ((1, out), (2, error)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    what(*words)


def _netgen(*words: str) -> None:
    from netgen.cli.app import main

    sys.argv = ["netgen", *words]
    main()


def _python(code: str) -> None:
    sys.argv = ["-c"]
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - the tests' own code


def _script(path: str, *words: str) -> None:
    sys.argv = [path, *words]
    sys.path.insert(0, str(Path(path).parent))
    runpy.run_path(path, run_name="__main__")
