"""Values for messages: one short line, however large the value is."""

import reprlib

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 40
_SHORT.maxlevel = 2


def shown(value: object) -> str:
    """Show a value on one line of a few dozen characters, as Python writes it, shortened by `...` where it is long."""
    return _SHORT.repr(value)
