"""Sharing `none`: each weight multiplies by itself; the readable baseline."""

from collections.abc import Sequence

import numpy as np

from netgen.ir.fixed import Words
from netgen.lower.builder import Builder, Term
from netgen.lower.csd import constant_of, zero
from netgen.operators.kinds import Multiply


def products(builder: Builder, weight: Words, bias: Words, inputs: Sequence[int]) -> list[Term]:
    """Multiply by the magnitudes of the weights, and add; what is negative is taken away."""
    return builder.sums(
        [
            [*_weighed(builder, index, row, inputs), *constant_of(builder, int(added))] or [zero(builder)]
            for index, (row, added) in enumerate(zip(weight, bias, strict=True))
        ]
    )


def _weighed(builder: Builder, index: int, row: Words, inputs: Sequence[int]) -> list[Term]:
    terms = []
    for source in np.flatnonzero(row).tolist():
        factor, negative = abs(int(row[source])), bool(row[source] < 0)
        exponent = factor.bit_length() - 1
        if factor == 1 << exponent:
            terms.append(Term(inputs[source], exponent, negative))
        else:
            terms.append(Term(builder.add(Multiply(factor), inputs[source], index=index), 0, negative))
    return terms
