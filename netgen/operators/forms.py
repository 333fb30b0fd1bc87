"""What the proof knows of an operator: a rounded and limited sum of variables, or a step function of such a sum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from netgen.ir.fixed import Interval, Words
from netgen.operators.kinds import Operation, compute

__all__ = ["Pieces", "ShiftedSum", "Sum", "Variable", "combined", "in_pieces", "stepped"]

Variable = tuple[str, int, int]
"""A variable of the sums of a layer.

`("operator", n, 0)` is the word of operator n, `("bit", n, k)` its bit k, `("input", k, 0)` an input of the circuit
that no operator of the graph reads, `("greatest", k, 0)` the greatest of set k of such words, and `("selected", k, 0)`
what selection k gives of a gate, a word and a bypass.
"""


@dataclass(frozen=True, slots=True)
class Sum:
    """`constant` plus the sum of each coefficient times its variable; no coefficient is 0."""

    constant: int
    coefficients: Mapping[Variable, int]

    def times(self, factor: int) -> "Sum":
        """The sum times a factor."""
        return Sum(self.constant * factor, {key: c * factor for key, c in self.coefficients.items() if factor})

    def plus(self, other: "Sum") -> "Sum":
        """The sum of both."""
        total = dict(self.coefficients)
        for key, c in other.coefficients.items():
            total[key] = total.get(key, 0) + c
        return Sum(self.constant + other.constant, {key: c for key, c in total.items() if c})


@dataclass(frozen=True, slots=True)
class ShiftedSum:
    """`clip(sum / 2**drop, lo, hi)`, rounded down, or to the nearest with halves to even; None is no limit."""

    sum: Sum
    drop: int = 0
    lo: int | None = None
    hi: int | None = None
    even: bool = False

    @property
    def is_sum(self) -> bool:
        """Whether nothing is shifted or limited."""
        return (self.drop, self.lo, self.hi) == (0, None, None)

    @property
    def is_whole(self) -> bool:
        """Whether the sum is always a multiple of `2**drop`, so that nothing is rounded."""
        return not any(c % (1 << max(self.drop, 0)) for c in (self.sum.constant, *self.sum.coefficients.values()))

    def apply(self, total: int) -> int:
        """Round and limit a value of the sum."""
        if self.even:
            below = total % (1 << self.drop)
            value, half = total >> self.drop, 1 << self.drop >> 1
            value += below > half or (below == half and value % 2 == 1)
        else:
            value = total >> self.drop if self.drop >= 0 else total << -self.drop
        value = value if self.lo is None else max(value, self.lo)
        return value if self.hi is None else min(value, self.hi)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A step function: `value[j]`, where j is how many of the breaks a sum has reached.

    Two equal functions have equal fields: the sum has no constant, no common divisor of its coefficients, and a
    positive first coefficient; breaks stand only where it can reach them and the value changes. A constant has an empty
    sum.
    """

    sum: Sum
    at: tuple[int, ...]
    value: tuple[int, ...]

    @property
    def range(self) -> Interval:
        """Least and greatest value."""
        return min(self.value), max(self.value)


def stepped(total: Sum, reach: Interval, at: Words, value: Words) -> Pieces:
    """The step function of a sum.

    Args:
        reach: least and greatest value of the sum.
        at: (k,) its breaks, which do not fall; value: (k + 1,).
    """
    at = np.clip(at, -_FAR, _FAR)
    if total.coefficients and total.coefficients[min(total.coefficients)] < 0:
        total, reach, at, value = total.times(-1), (-reach[1], -reach[0]), (1 - at)[::-1], value[::-1]
    divisor = gcd(*total.coefficients.values()) or 1
    first, last = ((end - total.constant) // divisor for end in reach)
    at = -((total.constant - at) // divisor)  # the least multiple that reaches the break
    begin, end = np.searchsorted(at, [first, last], side="right").tolist()
    at, value = at[begin:end], value[begin : end + 1]
    kept_at: list[int] = []
    kept_value = [int(value[0])]
    for k in np.flatnonzero(np.diff(at, append=last + 1)).tolist():  # of equal breaks, the last one
        if int(value[k + 1]) != kept_value[-1]:
            kept_at.append(int(at[k]))
            kept_value.append(int(value[k + 1]))
    coefficients = {key: c // divisor for key, c in total.coefficients.items()} if kept_at else {}
    return Pieces(Sum(0, coefficients), tuple(kept_at), tuple(kept_value))


def in_pieces(function: ShiftedSum, reach: Interval) -> Pieces | None:
    """A rounded and limited sum as a step function; None for one of very many steps, or rounded to even.

    Args:
        reach: least and greatest value of the sum.
    """
    lo, hi = (function.apply(end) for end in reach)
    if function.even or hi - lo > _MOST_STEPS:
        return None
    values = np.arange(lo, hi + 1)
    at = values[1:] << function.drop if function.drop >= 0 else -(-values[1:] >> -function.drop)
    return stepped(function.sum, reach, at, values)


_MOST_STEPS = 1 << 16


def combined(operation: Operation, parts: Sequence[Pieces], widths: Sequence[int]) -> Pieces | None:
    """An operation on step functions of one sum; None when their sums differ.

    Args:
        widths: bits of each source.
    """
    sums = [part.sum for part in parts if part.at]
    if any(total != sums[0] for total in sums):
        return None
    at = np.array(sorted({place for part in parts for place in part.at}), dtype=np.int64)
    values = [np.array(part.value)[np.searchsorted(part.at, [_BELOW, *at.tolist()], side="right")] for part in parts]
    found = compute(operation, np.zeros((len(at) + 1, 0), dtype=np.int64), values, widths)
    changes = np.flatnonzero(np.diff(found)).tolist()
    value = (int(found[0]), *(int(found[k + 1]) for k in changes))
    return Pieces(sums[0] if changes else Sum(0, {}), tuple(int(at[k]) for k in changes), value)


_FAR = 1 << 61
"""Sums stay below it, as do all accumulators of a circuit."""
_BELOW = -(1 << 63)
"""Below every break."""
