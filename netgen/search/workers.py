"""What a search asks of whoever runs its trials."""

from collections.abc import Iterable
from typing import Protocol

from netgen.search.trial import Job, Outcome


class Workers(Protocol):
    """Runs trials, up to `size` at once, in any order."""

    size: int

    def start(self, job: Job) -> None:
        """Begin a trial; there are fewer than `size` under way."""

    def wait(self, seconds: float) -> Iterable[tuple[int, Outcome | None]]:
        """The numbers and outcomes of trials that have ended, after at most some seconds of waiting for one.

        None instead of an outcome: the worker died, and nothing is known but that the trial can be started again.
        """

    def close(self) -> None:
        """End all workers, and drop what they are doing."""
