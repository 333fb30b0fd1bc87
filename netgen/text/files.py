"""Read a file that anyone may have written, without waiting for a device or filling the memory."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from netgen.text.shown import shown_path

LIMIT = 16 << 20
"""Bytes that a text file may have. Parsed JSON needs up to 24 times as much memory."""


def read_text(
    path: Path, error: Callable[[str], Exception], *, limit: int = LIMIT, fix: str = "give the path of a text file"
) -> str:
    """Read a UTF-8 text file; a byte order mark is dropped, and every line ends in a line feed.

    Args:
        error: makes the exception to raise from one line of text.
        limit: bytes that the file may have.
        fix: what the user should do when the file cannot be opened or is no regular file.
    Raises: `error`, with the path, for anything but a regular file (a folder, a pipe, a device), one that cannot be
        opened or is longer than `limit`, and text that is not UTF-8 or contains a NUL.
    """
    return _decode(path, read_bytes(path, error, limit=limit, fix=fix), error)


def read_bytes(path: Path, error: Callable[[str], Exception], *, limit: int, fix: str) -> bytes:
    """Read a file that anyone may have written, as `read_text` does, without decoding it.

    Raises: `error`, with the path, for anything but a regular file, and one that cannot be opened or is too long.
    """
    data: bytes | None = None
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                data = file.read(limit + 1)
    except (OSError, ValueError) as found:  # ValueError: a NUL in the path
        reason = found.strerror if isinstance(found, OSError) else str(found)
        raise error(f"{shown_path(path)}: {reason}; {fix}") from found
    if data is None:
        raise error(f"{shown_path(path)}: not a regular file; {fix}")
    if len(data) > limit:
        raise error(f"{shown_path(path)}: longer than {limit:,} bytes; give a smaller file")
    return data


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for a writer, as opening a pipe would."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _decode(path: Path, data: bytes, error: Callable[[str], Exception]) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise error(f"{shown_path(path)}: UTF-16 or UTF-32 text; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as found:
        line = data.count(b"\n", 0, found.start) + 1
        raise error(
            f"{shown_path(path)}: line {line}: byte 0x{data[found.start]:02x} is not UTF-8 text; save it as UTF-8"
        ) from found
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise error(f"{shown_path(path)}: line {line}: a NUL character; give a text file in UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")
