"""The front of a search, the trials that no other beats: as data, as a picture, and as specs that build them again."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from netgen import report
from netgen.errors import BuildError, SearchError, refused
from netgen.flow.folder import placed_spec
from netgen.report import Front, FrontPoint
from netgen.search.sampling import values_of
from netgen.search.trial import trial_spec
from netgen.spec.spec import Spec


def front_of(spec: Spec, trials: Sequence[FrozenTrial], *, guess: float = 0.0) -> Front:
    """The front of finished trials; of two trials with equal results, the earlier one is on it.

    Args:
        guess: validation accuracy, 0 to 1, of always giving the most frequent class; a front below it has a warning.
    Raises: SearchError, when no trial was placed.
    """
    points = [
        FrontPoint(t.number, int(t.values[0]), t.values[1], values_of(t.params, spec))
        for t in trials
        if t.state == TrialState.COMPLETE
    ]
    points.sort(key=lambda point: (point.wire_length, -point.accuracy, point.trial))
    front: list[FrontPoint] = []
    for point in points:
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    pruned = sum(trial.state == TrialState.PRUNED for trial in trials)
    failures = tuple(f"trial {t.number}: {t.user_attrs['error']}" for t in trials if t.state == TrialState.FAIL)
    if not front:
        why = f"; {failures[0]}" if failures else "; lower search.accuracy"
        raise SearchError(f"none of {len(trials)} trials was placed: {pruned} ended early, {len(failures)} failed{why}")
    warnings = (_guessing(front[-1].accuracy, guess),) if front[-1].accuracy <= guess + 1e-9 else ()
    return Front(spec.name, len(trials), pruned, failures, tuple(points), tuple(front), warnings)


def _guessing(accuracy: float, guess: float) -> str:
    return (
        f"no point of the front is better than guessing: its highest validation accuracy is {accuracy:.1%}, and always "
        f"giving the most frequent class would reach {guess:.1%}; raise search.accuracy, and check train and the data"
    )


def write_front(spec: Spec, trials: Sequence[FrozenTrial], folder: Path, base: Path, *, guess: float) -> Front:
    """Write `front.json`, `front.csv`, `front.png`, and `front/NNNN.yaml` for each point.

    Args:
        trials: finished trials only.
        base: folder from which the paths of the searched spec are seen.
        guess: as for `front_of`.
    Returns: the front.
    Raises: BuildError, when the folder cannot be written; SearchError, when no trial was placed.
    """
    front = front_of(spec, trials, guess=guess)
    specs = folder / "front"
    try:
        specs.mkdir(exist_ok=True)
        names = {f"{point.trial:04}.yaml" for point in front.front}
        for path in specs.glob("*.yaml"):
            if path.name not in names:
                path.unlink()
        for point in front.front:
            made = trial_spec(spec, point.values, point.trial)
            about = f"# {spec.name}, trial {point.trial}: {point}\n"
            (specs / f"{point.trial:04}.yaml").write_text(about + placed_spec(made, specs, base), encoding="utf-8")
        (folder / "front.json").write_text(report.record.write(front), encoding="utf-8")
        (folder / "front.csv").write_text(_csv(spec, front), encoding="utf-8")
        report.front_picture(front, folder / "front.png")
    except OSError as error:
        raise BuildError(refused(error, error.filename or folder, "choose another --out")) from error
    return front


def _csv(spec: Spec, front: Front) -> str:
    """The front as CSV, one point per line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "wire_length", "accuracy", *spec.search.ranges])
    for point in front.front:
        writer.writerow([point.trial, point.wire_length, point.accuracy, *map(json.dumps, point.values.values())])
    return text.getvalue()
