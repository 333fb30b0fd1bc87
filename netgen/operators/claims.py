"""How the proof refuses a graph."""

from netgen.errors import CheckError

__all__ = ["error", "need"]


def need(holds: bool, otherwise: str) -> None:
    """Refuse a graph for which something does not hold.

    Raises: CheckError.
    """
    if not holds:
        raise error(otherwise)


def error(what: str) -> CheckError:
    """The error of a graph that is wrong."""
    return CheckError(f"operator graph: {what}; this is a bug of netgen, please report it")
