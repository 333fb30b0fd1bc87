"""Sharing `none`: a multiplication for each weight; the readable baseline."""

from collections.abc import Mapping, Sequence

from netgen.lower.builder import OperatorBuilder, Term
from netgen.lower.csd import constant_of, zero
from netgen.operators.kinds import Multiply


def add_products(builder: OperatorBuilder, rows: Sequence[Mapping[int, int]], bias: Sequence[int | None]) -> list[Term]:
    """Multiply each word by the magnitude of its weight, then add the products of positive weights and subtract the
    others.
    """
    return builder.sums(
        [
            [*_products(builder, index, row), *constant_of(builder, added)] or [zero(builder)]
            for index, (row, added) in enumerate(zip(rows, bias, strict=True))
        ],
        [added is not None for added in bias],
    )


def _products(builder: OperatorBuilder, index: int, row: Mapping[int, int]) -> list[Term]:
    """The products of one neuron; a power of two is a shift, and needs no multiplication."""
    terms = []
    for operator, weight in row.items():
        factor, negative = abs(weight), weight < 0
        exponent = factor.bit_length() - 1
        if factor == 1 << exponent:
            terms.append(Term(operator, exponent, negative))
        else:
            terms.append(Term(builder.add(Multiply(factor), operator, index=index), 0, negative))
    return terms
