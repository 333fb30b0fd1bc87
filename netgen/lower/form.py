"""Linear forms: a sum written in the independent quantities of its layer, from which its exact range follows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from netgen.ir.fixed import Interval
from netgen.operators.kinds import Add, Constant, Count, Multiply, Subtract

Quantity = tuple[int, int]
"""An operator that gives an input of the layer, and which bit of it, or `WHOLE` for its value."""
WHOLE = -1
Linear = Constant | Add | Subtract | Multiply | Count
"""Operations whose values are linear forms when those of their sources are."""


@dataclass(frozen=True, slots=True)
class LinearForm:
    """`constant` plus the sum of each coefficient times its quantity."""

    constant: int
    coefficients: Mapping[Quantity, int]

    def range(self, range_of: Callable[[int], Interval]) -> Interval:
        """Its least and greatest value; exact, because each quantity reaches its extremes independently of the others.

        Args:
            range_of: the range of an operator.
        """
        lo = hi = self.constant
        for (number, bit), c in self.coefficients.items():
            a, b = range_of(number) if bit == WHOLE else (0, 1)
            lo, hi = (lo + c * a, hi + c * b) if c > 0 else (lo + c * b, hi + c * a)
        return lo, hi


def word_form(number: int, reach: Interval) -> LinearForm:
    """The form of an input of the layer. One from 0 to 3 is written as two bits, which are independent."""
    bits = {(number, 0): 1, (number, 1): 2}
    return LinearForm(0, bits if reach == (0, 3) else {(number, WHOLE): 1})


def linear_form(operation: Linear, sources: Sequence[int], forms: Mapping[int, LinearForm]) -> LinearForm:
    """The form of an operation whose sources have the given forms."""
    match operation:
        case Constant(value):
            return LinearForm(value, {})
        case Multiply(factor):
            form = forms[sources[0]]
            return LinearForm(form.constant * factor, {key: c * factor for key, c in form.coefficients.items()})
        case Add(left, offset):
            return _sum(forms[sources[0]], forms[sources[1]], left, offset, 1)
        case Subtract(left, offset):
            return _sum(forms[sources[0]], forms[sources[1]], left, offset, -1)
        case Count(bits, inverted):
            total: dict[Quantity, int] = {}
            for source, bit, flip in zip(sources, bits, inverted, strict=True):
                key = (source, bit) if (source, bit) in forms[source].coefficients else (source, WHOLE)
                total[key] = total.get(key, 0) + (-1 if flip else 1)
            return LinearForm(sum(inverted), total)
        case _:
            assert_never(operation)


def _sum(a: LinearForm, b: LinearForm, left: tuple[int, int], offset: int, sign: int) -> LinearForm:
    """`(a << left[0]) + sign * (b << left[1]) + offset`."""
    total = {key: c << left[0] for key, c in a.coefficients.items()} if left[0] else dict(a.coefficients)
    for key, c in b.coefficients.items():
        total[key] = total.get(key, 0) + sign * (c << left[1])
    return LinearForm((a.constant << left[0]) + sign * (b.constant << left[1]) + offset, total)
