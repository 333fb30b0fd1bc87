"""Files of a build that hold arrays by name: `.npz`, without anything that runs code, within limits of memory."""

import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from netgen.errors import BuildError, NetgenError
from netgen.ir.array_header import read_header

__all__ = ["LARGEST", "read_arrays", "write_arrays"]

LARGEST = 1 << 31
"""Bytes that all arrays of a file may have, as unpacked: a network of 50 million wires."""

DAMAGES = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RuntimeError,  # encrypted; deep brackets in a header
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile and numpy raise on damaged archives."""

Noun = TypeVar("Noun")
Array = np.ndarray[Any, Any]


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name, the same bytes for the same arrays."""
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_arrays(path: Path, what: str, parse: Callable[[Mapping[str, Array]], Noun]) -> Noun:
    """Read what `write_arrays` wrote, and make a noun of it.

    Args:
        what: what the file holds, for the error: `network`.
    Raises: BuildError, when the file is missing or damaged, or holds no such noun.
    """
    if not path.exists():
        raise BuildError(f"{path}: not found; run netgen build first")
    if not path.is_file():
        raise BuildError(f"{path}: not a regular file; build it again")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise ValueError(f"more than {LARGEST:,} bytes")
        with warnings.catch_warnings(), np.load(path, allow_pickle=False) as file:
            warnings.simplefilter("ignore", UserWarning)  # of headers as Python 2 wrote them
            _check_claims(file.zip)
            return parse(file)
    except (*DAMAGES, NetgenError) as error:
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise BuildError(f"{path}: not a {what} ({reason}); build it again") from error


def _check_claims(archive: zipfile.ZipFile) -> None:
    """Refuse an archive with an array that claims more bytes than its file has, before memory is used for it."""
    for entry in archive.infolist():
        with archive.open(entry) as stream:
            claimed = read_header(stream).size
        if claimed > entry.file_size:
            raise ValueError(f"{entry.filename} claims {claimed:,} bytes")
