"""Whole numbers from files."""

from netgen.errors import GraphError
from netgen.ir.grid import Site
from netgen.text import shown

__all__ = ["MOST", "site_of", "small_wholes", "whole"]

MOST = 2**31 - 1
"""The largest whole number in a graph file, except where another limit is given."""
_DIGITS = 10
_SMALL = 9


def whole(value: object, place: str, least: int = 0, most: int = MOST) -> int:
    """Check a whole number, given as an int or as decimal digits.

    Raises: GraphError, with the place, for anything else and for numbers out of range.
    """
    number = value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        number = int(value)
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise GraphError(f"{place}: {shown(value)}; need a whole number from {least} to {most}")
    return number


def small_wholes(words: list[str]) -> list[int] | None:
    """Convert words of at most nine decimal digits, ten times as fast as `whole`; None when any word is another."""
    if words and max(map(len, words)) > _SMALL:
        return None
    digits = "".join(words)
    return list(map(int, words)) if not words or (digits.isascii() and digits.isdigit()) else None


def site_of(value: object, place: str, least: int = 0) -> Site:
    """Check a list of three whole numbers.

    Raises: GraphError, with the place, for anything else.
    """
    if not isinstance(value, list) or len(value) != 3:
        raise GraphError(f"{place}: {shown(value)}; need [x, y, z]")
    x, y, z = (whole(coordinate, place, least) for coordinate in value)
    return x, y, z
