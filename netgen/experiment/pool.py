"""Trials in parallel processes, one thread each; results do not depend on how many."""

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

from netgen.experiment.ledger import Ledger
from netgen.experiment.trial import Trial, make_trunk, run_trial
from netgen.progress import Progress


def run_all(trials: Sequence[Trial], ledger: Ledger, base: Path, *, jobs: int, progress: Progress) -> None:
    """Run what the ledger does not have yet, first the networks that trials begin with."""
    todo = [trial for trial in trials if ledger.find(trial) is None]
    trunks = {ledger.trunk_of(trial): trial for trial in todo if trial.begins and not ledger.trunk_of(trial).is_file()}
    steps = len(trunks) + len(todo)
    progress(f"{len(todo)} of {len(trials)} trials to run, {len(trunks)} networks to begin with", 0.0)
    if not todo:
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        done = _drain(
            {pool.submit(_trunk, trial, path, base): path.name for path, trial in trunks.items()}, 0, steps, progress
        )
        _drain({pool.submit(_trial, trial, ledger, base): _name(trial) for trial in todo}, done, steps, progress)


def _drain(running: dict[Future[None], str], done: int, steps: int, progress: Progress) -> int:
    """Wait for all; returns how many steps are done then."""
    pending = set(running)
    try:
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                done += 1
                progress(f"{running[future]}: {done} of {steps}", done / steps)
    except BaseException:
        for future in pending:
            future.cancel()
        raise
    return done


def _name(trial: Trial) -> str:
    return " ".join([trial.data, *trial.what, f"seed {trial.spec.seed}"])


def _trunk(trial: Trial, path: Path, base: Path) -> None:
    beside = path.with_suffix(".new")
    make_trunk(trial.trunk, base, beside)
    beside.replace(path)


def _trial(trial: Trial, ledger: Ledger, base: Path) -> None:
    ledger.keep(trial, run_trial(trial, ledger.trunk_of(trial), base))
