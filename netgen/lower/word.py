"""From a neuron's sum to its word: shift, activate and saturate, each only where the range of the sum requires it."""

from netgen.ir.activation import Rescale
from netgen.ir.fixed import FixedPoint, shift_round
from netgen.lower.builder import Builder, Term
from netgen.operators.kinds import Constant, Maximum, Minimum, Shift


def add_word(builder: Builder, total: Term, activation: Rescale, output: FixedPoint | None, index: int) -> int:
    """Add the operators that turn a sum into a word; return the operator that gives the word.

    Args:
        total: the sum. It includes half a step of the word, so that dropping its low bits rounds it.
        activation: its shift is negative to append zeros.
        output: format in which the word saturates, if it does.
    """
    number, drop = total.operator, activation.shift - total.shift
    if drop:
        number = builder.add(Shift(drop), number, index=index)
    lo, hi = builder.range_of(number)
    floor, ceiling = limits_of(activation, output)
    if floor is not None and lo < floor:
        number = builder.add(Maximum(floor), number, index=index)
    if ceiling is not None and hi > ceiling:
        number = builder.add(Minimum(ceiling), number, index=index)
    operator = builder.operators[number]
    if isinstance(operator.operation, Constant) or (operator.layer, operator.index) == (builder.layer, index):
        return number
    return builder.add(Shift(0), number, index=index)  # so that every neuron has an operator of its own


def limits_of(activation: Rescale, output: FixedPoint | None) -> tuple[int | None, int | None]:
    """The least and the greatest word that activation and output format allow; None for no limit.

    Rounding is monotone, so a limit of the accumulator is the word that it rounds to.
    """
    lo, hi = (
        None if limit is None else int(shift_round(limit, activation.shift, activation.rounding))
        for limit in (activation.lo, activation.hi)
    )
    if output is not None:
        lo = output.lo if lo is None else min(max(lo, output.lo), output.hi)
        hi = output.hi if hi is None else max(min(hi, output.hi), output.lo)
    return lo, hi
