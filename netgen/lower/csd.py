"""Sharing `csd`: each weight is a few shifted copies of its input, which a balanced tree adds and subtracts."""

from collections.abc import Mapping, Sequence

from netgen.ir.digits import signed_digits
from netgen.lower.builder import OperatorBuilder, Term


def add_digits(builder: OperatorBuilder, rows: Sequence[Mapping[int, int]], bias: Sequence[int | None]) -> list[Term]:
    """Write weights in canonical signed digits and add up, neuron by neuron.

    Source: Reitwiesner 1960 (canonical signed digits).
    """
    return builder.sums(
        [
            [*digits_of(row), *constant_of(builder, added)] or [zero(builder)]
            for row, added in zip(rows, bias, strict=True)
        ],
        [added is not None for added in bias],
    )


def digits_of(row: Mapping[int, int]) -> list[Term]:
    """The shifted words whose sum is a row of weights times words, by operator."""
    return [
        Term(operator, shift, sign < 0) for operator, weight in row.items() for shift, sign in signed_digits(weight)
    ]


def constant_of(builder: OperatorBuilder, number: int | None) -> list[Term]:
    """A number as a term, whose shift holds the number's trailing zeros; no term for 0, or None."""
    if not number:
        return []
    zeros = (number & -number).bit_length() - 1
    return [Term(builder.constant(abs(number) >> zeros), zeros, number < 0)]


def zero(builder: OperatorBuilder) -> Term:
    """The term of value 0."""
    return Term(builder.constant(0))
