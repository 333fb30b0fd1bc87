"""How a long function reports its progress, and how its caller can end it early."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with what is being done, and with the fraction of it that is done, 0 to 1.

A callback may raise to stop the work, KeyboardInterrupt for example: the function that called it lets this pass.
"""


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """Raised by a `Progress` callback to end a search early, for instance at a deadline.

    A search that can be ended early says so in its docstring; it catches `Stopped` and returns its best result so far.
    A callback that has raised `Stopped` must raise it at every later call, so that each part of the search ends.
    """


def silent(what: str, fraction: float) -> None:
    """Report nothing."""
