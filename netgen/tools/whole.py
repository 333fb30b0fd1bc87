"""Write a file whole or not at all."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from netgen.errors import refused


@contextlib.contextmanager
def whole_file(path: Path, error: Callable[[str], Exception], *, fix: str) -> Iterator[Path]:
    """Give a file beside `path` to write; it moves to `path` when the block ends, and is removed when the block fails.

    Args:
        error: makes the exception to raise from one line of text.
        fix: what the user should do when the file cannot be written, such as to choose another folder.
    Raises: `error`, when the block or the move raises OSError.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        yield beside
        beside.replace(path)
    except OSError as found:
        raise error(refused(found, path, fix)) from found
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
