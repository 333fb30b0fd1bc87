"""One trial, wherever it runs: a job in, an outcome out, both as plain text. Only this part of a search trains."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from netgen.errors import BuildError, DataError, NetgenError
from netgen.search.objective import evaluate
from netgen.spec.spec import Spec, parse_spec, parse_tree

LOCK_WAIT = 60.0
"""Seconds to wait for a worker whose search was killed to leave the trial's folder."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""Environment of a worker: one thread per trial, so that trials do not compete for cores and sums keep their order."""


@dataclass(frozen=True)
class Job:
    """A trial to run.

    Attributes:
        spec: complete YAML, without a search.
        folder: absolute path of the folder that keeps the trial's stages.
        base: absolute path of the folder from which the spec's paths are seen.
        floor: validation accuracy, 0 to 1, below which the trial ends early.
    """

    number: int
    spec: str
    folder: str
    base: str
    floor: float

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Outcome:
    """The end of a trial: an `objective.Result`, or the one line of an error.

    Attributes:
        fatal: whether the machine caused the error, not the values of the trial.
    """

    stage: str = ""
    accuracy: float = 0.0
    wire_length: int | None = None
    error: str | None = None
    fatal: bool = False

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Outcome":
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def trial_spec(spec: Spec, values: Mapping[str, Any], number: int) -> Spec:
    """The complete spec of a trial: the searched spec, with values in the place of its ranges.

    Raises: SpecError, when the values contradict each other.
    """
    made = parse_tree(spec.with_values(values))
    return made.model_copy(update={"name": f"{spec.name}-{number:04}"})


def run(job: Job) -> Outcome:
    """Run a trial; stages that an earlier, killed run has finished are kept."""
    try:
        point = evaluate(parse_spec(job.spec), Path(job.folder), base=Path(job.base), floor=job.floor, wait=LOCK_WAIT)
    except NetgenError as error:
        return Outcome(error=str(error), fatal=isinstance(error, BuildError | DataError))
    return Outcome(point.stage, point.accuracy, point.wire_length)


def run_text(text: str) -> str:
    """Run a job given as text; returns its outcome as text."""
    return run(Job(**json.loads(text))).to_json()
