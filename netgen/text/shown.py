"""Values and paths for messages: one short line, whatever the user gave."""

import reprlib
from pathlib import Path

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 40
_SHORT.maxlevel = 2


def shown(value: object) -> str:
    """Show a value on one line of a few dozen characters, as Python writes it, shortened by `...` where it is long."""
    return _SHORT.repr(value)


def shown_path(path: Path) -> str:
    """Show a path on one line, with escapes if it contains line breaks or other control characters."""
    text = str(path)
    return text if text.isprintable() else ascii(text)[1:-1]
