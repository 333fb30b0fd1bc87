"""The trials of a search in Optuna's database, which several machines may share: one study per search.

A search claims a trial by creating it: the database gives out numbers one by one, and the trial is marked with its
owner. The values that belong to a number are not stored first but computed (see `sampling.py`), so a search that is
killed at any moment can continue from the database.
"""

import contextlib
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from netgen.errors import BuildError, SearchError
from netgen.search.sampling import DIRECTIONS
from netgen.search.trial import Outcome
from netgen.tools import whole_file

OWNER, BEAT = "owner", "beat"
"""Attributes of a running trial: the search that runs it, and a heartbeat that changes while that search lives."""

BEAT_EVERY = 20.0
"""Seconds between two heartbeats."""

SILENCE = 120.0
"""Seconds without a heartbeat after which another search takes over a trial."""


@contextlib.contextmanager
def as_search_error(url: str, *more: type[Exception]) -> Iterator[None]:
    """Turn errors of a database, and `more` kinds that mean the same here, into a SearchError of one line."""
    refused: tuple[type[Exception], ...] = (SQLAlchemyError, StorageInternalError, *more)
    try:
        yield
    except refused as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        if "disk is full" in reason:  # in SQLite's words
            place = url.removeprefix("sqlite:///")
            raise SearchError(f"{place}: the disk is full; free some space or choose another --out") from error
        raise SearchError(f"--storage: {reason}; give a database that answers, as sqlite:///search.db") from error


class Ledger:
    """The trials of one study.

    Args:
        url: of any database that Optuna supports; the folder of a database file must exist.
        study: name of the study, which identifies everything that determines the trials.
        owner: identifies this search; the same when it continues after it was killed.
    Raises: SearchError, when the database cannot be opened.
    """

    def __init__(self, url: str, study: str, owner: str) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.owner = owner
        with as_search_error(url, ImportError):  # the database's driver
            self._storage = _open(url)
            self._trials = optuna.create_study(
                storage=self._storage, study_name=study, directions=DIRECTIONS, load_if_exists=True
            )
            self._study = self._storage.get_study_id_from_name(study)
        self._seen: dict[int, tuple[object, float]] = {}
        self._beaten = 0.0

    def trials(self) -> list[FrozenTrial]:
        """All trials, in the order of their numbers."""
        return self._trials.get_trials(deepcopy=False)

    def claim(self) -> int:
        """Create the next trial for this search to run; returns its number."""
        trial = self._storage.create_new_trial(
            self._study, create_trial(state=TrialState.RUNNING, user_attrs={OWNER: self.owner, BEAT: 0})
        )
        number: int = self._storage.get_trial_number_from_id(trial)
        return number

    def is_mine(self, trial: FrozenTrial) -> bool:
        """Whether this search owns a running trial; it takes over a trial without a heartbeat for `SILENCE` seconds."""
        attributes = trial.user_attrs
        if attributes.get(OWNER) == self.owner:
            return True
        sign, now = (attributes.get(OWNER), attributes.get(BEAT)), time.monotonic()
        before, since = self._seen.setdefault(trial.number, (sign, now))
        if before != sign:
            self._seen[trial.number] = (sign, now)
        elif now - since > SILENCE:
            self._storage.set_trial_user_attr(trial._trial_id, OWNER, self.owner)
            return True
        return False

    def beat(self, numbers: Iterable[int]) -> None:
        """Write a heartbeat for running trials, if the last one is `BEAT_EVERY` seconds old."""
        if time.monotonic() - self._beaten < BEAT_EVERY:
            return
        self._beaten = time.monotonic()
        for number in numbers:
            self._storage.set_trial_user_attr(self._id_of(number), BEAT, uuid.uuid4().hex)

    def begin(self, number: int, params: Mapping[str, Any], space: Mapping[str, BaseDistribution]) -> None:
        """Record the parameters of a trial."""
        for key, distribution in space.items():
            self._storage.set_trial_param(
                self._id_of(number), key, distribution.to_internal_repr(params[key]), distribution
            )

    def end(self, number: int, outcome: Outcome) -> None:
        """Record the outcome of a trial, unless another search that ran it too was faster."""
        trial = self._id_of(number)
        try:
            if outcome.error is not None:
                self._storage.set_trial_user_attr(trial, "error", outcome.error)
                self._storage.set_trial_state_values(trial, TrialState.FAIL)
            elif outcome.wire_length is None:
                self._storage.set_trial_user_attr(trial, "stage", outcome.stage)
                self._storage.set_trial_user_attr(trial, "accuracy", outcome.accuracy)
                self._storage.set_trial_state_values(trial, TrialState.PRUNED)
            else:
                values = (float(outcome.wire_length), outcome.accuracy)
                self._storage.set_trial_state_values(trial, TrialState.COMPLETE, values)
        except UpdateFinishedTrialError:
            pass

    def _id_of(self, number: int) -> int:
        trial: int = self._storage.get_trial_id_from_study_id_trial_number(self._study, number)
        return trial


def _open(url: str) -> RDBStorage:
    """Open a database; if another search is creating the tables at the same moment, wait for them."""
    patience = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    template = url.replace("{", "{{").replace("}", "}}")  # Optuna fills in fields that braces name
    for _ in range(10):
        try:
            return RDBStorage(template, engine_kwargs=patience)
        except SQLAlchemyError as error:
            if not isinstance(error, IntegrityError) and "exists" not in str(error):
                raise
            time.sleep(1.0)
    return RDBStorage(template, engine_kwargs=patience)


def owner_of(folder: Path) -> str:
    """The identifier of the search in a folder; created once, and kept there."""
    path = folder / "owner"
    if not path.is_file():
        with whole_file(path, BuildError, fix="choose another --out") as beside:
            beside.write_text(uuid.uuid4().hex, encoding="utf-8")
    return path.read_text(encoding="utf-8")
