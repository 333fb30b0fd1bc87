"""Data sets: loading them from where the spec says, checking, scaling and splitting them."""

import csv
import gzip
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from netgen.errors import DataError
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.network import frozen
from netgen.ir.thermometer import BIT, code
from netgen.spec.sections import DataSpec

Floats = npt.NDArray[np.float32]
Array = npt.NDArray[Any]

DATA_VARIABLE = "NETGEN_DATA"
"""Environment variable that names the folder of data sets."""


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one purpose.

    Attributes:
        features: (n, n_in) float32.
        labels: (n,) int64, from 0.
    """

    features: Floats
    labels: Words

    def __post_init__(self) -> None:
        self.features.setflags(write=False)
        object.__setattr__(self, "labels", frozen(self.labels, np.int64))

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits; features are scaled to magnitudes below 1 by powers of two, so that nothing is lost.

    Attributes:
        scale: (features,) float64, powers of two; a feature here is the raw feature times its scale.
        digest: SHA-256 of the raw arrays, for fingerprints.
    """

    train: Split
    validation: Split
    test: Split
    classes: int
    scale: Reals
    digest: str

    @property
    def signed(self) -> bool:
        """Whether any feature of the training split is negative."""
        return bool((self.train.features < 0).any())

    def input_format(self, width: int) -> FixedPoint:
        """The fixed-point format of `width` bits for features below 1 in magnitude."""
        return FixedPoint(width, width - self.signed, self.signed)

    def coded(self, form: FixedPoint, thresholds: Sequence[int]) -> "Dataset":
        """The same data set with the bits of a thermometer code, 0 or one half, in the place of each feature.

        Args:
            form: of the words that features become; thresholds: among these words.
        """

        def coded(split: Split) -> Split:
            bits = code(form.encode(split.features), thresholds)
            return replace(split, features=BIT.decode(bits).astype(np.float32))

        return replace(self, train=coded(self.train), validation=coded(self.validation), test=coded(self.test))

    def rounded_to(self, form: FixedPoint) -> "Dataset":
        """The same data set with every feature rounded to a fixed-point format, as the hardware sees it."""

        def rounded(split: Split) -> Split:
            return replace(split, features=form.decode(form.encode(split.features)).astype(np.float32))

        return replace(self, train=rounded(self.train), validation=rounded(self.validation), test=rounded(self.test))


class _Raw(NamedTuple):
    """What a loader finds: features (n, n_in) and labels (n,); test arrays are None where the source has none."""

    features: Array
    labels: Array
    test_features: Array | None = None
    test_labels: Array | None = None


def load_dataset(spec: DataSpec, *, seed: int, base: Path | None = None) -> Dataset:
    """Load, check, split (classes in proportion) and scale the data set of a spec.

    Args:
        base: folder from which `spec.path` is seen first.
    Raises: DataError, one line with file, place, value and fix.
    """
    path = _locate(spec.path, base) if spec.path is not None else Path("digits")
    raw = _LOADERS[spec.source](path, spec)
    _check(path, "features", raw.features, raw.labels)
    digest = hashlib.sha256()
    for array in raw:
        if array is not None:
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    train_x, train_y, test_x, test_y = raw
    if test_x is None or test_y is None:
        train_x, test_x, train_y, test_y = _split(path, train_x, train_y, spec.test, seed)
    else:
        _check(path, "test features", test_x, test_y)
        if test_x.shape[1] != train_x.shape[1]:
            raise DataError(f"{path}: test samples have {test_x.shape[1]} features, training {train_x.shape[1]}")
    train_x, validation_x, train_y, validation_y = _split(path, train_x, train_y, spec.validation, seed)
    scale = _scale_of(train_x, per_feature=spec.scale == "feature")
    classes = int(max(train_y.max(), validation_y.max(), test_y.max())) + 1
    train, validation, test = (
        Split(x.astype(np.float32) * scale.astype(np.float32), y.astype(np.int64))
        for x, y in ((train_x, train_y), (validation_x, validation_y), (test_x, test_y))
    )
    return Dataset(train, validation, test, classes, scale, digest.hexdigest())


def _locate(path: str, base: Path | None) -> Path:
    """The first of the given path, seen from the base folder, and from the data folder, that exists."""
    root = os.environ.get(DATA_VARIABLE)
    tried = [folder / path for folder in (base or Path(), Path(root) if root else None) if folder is not None]
    for candidate in tried:
        if candidate.exists():
            return candidate
    where = f" or under {root}" if root else f"; set {DATA_VARIABLE} to the folder of data sets"
    raise DataError(f"{tried[0]}: not found{where}, or correct data.path")


def _check(path: Path, what: str, features: Array, labels: Array) -> None:
    """Refuse what cannot be trained on."""
    if features.ndim != 2 or labels.ndim != 1 or 0 in features.shape:
        raise DataError(f"{path}: {what} {features.shape} and labels {labels.shape}; need (n, n_in) and (n,)")
    if len(features) != len(labels):
        raise DataError(f"{path}: {len(features)} samples but {len(labels)} labels; they must be as many")
    if features.dtype.kind not in "biuf":
        raise DataError(f"{path}: {what} of type {features.dtype}; need real numbers")
    if features.dtype.kind == "f" and not np.isfinite(features).all():
        row, column = (int(k) for k in np.argwhere(~np.isfinite(features))[0])
        raise DataError(f"{path}: {what}[{row}, {column}] is {features[row, column]}; every feature must be finite")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= 10_000:
        found = labels.min() if labels.dtype.kind in "iu" and labels.min() < 0 else labels.dtype
        found = labels.max() if labels.dtype.kind in "iu" and labels.max() >= 10_000 else found
        raise DataError(f"{path}: labels hold {found}; need whole numbers from 0 to 9999")
    if len(np.unique(labels)) < 2 and what == "features":
        raise DataError(f"{path}: labels hold one class, {labels[0]}; need at least two")


def _split(path: Path, x: Array, y: Array, share: float, seed: int) -> tuple[Array, Array, Array, Array]:
    """Split off a share of the samples, classes in proportion."""
    from sklearn.model_selection import train_test_split

    try:
        left_x, off_x, left_y, off_y = train_test_split(x, y, test_size=share, random_state=seed, stratify=y)
    except ValueError as error:
        raise DataError(f"{path}: {len(y)} samples cannot be split ({error}); give more samples per class") from error
    return left_x, off_x, left_y, off_y


def _scale_of(features: Array, *, per_feature: bool) -> Reals:
    """(n_in,) powers of two that bring every training feature below 1 in magnitude."""
    most = np.abs(features.astype(np.float64) if features.dtype.kind != "f" else features).max(axis=0)
    if not per_feature:
        most = np.full_like(most, most.max())
    if features.dtype == np.uint8 and not per_feature:
        most = np.full(features.shape[1], 255.0)
    exponent = np.frexp(np.where(most > 0, most, 1.0))[1]
    return np.ldexp(1.0, -exponent)


def _load_digits(path: Path, spec: DataSpec) -> _Raw:  # noqa: ARG001 (one signature for all loaders)
    from sklearn.datasets import load_digits

    features, labels = load_digits(return_X_y=True)
    return _Raw(features, labels.astype(np.int64))


def _load_idx(path: Path, spec: DataSpec) -> _Raw:  # noqa: ARG001
    """Read the four files of MNIST's layout (yann.lecun.com: the IDX file format)."""
    parts = [
        _read_idx(path, f"{split}-{kind}", ndim)
        for split in ("train", "t10k")
        for kind, ndim in (("images-idx3-ubyte", 3), ("labels-idx1-ubyte", 1))
    ]
    x, y, test_x, test_y = parts
    return _Raw(x.reshape(len(x), -1), y.astype(np.int64), test_x.reshape(len(test_x), -1), test_y.astype(np.int64))


def _read_idx(folder: Path, name: str, ndim: int) -> npt.NDArray[np.uint8]:
    file = next((f for f in (folder / name, folder / f"{name}.gz") if f.is_file()), None)
    if file is None:
        raise DataError(f"{folder}: no {name} and no {name}.gz; data.path must be the folder of the four idx files")
    try:
        blob = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: damaged or unreadable ({error}); fetch it again") from error
    if len(blob) < 4 + 4 * ndim or blob[:4] != bytes([0, 0, 8, ndim]):
        raise DataError(
            f"{file}: starts with {blob[:4].hex(' ')}; an idx file of bytes here starts with 00 00 08 0{ndim}"
        )
    shape = tuple(int(k) for k in np.frombuffer(blob, ">u4", ndim, offset=4))
    size = int(np.prod(shape, dtype=np.int64))
    if len(blob) - 4 - 4 * ndim != size:
        raise DataError(f"{file}: {len(blob) - 4 - 4 * ndim} bytes of data where {shape} needs {size}; fetch it again")
    return np.frombuffer(blob, np.uint8, offset=4 + 4 * ndim).reshape(shape)


def _load_npz(path: Path, spec: DataSpec) -> _Raw:  # noqa: ARG001
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not a readable .npz of plain arrays ({error}); save it with numpy.savez") from error
    names = ("x_train", "y_train", "x_test", "y_test")
    if not set(names) <= arrays.keys():
        names = ("x", "y", "x_test", "y_test")
    if not set(names[:2]) <= arrays.keys():
        raise DataError(
            f"{path}: holds {', '.join(arrays) or 'nothing'}; need x_train, y_train, x_test, y_test or x, y"
        )
    x, y, test_x, test_y = (arrays.get(name) for name in names)
    assert x is not None
    assert y is not None
    if test_x is None or test_y is None:
        return _Raw(x.reshape(len(x), -1), y)
    return _Raw(x.reshape(len(x), -1), y, test_x.reshape(len(test_x), -1), test_y)


def _load_csv(path: Path, spec: DataSpec) -> _Raw:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), start=1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a readable CSV file ({error}); give comma-separated UTF-8 text") from error
    if not rows:
        raise DataError(f"{path}: is empty; give a row per sample")
    header = rows[0][1]
    named = any(not _is_number(cell) for cell in header[:-1]) or spec.label is not None
    if spec.label is not None and spec.label not in header:
        raise DataError(f"{path}: no column {spec.label!r} (there are {', '.join(header)}); correct data.label")
    column = header.index(spec.label) if spec.label is not None else len(header) - 1
    body = rows[1:] if named else rows
    for number, row in body:
        if len(row) != len(header):
            raise DataError(f"{path}: line {number}: {len(row)} cells where the first line has {len(header)}")
        wrong = next((cell for k, cell in enumerate(row) if k != column and not _is_number(cell)), None)
        if wrong is not None:
            raise DataError(f"{path}: line {number}: {wrong!r} is not a number; every feature must be one")
    if not body:
        raise DataError(f"{path}: has a header only; give a row per sample")
    labels = [row[column].strip() for _, row in body]
    order = sorted(
        set(labels), key=lambda label: (not _is_number(label), float(label) if _is_number(label) else 0, label)
    )
    features = np.array([[float(cell) for k, cell in enumerate(row) if k != column] for _, row in body])
    return _Raw(features, np.array([order.index(label) for label in labels], dtype=np.int64))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


_LOADERS: dict[str, Callable[[Path, DataSpec], _Raw]] = {
    "digits": _load_digits,
    "idx": _load_idx,
    "npz": _load_npz,
    "csv": _load_csv,
}
