"""The interface between a search and the workers that run its trials."""

from collections.abc import Iterable
from typing import Protocol

from netgen.search.trial import Job, Outcome


class Workers(Protocol):
    """Runs trials, up to `size` at once, in any order."""

    size: int

    def start(self, job: Job) -> None:
        """Start a trial; fewer than `size` are running."""

    def wait(self, seconds: float) -> Iterable[tuple[int, Outcome | None]]:
        """Wait up to some seconds for a trial to end; returns the numbers and outcomes of all that have ended.

        An outcome of None means that the worker died; the trial can be started again.
        """

    def close(self) -> None:
        """End all workers, and drop the running trials."""
