"""What a reader of one source returns, and the checks that every source shares."""

import hashlib
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from netgen.errors import DataError

Array = npt.NDArray[Any]

MAX_BYTES = 1 << 30
"""Bytes that one array of a data set may have."""

MAX_LABEL = 9_999
"""Greatest label; above it a column is rather a number to predict than a class."""


class Raw(NamedTuple):
    """A source's values as they stand there.

    Attributes:
        features: (n, n_in), real numbers of any type.
        labels: (n,), whole numbers from 0.
        test_features: (n_test, n_in); None where the source has no test samples.
        test_labels: (n_test,); None where the source has no test samples.
        names: the label of each class in the source, where labels are not numbers there; else empty.
    """

    features: Array
    labels: Array
    test_features: Array | None = None
    test_labels: Array | None = None
    names: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the arrays."""
        digest = hashlib.sha256()
        for array in (self.features, self.labels, self.test_features, self.test_labels):
            if array is not None:
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).view(np.uint8).data)
        return digest.hexdigest()


def check_size(place: str, shape: tuple[int, ...], itemsize: int) -> None:
    """Refuse an array that is too large, before memory is spent on it.

    Raises: DataError.
    """
    size = prod(shape) * itemsize
    if size > MAX_BYTES:
        fix = "give fewer samples or a smaller type"
        raise DataError(f"{place}: {shape} needs {size:,} bytes; at most {MAX_BYTES:,} are read: {fix}")


def check(path: Path, raw: Raw) -> None:
    """Refuse data on which no network can be trained.

    Raises: DataError, one line with the file, the place, the value and the fix.
    """
    check_labels(path, raw.labels, raw.test_labels)
    _check_features(path, "", raw.features, raw.labels)
    if raw.test_features is None or raw.test_labels is None:
        return
    _check_features(path, "test ", raw.test_features, raw.test_labels)
    if raw.test_features.shape[1] != raw.features.shape[1]:
        raise DataError(
            f"{path}: test samples have {raw.test_features.shape[1]} features, training {raw.features.shape[1]}; they "
            "must have the same"
        )


def check_labels(path: Path, labels: Array, test_labels: Array | None = None) -> None:
    """Refuse labels that are no class numbers, of one class, or of classes that only test samples have.

    Raises: DataError.
    """
    for part, found in (("", labels), ("test ", test_labels)):
        if found is not None:
            _check_numbers(path, part, found)
    if len(np.unique(labels)) < 2:
        raise DataError(f"{path}: labels hold one class, {labels[0]}; need at least two")
    if test_labels is not None:
        new = np.setdiff1d(test_labels, labels)
        if len(new):
            fix = "add some, or remove its test samples"
            raise DataError(f"{path}: test labels hold {new[0]}, of which there is no training sample; {fix}")


def _check_numbers(path: Path, part: str, labels: Array) -> None:
    if labels.ndim == 2 and len(labels):
        fix = "give one class number a sample (from one-hot rows: labels.argmax(axis=1))"
        raise DataError(f"{path}: {part}labels {labels.shape}; {fix}")
    if labels.ndim != 1 or not len(labels):
        raise DataError(f"{path}: {part}labels {labels.shape}; need (n,)")
    if labels.dtype.kind not in "biu":
        raise DataError(f"{path}: {part}labels hold {labels.dtype}; need whole numbers from 0 to {MAX_LABEL}")
    for found in (labels.min(), labels.max()):
        if not 0 <= int(found) <= MAX_LABEL:
            raise DataError(f"{path}: {part}labels hold {found}; need whole numbers from 0 to {MAX_LABEL}")


def _check_features(path: Path, part: str, features: Array, labels: Array) -> None:
    if features.ndim != 2 or 0 in features.shape:
        raise DataError(f"{path}: {part}features {features.shape}; need (n, n_in)")
    if len(features) != len(labels):
        raise DataError(f"{path}: {len(features)} {part}samples but {len(labels)} labels; give one label a sample")
    if features.dtype.kind not in "biuf":
        raise DataError(f"{path}: {part}features of type {features.dtype}; need real numbers")
    place = not_finite(features)
    if place is not None:
        row, column = place
        found = features[place]
        raise DataError(f"{path}: {part}features[{row}, {column}] is {found}; every feature must be finite")


def not_finite(features: Array) -> tuple[int, int] | None:
    """The row and column of the first feature that is infinite or not a number; None if there is none."""
    finite = np.isfinite(features)
    if finite.all():
        return None
    row, column = divmod(int(np.argmin(finite)), features.shape[1])
    return row, column
