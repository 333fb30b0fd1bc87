"""What trials have found, on disk: one file a trial, named by what its result depends on, so that none runs twice."""

import json
from pathlib import Path

from netgen.errors import BuildError
from netgen.experiment.trial import Point, Trial, from_json, known_by, to_json
from netgen.flow.store import digest_of


class Ledger:
    """A folder of results; what a killed experiment has not finished is not in it.

    Raises: BuildError, when it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BuildError(f"{folder}: {error.strerror}; choose another --out") from error

    def path_of(self, trial: Trial) -> Path:
        """Where a trial's result is, or will be."""
        return self.folder / f"{trial.data}-{'-'.join(trial.what)}-{digest_of(trial.key.encode())[:12]}.jsonl"

    def trunk_of(self, trial: Trial) -> Path:
        """Where the network that a trial begins with is, or will be."""
        text = json.dumps(known_by(trial.trunk), sort_keys=True)
        return self.folder / f"{trial.data}-trunk-{digest_of(text.encode())[:12]}.npz"

    def find(self, trial: Trial) -> list[Point] | None:
        """What a trial has found; None, when it has not run, or its file is damaged."""
        try:
            return from_json(self.path_of(trial).read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):
            return None

    def keep(self, trial: Trial, points: list[Point]) -> None:
        """Write what a trial has found, whole or not at all."""
        path = self.path_of(trial)
        beside = path.with_suffix(".new")
        beside.write_text(to_json(points), encoding="utf-8")
        beside.replace(path)
