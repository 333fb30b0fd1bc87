"""How a long function says how far it is, without knowing who listens."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with what is being done and the fraction of it that is done, 0 to 1."""


def silent(what: str, fraction: float) -> None:
    """Tell nobody."""
