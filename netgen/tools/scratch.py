"""A folder for external programs to work in, whose path none of them misreads.

GNU Make cannot build in a folder whose path contains a space, and Icarus Verilog passes the paths of its temporary
files through a shell. So programs work on copies here, never in the user's own folders.
"""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z0-9_./+-]+")
"""Paths in which no shell, makefile or Verilog tool gives a character a meaning of its own."""
_PLACES = ("/tmp", "/var/tmp")  # noqa: S108 - TemporaryDirectory makes a private folder there


@contextmanager
def scratch_folder(error: Callable[[str], Exception]) -> Iterator[Path]:
    """Make a temporary folder with a plain path, and remove it after use.

    It lies in the system's folder for temporary files (`TMPDIR`), or in `/tmp` or `/var/tmp` where that path is not
    plain or cannot be written.

    Args:
        error: makes the exception to raise from one line of text.
    Raises: `error`, when no folder can be made.
    """
    try:
        usual = [tempfile.gettempdir()]
    except OSError:  # none that can be written
        usual = []
    reason = "no folder for temporary files with a plain path"
    for place in dict.fromkeys((*usual, *_PLACES)):
        if _PLAIN.fullmatch(place):
            try:
                folder = tempfile.TemporaryDirectory(prefix="netgen-", dir=place, ignore_cleanup_errors=True)
            except OSError as found:
                reason = f"{place}: {found.strerror}"
                continue
            with folder as name:
                yield Path(name)
            return
    raise error(f"{reason}; set TMPDIR to a folder that can be written and has no spaces or quotes in its path")
