"""How raw values become input words where a network's own quantizer decides it, not netgen's rounding."""

from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from netgen.errors import QuantizeError
from netgen.ir.activation import HalfRule
from netgen.ir.arrays import frozen
from netgen.ir.fixed import Reals, Words

__all__ = ["InputRounding"]


@dataclass(frozen=True, eq=False)
class InputRounding:
    """`round((raw * scale + offset) / step) + zero`, limited to `lo` and `hi`.

    Attributes:
        step: (features,) float64, positive.
        lo, hi: least and greatest word.
        halves: where halves are rounded.
        zero: the word that means 0.
        single: whether each of the three operations is rounded to float32, as the network's executor computes it;
            else double precision.

    Raises: QuantizeError, for numbers out of range.
    """

    step: Reals
    lo: int
    hi: int
    halves: HalfRule = "even"
    zero: int = 0
    single: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "step", frozen(self.step, np.float64))
        if self.step.ndim != 1 or not (np.isfinite(self.step).all() and (self.step > 0).all()):
            raise QuantizeError("input_rounding: every step must be positive and finite")
        if self.lo > self.hi or self.halves not in get_args(HalfRule):
            raise QuantizeError(f"input_rounding: words from {self.lo} to {self.hi}, halves {self.halves!r}")

    def words(self, raw: Reals, scale: Reals, offset: Reals | float) -> Words:
        """The words of raw values, (n, features).

        Raises: QuantizeError, when a value is NaN.
        """
        if np.isnan(raw).any():
            raise QuantizeError("NaN cannot be encoded as an input word; clean the data")
        kind = np.float32 if self.single else np.float64
        with np.errstate(over="ignore"):
            numbers: npt.NDArray[np.floating] = np.asarray(raw).astype(kind) * scale.astype(kind)
            numbers = (numbers + np.asarray(offset).astype(kind)) / self.step.astype(kind)
        ends = self.lo - self.zero - 1.0, self.hi - self.zero + 1.0
        limited = np.clip(numbers.astype(np.float64), *ends)
        rounded = np.rint(limited) if self.halves == "even" else np.floor(limited + 0.5)
        words: Words = np.clip(rounded + self.zero, self.lo, self.hi).astype(np.int64)
        return words
