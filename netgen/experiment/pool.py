"""Run trials in parallel processes, each with one thread; results do not depend on the number of processes."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

from netgen.errors import BuildError
from netgen.experiment.results import Results
from netgen.experiment.trial import Trial, make_trunk, run_trial
from netgen.progress import Progress
from netgen.tools import whole_file

__all__ = ["run_all"]


def run_all(trials: Sequence[Trial], results: Results, base: Path, *, jobs: int, progress: Progress) -> None:
    """Run all trials that have no result yet, after the networks that they begin with.

    The processes end with this function, whatever ends it, and with the calling process, even if that is killed.

    Args:
        base: folder from which the paths of the trials' specs are seen.
        jobs: number of processes.
    Raises: NetgenError, when a trial cannot be run.
    """
    todo = [trial for trial in trials if results.find(trial) is None]
    trunks = {results.trunk_of(trial): trial for trial in todo if trial.begins}
    trunks = {path: trial for path, trial in trunks.items() if not path.is_file()}
    steps = len(trunks) + len(todo)
    progress(f"{len(todo)} of {len(trials)} trials to run, {len(trunks)} networks to begin with", 0.0)
    if not todo:
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_depend_on_parent) as pool:
        try:
            networks = {pool.submit(_trunk, trial, path, base): path.name for path, trial in trunks.items()}
            done = _wait(networks, 0, steps, progress)
            running = {pool.submit(_trial, trial, results, base): _name(trial) for trial in todo}
            _wait(running, done, steps, progress)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.kill()
            raise


def _depend_on_parent() -> None:
    """Leave interrupts to the parent process, which kills its workers, and end when it ends without doing so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _wait(running: dict[Future[None], str], done: int, steps: int, progress: Progress) -> int:
    """Wait for all, and report each; returns the number of finished steps."""
    pending = set(running)
    while pending:
        finished, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in finished:
            future.result()
            done += 1
            progress(f"{running[future]}: {done} of {steps}", done / steps)
    return done


def _name(trial: Trial) -> str:
    return " ".join([trial.data, *trial.what, f"seed {trial.spec.seed}"])


def _trunk(trial: Trial, path: Path, base: Path) -> None:
    with whole_file(path, BuildError, fix="choose another --out") as beside:
        make_trunk(trial.trunk, base, beside)


def _trial(trial: Trial, results: Results, base: Path) -> None:
    results.keep(trial, run_trial(trial, results.trunk_of(trial), base))
