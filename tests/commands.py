"""netgen's command line in a process of its own, forked from one that has loaded its libraries.

A new Python that imports torch and scikit-learn takes 4 s of processor time, a fork 0.1 s. Tests of how Python itself
starts and ends, of closed streams for example, start a new one.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
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
matplotlib.pyplot netgen.cli.build netgen.cli.commands netgen.cli.fpga netgen.cli.place netgen.cli.search
netgen.cli.spec netgen.flow.build netgen.nn netgen.place.bounds netgen.place.exact netgen.report netgen.simulate
netgen.train sklearn.datasets sklearn.model_selection torch._dynamo
"""
"""What a build imports; torch._dynamo is what torch imports for its first optimizer."""
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(_LOADED.split())


def run_netgen(*words: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command line in a folder, and wait for its end.

    Args:
        variables: of its environment, beside those of this process but NETGEN_DATA.
    """
    environment = {key: value for key, value in os.environ.items() if key != "NETGEN_DATA"} | variables
    with TemporaryDirectory() as scratch:
        out, error = Path(scratch, "out"), Path(scratch, "error")
        process = _FORKS.Process(target=_run, args=(words, cwd, environment, out, error))
        process.start()
        process.join()
        status = process.exitcode
        process.close()
        assert status is not None
        return subprocess.CompletedProcess(words, status, out.read_text("utf-8"), error.read_text("utf-8"))


def _run(words: tuple[str, ...], cwd: Path, environment: Mapping[str, str], out: Path, error: Path) -> None:
    """Be `netgen WORDS` with other streams, folder and environment."""
    from netgen.cli.app import main

    for number, path in ((1, out), (2, error)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["netgen", *words]
    main()
