"""Fixed-point numbers: their range, and the rounding and overflow rules that all of netgen obeys.

A word `k` of `FixedPoint(width, frac, signed)` means `k * 2**-frac`. Rounding is to nearest, halves up
(`floor(x + 1/2)`), because hardware then rounds with one addition; networks that arrive quantized may round halves to
even. Overflow saturates.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netgen.errors import QuantizeError

Words = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Interval = tuple[int, int]
"""The least and the greatest value of an integer."""

MAX_WIDTH = 62
"""Bits of the widest word; int64 holds the sum of any two."""


@dataclass(frozen=True)
class FixedPoint:
    """A number format of `width` bits, of which `frac` stand behind the binary point.

    `frac` may be negative (steps larger than 1) or exceed `width` (numbers far below 1).

    Raises: QuantizeError, when the width is below 1, or above `MAX_WIDTH`.
    """

    width: int
    frac: int
    signed: bool

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WIDTH:
            raise QuantizeError(f"width {self.width} of a fixed-point format; use 1 to {MAX_WIDTH}")

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.width}.{self.frac}"

    @property
    def step(self) -> float:
        """The difference of two neighboring numbers."""
        return 2.0**-self.frac

    @property
    def lo(self) -> int:
        """Least word."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def hi(self) -> int:
        """Greatest word."""
        return (1 << (self.width - 1)) - 1 if self.signed else (1 << self.width) - 1

    def encode(self, values: npt.ArrayLike) -> Words:
        """Round real numbers of any shape to words of this format, saturating.

        Raises: QuantizeError, when a value is NaN.
        """
        reals = np.asarray(values, dtype=np.float64)
        if np.isnan(reals).any():
            raise QuantizeError(f"NaN cannot be encoded as {self}; clean the data or weights")
        rounded = np.floor(np.ldexp(reals, self.frac) + 0.5)
        return np.clip(rounded, self.lo, self.hi).astype(np.int64)

    def overflows(self, values: npt.ArrayLike) -> int:
        """How many values lie a step or more outside the format, where saturating is more than rounding."""
        steps = np.ldexp(np.asarray(values, dtype=np.float64), self.frac)
        return int(np.count_nonzero((steps >= self.hi + 1) | (steps <= self.lo - 1)))

    def decode(self, words: npt.ArrayLike) -> Reals:
        """The real numbers that words of any shape mean."""
        return np.ldexp(np.asarray(words, dtype=np.float64), -self.frac)


def shift_round(words: npt.ArrayLike, shift: int, halves: str = "up") -> Words:
    """Multiply words by `2**-shift`, rounding to nearest; a negative shift multiplies exactly.

    Args:
        halves: where a number halfway between two words is rounded: `up`, or to the `even` word.
    """
    values = np.asarray(words, dtype=np.int64)
    if shift <= 0:
        return values << -shift
    if halves == "even":
        return (values + (1 << (shift - 1)) - 1 + (values >> shift & 1)) >> shift
    return (values + (1 << (shift - 1))) >> shift


def bits_of(lo: int, hi: int) -> tuple[int, bool]:
    """The narrowest width, at least 1 bit, and the signedness of a word that holds every integer from `lo` to `hi`."""
    if lo < 0:
        return max((-lo - 1).bit_length(), hi.bit_length() if hi > 0 else 0) + 1, True
    return max(hi.bit_length(), 1), False
