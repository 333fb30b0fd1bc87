"""Run a search from its spec to its front, generation by generation."""

import os
import time
from collections import Counter
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netgen.data import load_dataset
from netgen.errors import SearchError, SpecError
from netgen.flow.learning import device_here
from netgen.flow.store import Store, digest_of
from netgen.learn.warnings import guess_of
from netgen.progress import Progress, silent
from netgen.report import Front
from netgen.search.objective import fingerprint
from netgen.search.trial import Job, Outcome, trial_spec
from netgen.search.workers import Workers
from netgen.spec.spec import Spec, load_spec

if TYPE_CHECKING:
    from netgen.search.ledger import Ledger

DEATHS = 3
"""Number of workers that may die of one trial before it counts as failed."""

EXTRAS = {"optuna": "search", "ray": "ray"}
"""The extra of netgen that installs each library."""

POLL = 2.0
"""Seconds between two reads of the database, for the progress of other machines."""


def search(
    spec: Spec | Path | str,
    *,
    out: Path | str = "hdl_out",
    base: Path | None = None,
    jobs: int | None = None,
    storage: str | None = None,
    ray_address: str | None = None,
    progress: Progress = silent,
) -> Front:
    """Search a spec's ranges for networks with short wires and high validation accuracy, into `out/NAME`.

    A search that was killed continues; a repeated search finds the same. `search.trials` may be raised in between.

    Args:
        spec: a spec with a search, or the path of one.
        base: folder from which the spec's paths are seen first; by default the folder of the spec's file.
        jobs: trials at once; one per core when None. Results do not depend on it.
        storage: URL of a database that several machines share; a file in the folder when None.
        ray_address: `local`, `auto` or HOST:PORT, to run the trials on Ray; processes of this machine when None.
    Raises: NetgenError, when no trial can be run; SearchError, when no trial was placed.
    """
    if not isinstance(spec, Spec):
        path = Path(spec)
        try:
            return search(
                load_spec(path),
                out=out,
                base=base or path.parent,
                jobs=jobs,
                storage=storage,
                ray_address=ray_address,
                progress=progress,
            )
        except SpecError as error:
            raise SpecError(str(error) if str(error).startswith(f"{path}: ") else f"{path}: {error}") from error
    if not spec.name:
        raise SpecError("name: the spec has none; give it one")
    if not spec.search.ranges:
        raise SpecError(
            "search.ranges: empty; name the keys to search, as train.learning_rate: {low: 0.001, high: 0.1}"
        )
    _require("optuna")
    if ray_address is not None:
        _require("ray")
    from netgen.search.front import write_front
    from netgen.search.ledger import Ledger, as_search_error, owner_of

    spec = _with_device(spec, on_ray=ray_address is not None)
    folder, base = Path(out).absolute() / spec.name, (base or Path()).absolute()
    study = f"{spec.name}-{_identity(spec, base)[:16]}"
    database = storage or f"sqlite:///{folder / 'search.db'}"
    with Store.open(folder), as_search_error(database):
        ledger = Ledger(database, study, owner_of(folder))
        run = _Search(spec, folder, base, ledger, progress)
        if not run.finished():
            workers = _workers(ray_address, jobs or os.cpu_count() or 1)
            try:
                for generation in range(-(-spec.search.trials // spec.search.generation)):
                    run.generation(generation, workers)
            finally:
                workers.close()
        guess = guess_of(load_dataset(spec.data, seed=spec.seed, base=base))
        return write_front(spec, ledger.trials()[: spec.search.trials], folder, base, guess=guess)


class _Search:
    """A running search."""

    def __init__(self, spec: Spec, folder: Path, base: Path, ledger: "Ledger", progress: Progress) -> None:
        self.spec, self.folder, self.base, self.ledger, self.progress = spec, folder, base, ledger, progress
        self.trials = spec.search.trials
        self.deaths: Counter[int] = Counter()

    def finished(self, first: int = 0, last: int | None = None) -> bool:
        """Whether all trials with numbers from `first` up to, but not including, `last` have ended."""
        last = self.trials if last is None else last
        found = self.ledger.trials()[first:last]
        return len(found) == last - first and all(trial.state.is_finished() for trial in found)

    def generation(self, number: int, workers: Workers) -> None:
        """Run the unfinished trials of a generation, and wait for those that other machines run."""
        from netgen.search.sampling import ask

        first = number * self.spec.search.generation
        last = min(first + self.spec.search.generation, self.trials)
        if self.finished(first, last):
            return
        asked = ask(self.spec, self.ledger.trials()[:first], generation=number)
        running: set[int] = set()
        while not self.finished(first, last):
            while len(running) < workers.size:
                trial = self._next(first, last, running)
                if trial is None:
                    break
                if self._start(trial, asked[trial - first], workers):
                    running.add(trial)
            self.ledger.beat(running)
            if not running:
                time.sleep(POLL)  # other machines run the rest
                continue
            for trial, outcome in workers.wait(POLL):
                running.discard(trial)
                self._end(trial, outcome)

    def _next(self, first: int, last: int, running: set[int]) -> int | None:
        """A trial for this search to run: one that it claimed before it was killed, or else a new one."""
        trials = self.ledger.trials()
        for trial in trials[first:last]:
            if not trial.state.is_finished() and trial.number not in running and self.ledger.is_mine(trial):
                return trial.number
        if len(trials) >= last:
            return None
        number = self.ledger.claim()
        return (
            number if number < last else None
        )  # another machine was faster; this number belongs to the next generation

    def _start(self, number: int, params: dict[str, Any], workers: Workers) -> bool:
        """Start a trial on a worker, unless its values contradict each other."""
        from netgen.search.sampling import space_of, values_of

        self.ledger.begin(number, params, space_of(self.spec))
        try:
            spec = trial_spec(self.spec, values_of(params, self.spec), number)
        except SpecError as error:
            self._end(number, Outcome(error=str(error)))
            return False
        folder = self.folder / "trials" / f"{number:04}"
        workers.start(Job(number, spec.to_yaml(), str(folder), str(self.base), self.spec.search.accuracy or 0.0))
        return True

    def _end(self, number: int, outcome: Outcome | None) -> None:
        if outcome is None:
            self.deaths[number] += 1
            if self.deaths[number] < DEATHS:
                self._report(f"trial {number}: its worker died; it runs again")
                return
            outcome = Outcome(error=f"{DEATHS} workers died of it; their last output says why")
        if outcome.fatal:
            raise SearchError(f"trial {number}: {outcome.error}")
        self.ledger.end(number, outcome)
        if outcome.error is not None:
            self._report(f"trial {number} failed: {outcome.error}")
        elif outcome.wire_length is None:
            self._report(
                f"trial {number} ended after {outcome.stage}: accuracy {outcome.accuracy:.2%} is below the floor"
            )
        else:
            self._report(f"trial {number}: wire length {outcome.wire_length:,} at {outcome.accuracy:.2%}")

    def _report(self, what: str) -> None:
        done = sum(trial.state.is_finished() for trial in self.ledger.trials()[: self.trials])
        self.progress(f"search: {done} of {self.trials}; {what}", done / self.trials)


def _with_device(spec: Spec, *, on_ray: bool) -> Spec:
    """The spec with the device that `train.device: auto` means, so that all trials of a study train on the same one.

    Ray gives a trial one core and no GPU.
    """
    wanted = spec.train.device
    device = "cpu" if on_ray and wanted == "auto" else device_here(wanted)
    return spec.model_copy(update={"train": spec.train.model_copy(update={"device": device})})


def _identity(spec: Spec, base: Path) -> str:
    """A digest of everything that determines the trials and their results; the number of trials does not."""
    from netgen.search import sampling

    return digest_of(
        fingerprint(spec, base).encode(),
        spec.search.model_copy(update={"trials": 1}).model_dump_json().encode(),
        Path(sampling.__file__).read_bytes(),
        version("optuna").encode(),
    )


def _workers(ray_address: str | None, size: int) -> Workers:
    if ray_address is None:
        from netgen.search.processes import LocalWorkers

        return LocalWorkers(size)
    from netgen.search.cluster import Cluster

    return Cluster(ray_address, size)


def _require(library: str) -> None:
    if find_spec(library) is None:
        raise SearchError(f"{library} is not installed; pip install 'netgen[{EXTRAS[library]}]'")
