"""Typed access to parsed JSON: what has another type, range or key than expected ends in one line with its place."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from netgen.text.shown import shown

INT64 = -(1 << 63), (1 << 63) - 1


@dataclass(frozen=True)
class Fields:
    """Checks of parsed JSON, each of which returns the value that it was given.

    A place is where the value stands, such as `layers[2].bias`.

    Attributes:
        error: makes the exception to raise from one line of text.
        fix: what the user should do about a wrong value.
    """

    error: Callable[[str], Exception]
    fix: str

    def wrong(self, place: str, found: str) -> Exception:
        """The exception for a wrong value, to be raised by the caller."""
        return self.error(f"{place}: {found}; {self.fix}")

    def mapping(
        self, value: object, place: str, keys: Collection[str] | None = None, optional: Collection[str] = ()
    ) -> dict[str, Any]:
        """Check for an object; with `keys`, for one that has all of these and no others but `optional` ones."""
        if not isinstance(value, dict):
            raise self.wrong(place, f"{shown(value)} is no object")
        if keys is None:
            return value
        missing = [key for key in keys if key not in value]
        if missing:
            raise self.wrong(place, f"key {missing[0]!r} is missing")
        unknown = [key for key in value if key not in keys and key not in optional]
        if unknown:
            raise self.wrong(place, f"unknown key {shown(unknown[0])}")
        return value

    def items(self, value: object, place: str) -> list[Any]:
        """Check for a list."""
        if not isinstance(value, list):
            raise self.wrong(place, f"{shown(value)} is no list")
        return value

    def integer(self, value: object, place: str, least: int = INT64[0], most: int = INT64[1]) -> int:
        """Check for an integer from `least` to `most`, which default to the limits of 64 bits."""
        if type(value) is not int:
            raise self.wrong(place, f"{shown(value)} is no integer")
        if not least <= value <= most:
            raise self.wrong(place, f"{shown(value)} is not within {least} to {most}")
        return value

    def integers(self, value: object, place: str, least: int = INT64[0], most: int = INT64[1]) -> tuple[int, ...]:
        """Check for a list of such integers."""
        found = self.items(value, place)
        return tuple(self.integer(item, f"{place}[{k}]", least, most) for k, item in enumerate(found))

    def text(self, value: object, place: str) -> str:
        """Check for a string."""
        if not isinstance(value, str):
            raise self.wrong(place, f"{shown(value)} is no text")
        return value

    def boolean(self, value: object, place: str) -> bool:
        """Check for true or false."""
        if not isinstance(value, bool):
            raise self.wrong(place, f"{shown(value)} is neither true nor false")
        return value

    def real(self, value: object, place: str) -> float:
        """Check for a number that float64 can approximate."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.wrong(place, f"{shown(value)} is no number")
        try:
            return float(value)
        except OverflowError as found:
            raise self.wrong(place, f"{shown(value)} is beyond float64") from found
