"""Sharing `none`: a multiplication for each weight; the readable baseline."""

from collections.abc import Sequence

import numpy as np

from netgen.ir.fixed import Words
from netgen.lower.builder import Builder, Term
from netgen.lower.csd import constant_of, zero
from netgen.operators.kinds import Multiply


def add_products(builder: Builder, weight: Words, bias: Words, inputs: Sequence[int]) -> list[Term]:
    """Multiply each input by the magnitude of its weight, then add the products of positive weights and subtract the
    others.
    """
    return builder.sums(
        [
            [*_products(builder, index, row, inputs), *constant_of(builder, int(added))] or [zero(builder)]
            for index, (row, added) in enumerate(zip(weight, bias, strict=True))
        ]
    )


def _products(builder: Builder, index: int, row: Words, inputs: Sequence[int]) -> list[Term]:
    """The products of one neuron; a power of two is a shift, and needs no multiplication."""
    terms = []
    for source in np.flatnonzero(row).tolist():
        factor, negative = abs(int(row[source])), bool(row[source] < 0)
        exponent = factor.bit_length() - 1
        if factor == 1 << exponent:
            terms.append(Term(inputs[source], exponent, negative))
        else:
            terms.append(Term(builder.add(Multiply(factor), inputs[source], index=index), 0, negative))
    return terms
