"""The standard streams: those that a shell has closed (`>&-`), and those whose encoding lacks a character."""

import codecs
import os
import sys

__all__ = ["PLAIN", "open_closed_streams"]

PLAIN = "netgen.plain"
"""How text is encoded whose characters an encoding lacks: by `_ASCII`, or else by escapes."""

_ASCII = {
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{MIDDLE DOT}": "|",
    "\N{HORIZONTAL ELLIPSIS}": "...",
}
"""What stands for the characters of netgen's tables in a terminal that knows only ASCII."""


def open_closed_streams() -> None:
    """Open stdin, stdout and stderr on the null device where they are closed.

    Otherwise the next files that are opened get the numbers 0 to 2, and native code that prints writes into them.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # in this order: the lowest number is given
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - open until the process ends
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError) or error.object[error.start] not in _ASCII:
        return codecs.backslashreplace_errors(error)
    return _ASCII[error.object[error.start]], error.start + 1


codecs.register_error(PLAIN, _plain)
