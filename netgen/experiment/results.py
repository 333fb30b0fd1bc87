"""Results of trials on disk: one file per trial, named by what the result depends on, so that no trial runs twice."""

import json
from pathlib import Path

from netgen.errors import BuildError, refused
from netgen.experiment.trial import Point, Trial, from_json, known_by, to_json
from netgen.flow.store import digest_of
from netgen.text import read_text
from netgen.tools import whole_file

__all__ = ["Results"]


class Results:
    """A folder of results. Trials that a killed experiment has not finished are not in it.

    Raises: BuildError, when it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BuildError(refused(error, folder, "choose another --out")) from error

    def path_of(self, trial: Trial) -> Path:
        """The file of a trial's result, which need not exist yet."""
        return self.folder / f"{trial.data}-{'-'.join(trial.what)}-{digest_of(trial.key.encode())[:12]}.jsonl"

    def trunk_of(self, trial: Trial) -> Path:
        """The file of the network that a trial begins with, which need not exist yet."""
        text = json.dumps(known_by(trial.trunk), sort_keys=True)
        return self.folder / f"{trial.data}-trunk-{digest_of(text.encode())[:12]}.npz"

    def find(self, trial: Trial) -> list[Point] | None:
        """Read the result of a trial; None when it has not run, or when its file is damaged."""
        try:
            return from_json(read_text(self.path_of(trial), BuildError))
        except (BuildError, ValueError, TypeError, RecursionError):
            return None

    def keep(self, trial: Trial, points: list[Point]) -> None:
        """Write the result of a trial, whole or not at all.

        Raises: BuildError, when it cannot be written.
        """
        write(self.path_of(trial), to_json(points))


def write(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises: BuildError, when it cannot be written.
    """
    with whole_file(path, BuildError, fix="choose another --out") as beside:
        beside.write_text(text, encoding="utf-8")
