"""Arrays of a .npz archive, checked by their headers before their numbers are unpacked."""

import tokenize
import warnings
import zipfile
import zlib
from math import prod
from pathlib import Path

import numpy as np

from netgen.data.raw import Array, Raw, check_labels, check_size
from netgen.errors import DataError
from netgen.ir.array_header import ArrayHeader, read_header
from netgen.text import shown

_DEFLATE_RATIO = 1032
"""The most bytes that one byte of a deflated stream can become."""

_UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RuntimeError,  # encrypted; deep brackets in a header
    tokenize.TokenError,  # an odd header, which numpy tries to read as Python 2 wrote it
    NotImplementedError,  # a compression that Python does not know
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile and numpy raise on damaged archives."""


def read_npz(path: Path) -> Raw:
    """Read arrays `x_train, y_train, x_test, y_test`, or `x, y`; samples of more dimensions become rows.

    Raises: DataError, when the archive is damaged, lacks an array, or holds one that is too large or no plain numbers.
    """
    if not path.is_file():
        raise DataError(f"{path}: not a file; data.path must be a .npz archive")
    try:
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # headers of Python 2 are read as well
            return _read(path, archive)
    except _UNREADABLE as error:
        reason = f"not a readable .npz of plain arrays ({_line(error)})"
        raise DataError(f"{path}: {reason}; save it with numpy.savez") from error


def _line(error: Exception) -> str:
    """An exception's text on one short line."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _read(path: Path, archive: zipfile.ZipFile) -> Raw:
    found = {name.removesuffix(".npy") for name in archive.namelist()}
    names = ["x_train", "y_train", "x_test", "y_test"]
    if not set(names) <= found:
        names = ["x", "y"] + (["x_test", "y_test"] if {"x_test", "y_test"} <= found else [])
    if not set(names) <= found:
        held = ", ".join(name if name.isprintable() else shown(name) for name in sorted(found)[:10]) or "nothing"
        raise DataError(f"{path}: holds {held}; need x_train, y_train, x_test, y_test or x, y")
    for name in names:
        _check(f"{path}: {name}", archive, name)
    for of_samples, of_labels in zip(names[::2], names[1::2], strict=True):
        rows, labels = (_header(archive, name).shape[0] for name in (of_samples, of_labels))
        if rows != labels:
            raise DataError(
                f"{path}: {rows} samples in {of_samples} but {labels} labels in {of_labels}; give one label a sample"
            )
    y, *test_y = (_array(archive, name) for name in names[1::2])
    check_labels(path, y, *test_y)
    x, *test_x = (_flat(_array(archive, name)) for name in names[::2])
    return Raw(x, y, test_x[0], test_y[0]) if test_x else Raw(x, y)


def _flat(samples: Array) -> Array:
    return samples.reshape(len(samples), prod(samples.shape[1:]))


def _check(place: str, archive: zipfile.ZipFile, name: str) -> None:
    """Refuse an array by its header alone."""
    header = _header(archive, name)
    shape, dtype = header
    if not shape or 0 in shape:
        raise DataError(f"{place}: shape {shape}; need at least one sample and one feature")
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        what = "real numbers" if name.startswith("x") else "whole numbers"
        raise DataError(f"{place}: type {dtype}; need {what} of at most 64 bits")
    check_size(place, shape, dtype.itemsize)
    entry = archive.getinfo(f"{name}.npy")
    needed, most = header.size, entry.file_size
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        most = min(most, _DEFLATE_RATIO * entry.compress_size)
    if needed > most:
        raise DataError(f"{place}: {shape} needs {needed:,} bytes, the file has at most {most:,}; save it again")


def _header(archive: zipfile.ZipFile, name: str) -> ArrayHeader:
    with archive.open(f"{name}.npy") as stream:
        return read_header(stream)


def _array(archive: zipfile.ZipFile, name: str) -> Array:
    with archive.open(f"{name}.npy") as stream:
        array: Array = np.lib.format.read_array(stream, allow_pickle=False)
    return array
