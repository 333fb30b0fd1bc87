"""From the `data` section of a spec to a data set: find, read, check, split, scale."""

import os
from pathlib import Path
from typing import assert_never

import numpy as np

from netgen.data.dataset import Dataset, Split
from netgen.data.digits import read_digits
from netgen.data.idx import read_idx
from netgen.data.npz import read_npz
from netgen.data.raw import Array, Raw, check
from netgen.data.scaling import check_range, scale_of, scaled
from netgen.data.split import split
from netgen.data.table import read_csv
from netgen.errors import DataError
from netgen.ir.fixed import Words
from netgen.spec.sections import DataSpec

MAX_BITS = 1_000_000_000
"""Bits of all samples; training holds 4 to 16 bytes for each."""

DATA_VARIABLE = "NETGEN_DATA"
"""Environment variable that names the folder of data sets."""


def load_dataset(spec: DataSpec, *, seed: int, base: Path | None = None) -> Dataset:
    """Load, check, split (classes in proportion) and scale the data set of a spec.

    Args:
        seed: of the splits.
        base: folder in which `spec.path` is looked for first.
    Raises: DataError, one line with file, place, value and fix.
    """
    path = _locate(spec.path, base) if spec.path is not None else Path("digits")
    raw = _read(spec, path)
    return dataset_of(raw, spec, seed=seed, path=path)


def dataset_of(raw: Raw, spec: DataSpec, *, seed: int, path: Path) -> Dataset:
    """Check, split and scale what a source holds.

    Args:
        path: that errors name.
    Raises: DataError.
    """
    check(path, raw)
    _check_bits(raw, len(spec.thresholds))
    labels, test_y, names = _numbered(raw)
    features, test_x = raw.features, raw.test_features
    if test_x is None or test_y is None:
        features, test_x, labels, test_y = split(path, features, labels, spec.test, seed, key="test", names=names)
    train_x, validation_x, train_y, validation_y = split(
        path, features, labels, spec.validation, seed, key="validation", names=names
    )
    scale = scale_of(train_x, per_feature=spec.scale == "feature")
    check_range(path, "features", raw.features, scale)
    if raw.test_features is not None:
        check_range(path, "test features", raw.test_features, scale)
    return Dataset(
        train=Split(scaled(train_x, scale), train_y),
        validation=Split(scaled(validation_x, scale), validation_y),
        test=Split(scaled(test_x, scale), test_y),
        classes=len(names) or int(max(train_y.max(), validation_y.max(), test_y.max())) + 1,
        scale=scale,
        digest=raw.digest,
        names=names,
    )


def _check_bits(raw: Raw, thresholds: int) -> None:
    """Refuse thermometer codes of more than `MAX_BITS` bits, before memory is used for them."""
    samples, features = raw.features.shape
    bits = samples * features * thresholds
    if bits > MAX_BITS:
        raise DataError(
            f"data.thresholds: {thresholds} thresholds of {features:,} features make {bits:,} bits of {samples:,} "
            f"samples; at most {MAX_BITS:,} fit: give fewer thresholds or samples"
        )


def _locate(path: str, base: Path | None) -> Path:
    """Find a path in the base folder or, if it is not there, in the data folder."""
    root = os.environ.get(DATA_VARIABLE)
    tried = [folder / path for folder in (base or Path(), Path(root) if root else None) if folder is not None]
    for candidate in tried:
        try:
            if candidate.exists():
                return candidate
        except (OSError, ValueError) as error:  # a name that is too long, a folder that may not be read, a NUL
            reason = error.strerror if isinstance(error, OSError) else error
            raise DataError(f"data.path: {path[:80]!r}: {reason}; correct data.path") from error
    where = f" or under {root}" if root else f"; set {DATA_VARIABLE} to the folder of data sets"
    raise DataError(f"{tried[0]}: not found{where}, or correct data.path")


def _read(spec: DataSpec, path: Path) -> Raw:
    """Read the source that the spec names."""
    match spec.source:
        case "digits":
            return read_digits()
        case "idx":
            return read_idx(path)
        case "npz":
            return read_npz(path)
        case "csv":
            return read_csv(path, spec.label)
        case "given":
            raise DataError("data.source: given has no file; name the data")
        case source:
            assert_never(source)


def _numbered(raw: Raw) -> tuple[Words, Words | None, tuple[str, ...]]:
    """Number the classes from 0 without gaps, in ascending order of their labels.

    Returns: class numbers of the samples, those of the test samples, and the label of each class; no labels where they
        are the class numbers.
    """
    values, test = np.unique(raw.labels), raw.test_labels
    if raw.names or len(values) == int(values[-1]) + 1:
        return _whole(raw.labels), None if test is None else _whole(test), raw.names
    names = tuple(str(int(value)) for value in values)
    numbered = [None if part is None else _whole(np.searchsorted(values, part)) for part in (raw.labels, test)]
    assert numbered[0] is not None
    return numbered[0], numbered[1], names


def _whole(labels: Array) -> Words:
    return labels.astype(np.int64)
