"""One trial, wherever it runs: a job in, an outcome out, both plain text; the only part of a search that trains."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from netgen.errors import BuildError, DataError, NetgenError
from netgen.search.objective import evaluate
from netgen.spec.spec import Spec, parse_spec, parse_tree

LOCK_WAIT = 60.0
"""Seconds until a worker that lost its search has noticed, and left the trial's folder."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""Environment of a worker: trials share the cores, not the work of one, and sums keep their order."""


@dataclass(frozen=True)
class Job:
    """A trial to run.

    Attributes:
        spec: YAML, complete, without a search.
        folder: where its stages are kept; base: where its paths are seen from; both absolute.
        floor: validation accuracy below which it is given up.
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
    """What became of a trial: a `weigh.Point`, or an error's one line.

    Attributes:
        fatal: whether the error is one of the machine and not of the trial, so that it says nothing of its values.
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
    """The complete spec of a trial: the searched one's, with values in the place of the search.

    Raises: SpecError, when the values exclude each other.
    """
    made = parse_tree(spec.with_values(values))
    return made.model_copy(update={"name": f"{spec.name}-{number:04}"})


def run(job: Job) -> Outcome:
    """Run a trial; what an earlier, killed run of it has finished is kept."""
    try:
        point = evaluate(parse_spec(job.spec), Path(job.folder), base=Path(job.base), floor=job.floor, wait=LOCK_WAIT)
    except NetgenError as error:
        return Outcome(error=str(error), fatal=isinstance(error, BuildError | DataError))
    return Outcome(point.stage, point.accuracy, point.wire_length)


def run_text(text: str) -> str:
    """`run` on the text of a job, giving the text of its outcome."""
    return run(Job(**json.loads(text))).to_json()
