"""The standard streams, which a shell may have closed (`>&-`)."""

import os
import sys

__all__ = ["open_closed_streams"]


def open_closed_streams() -> None:
    """Open stdin, stdout and stderr on the null device where they are closed.

    Otherwise the next files that are opened get the numbers 0 to 2, and native code that prints writes into them.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # in this order: the lowest number is given
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - open until the process ends
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)
