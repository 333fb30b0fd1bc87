"""Sharing `csd`: each weight is a few shifted copies of its input, added in a balanced tree."""

from collections.abc import Sequence

import numpy as np

from netgen.ir.digits import signed_digits
from netgen.ir.fixed import Words
from netgen.lower.builder import Builder, Term


def csd(builder: Builder, weight: Words, bias: Words, inputs: Sequence[int]) -> list[Term]:
    """Write weights in canonical signed digits and add, neuron by neuron."""
    return builder.sums(
        [
            [*digits_of(row, inputs), *constant_of(builder, int(added))] or [zero(builder)]
            for row, added in zip(weight, bias, strict=True)
        ]
    )


def digits_of(row: Words, inputs: Sequence[int]) -> list[Term]:
    """The shifted inputs that add up to a row of weights times the inputs."""
    return [
        Term(inputs[source], shift, sign < 0)
        for source in np.flatnonzero(row).tolist()
        for shift, sign in signed_digits(int(row[source]))
    ]


def constant_of(builder: Builder, number: int) -> list[Term]:
    """A number as a term, its zeros at the end as a shift; no term, if it is 0."""
    if not number:
        return []
    zeros = (number & -number).bit_length() - 1
    return [Term(builder.constant(abs(number) >> zeros), zeros, number < 0)]


def zero(builder: Builder) -> Term:
    """The term that adds nothing."""
    return Term(builder.constant(0))
