"""The four idx files of MNIST and of the data sets in its layout, plain or gzipped."""

import gzip
import zlib
from io import BufferedIOBase
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netgen.data.raw import Raw, check_labels, check_size
from netgen.errors import DataError

Bytes = npt.NDArray[np.uint8]

CHUNK = 1 << 20
"""Bytes that are read at once: a gzip stream holds what it unpacks a second time."""


def read_idx(folder: Path) -> Raw:
    """Read training and test images of a folder; every pixel becomes a feature.

    Raises: DataError, when a file is missing, damaged, or too large.
    Source: LeCun, Cortes, Burges, The MNIST database (the idx file format).
    """
    y, test_y = (_read(folder, f"{part}-labels-idx1-ubyte", 1).astype(np.int64) for part in ("train", "t10k"))
    check_labels(folder, y, test_y)
    x, test_x = (_read(folder, f"{part}-images-idx3-ubyte", 3) for part in ("train", "t10k"))
    return Raw(_flat(x), y, _flat(test_x), test_y)


def _flat(images: Bytes) -> Bytes:
    return images.reshape(len(images), prod(images.shape[1:]))


def _read(folder: Path, name: str, ndim: int) -> Bytes:
    file = next((f for f in (folder / name, folder / f"{name}.gz") if f.is_file()), None)
    if file is None:
        raise DataError(f"{folder}: no {name} and no {name}.gz; data.path must be the folder of the four idx files")
    try:
        with file.open("rb") as stream:
            return _array(file, gzip.GzipFile(fileobj=stream) if file.suffix == ".gz" else stream, ndim)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: damaged or unreadable ({error}); fetch it again") from error


def _array(file: Path, stream: BufferedIOBase, ndim: int) -> Bytes:
    """Read the header, then as many bytes as it announces and not one more."""
    head = stream.read(4 + 4 * ndim)
    if len(head) < 4 + 4 * ndim or head[:4] != bytes([0, 0, 8, ndim]):
        found = head[:4].hex(" ") or "nothing"
        raise DataError(f"{file}: starts with {found}; an idx file of bytes here starts with 00 00 08 0{ndim}")
    shape = tuple(int(k) for k in np.frombuffer(head, ">u4", ndim, offset=4))
    if 0 in shape:
        raise DataError(f"{file}: an array {shape}, which is empty; fetch it again")
    check_size(str(file), shape, 1)
    size = prod(shape)
    array = np.empty(size, np.uint8)
    view, count = array.data, 0
    while read := stream.readinto(view[count : count + CHUNK]) if count < size else 0:
        count += read
    if count < size or stream.read(1):
        found = f"{count} bytes" if count < size else "more bytes"
        raise DataError(f"{file}: {found} of data where {shape} needs {size}; fetch it again")
    return array.reshape(shape)
