"""The samples on which a network is fine-tuned under quantization, and those by which the best weights are chosen."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from netgen.data import Examples
from netgen.data.split import split
from netgen.errors import DataError
from netgen.flow import imported, nouns
from netgen.flow.imported import RawSamples
from netgen.flow.stage import Work
from netgen.learn.measuring import tuning_examples
from netgen.spec.spec import Spec

__all__ = ["share_out", "tuning", "tuning_key"]

TrainingAndValidation = tuple[Examples, Examples]
"""To learn from, and to choose by."""


def share_out(samples: RawSamples, spec: Spec, *, calibrated: bool) -> tuple[RawSamples, TrainingAndValidation, str]:
    """Divide the samples that a program gave to `compile`, so that hardware is checked on others than are trained on.

    Against outputs, samples for calibration are trained on. Otherwise test samples are split off from the inputs, in
    the share of `data.test`; formats are chosen on the others, unless there are samples for calibration.

    Args:
        samples: all inputs are test samples.
        calibrated: whether the samples for calibration were given, and are not the inputs.
    Returns: the samples, those to train on, and a line that says how they were divided.
    Raises: DataError, for missing or too few samples or labels.
    """
    by_labels, test, calibration = spec.quantize.fine_tune == "labels", samples.test, samples.calibration
    if by_labels and samples.labels is None:
        raise DataError("quantize.fine_tune: labels need labels; give them, or set fine_tune to outputs")
    if calibrated and not by_labels:
        pair = _validated(Examples(calibration), spec, "calibration")
        return samples, pair, f"quantize: fine-tuned on the {len(calibration):,} samples for calibration"
    if not len(test):
        raise DataError("quantize.fine_tune: no samples; give inputs, or calibration")
    classes = samples.labels if by_labels and samples.labels is not None else np.zeros(len(test), dtype=np.int64)
    places = np.arange(len(test))[:, None]
    kept, off, *_ = split(Path("inputs"), places, classes, spec.data.test, spec.seed, key="test")
    kept, off = kept.ravel(), off.ravel()
    mine = [None if samples.labels is None else samples.labels[rows] for rows in (kept, off)]
    pair = _validated(Examples(test[kept], mine[0] if by_labels else None), spec, "inputs")
    note = (
        f"quantize: {len(off):,} of the {len(test):,} inputs, drawn at random, are test samples, on which model and "
        "hardware are measured; fine-tuning saw the others"
    )
    return RawSamples(calibration if calibrated else test[kept], test[off], mine[1]), pair, note


def _validated(given: Examples, spec: Spec, what: str) -> TrainingAndValidation:
    """Split validation samples off, in the share of `data.validation`."""
    classes = np.zeros(len(given), dtype=np.int64) if given.labels is None else given.labels
    places = np.arange(len(given))[:, None]
    kept, off, *_ = split(Path(what), places, classes, spec.data.validation, spec.seed, key="validation")
    parts = [
        replace(given, raw=given.raw[rows], labels=None if given.labels is None else given.labels[rows])
        for rows in (kept.ravel(), off.ravel())
    ]
    return parts[0], parts[1]


def tuning(work: Work) -> TrainingAndValidation:
    """The samples to fine-tune on and to choose by: training and validation samples of the data, or what was given.

    Raises: BuildError, when a program gave none.
    """
    if work.spec.data.source == imported.GIVEN:
        found = work.get(imported.given).tuning
        if found is not None:
            return found
    return tuning_examples(work.get(nouns.data))


def tuning_key(work: Work) -> dict[str, object]:
    """What a stage depends on that fine-tunes."""
    spec = work.spec
    return {
        "samples": [examples.digest for examples in work.get(tuning)],
        "quantize": spec.quantize.model_dump(include={"fine_tune", "epochs", "learning_rate"}),
        "train": spec.train.model_dump(include={"batch_size", "weight_decay", "label_smoothing"}),
    }
