"""Sharing `none`: each weight multiplies by itself; the readable baseline."""

from collections.abc import Sequence

import numpy as np

from netgen.fixed import Words
from netgen.lower.builder import Builder, Term


def products(builder: Builder, weight: Words, bias: Words, inputs: Sequence[int]) -> list[Term]:
    """Weigh and add: positive weights in one tree, negative ones in another, then one subtraction.

    All constants so are positive, and with unsigned inputs nothing is signed before the last step.
    """
    return [
        _accumulate(builder, index, row, int(added), inputs)
        for index, (row, added) in enumerate(zip(weight, bias, strict=True))
    ]


def _accumulate(builder: Builder, index: int, row: Words, bias: int, inputs: Sequence[int]) -> Term:
    plus: list[Term] = []
    minus: list[Term] = []
    for source in np.flatnonzero(row).tolist():
        factor = abs(int(row[source]))
        exponent = factor.bit_length() - 1
        if factor == 1 << exponent:
            term = Term(inputs[source], exponent)
        else:
            term = Term(builder.add("multiply", inputs[source], value=factor, index=index))
        (plus if row[source] > 0 else minus).append(term)
    if bias:
        (plus if bias > 0 else minus).append(Term(builder.constant(abs(bias))))
    sides = [builder.sum(side, index) for side in (plus, minus) if side]
    if not sides:
        return Term(builder.constant(0))
    if not minus:
        return sides[0]
    less = sides[-1]
    less = Term(less.operator, less.shift, negative=True)
    return builder.plus(sides[0], less, index) if plus else less
