"""From a neuron's sum or maximum to its word: scale, shift and limit, each only where its range requires it."""

from collections.abc import Iterable
from math import gcd

from netgen.ir.activation import Rescale, Scale, Steps
from netgen.ir.circuit import CircuitLayer
from netgen.ir.fixed import FixedPoint, shift_round
from netgen.lower.builder import OperatorBuilder, Term
from netgen.lower.scale import add_scaled
from netgen.lower.steps import add_steps
from netgen.operators.kinds import Constant, Maximum, Minimum, Round, Shift


def constant_in_sum(layer: CircuitLayer, bias: int) -> int | None:
    """The constant that a neuron's sum includes; None for any, where it moves breaks, or an offset.

    It includes half a step of the word, so that dropping low bits rounds.
    """
    activation = layer.activation
    if not isinstance(activation, Rescale):
        return None
    return bias + (1 << (activation.shift - 1) if activation.shift > 0 and activation.rounding == "up" else 0)


def add_activated(
    builder: OperatorBuilder, total: Term, bias: int, weights: Iterable[int], layer: CircuitLayer, index: int
) -> int:
    """Add the operators that turn a sum or maximum into a word; return the operator that gives the word.

    Args:
        total: the sum, with the constant that `constant_in_sum` says.
        weights: of the words that the neuron reads.
    """
    activation = layer.activation
    bias -= builder.surplus_of(total)
    if isinstance(activation, Steps):
        divisor = gcd(*weights)
        word = add_steps(builder, total, bias, activation.of(index), layer.output, index, divisor=divisor)
        return _own(builder, word, index)
    if isinstance(activation, Scale):
        multiplier, offset = int(activation.multiplier[index]), int(activation.offset[index])
        scaled = add_scaled(builder, total, multiplier, bias * multiplier + offset, index)
        return add_word(builder, scaled, Rescale(activation.shift), layer.output, index)
    return add_word(builder, total, activation, layer.output, index)


def add_word(builder: OperatorBuilder, total: Term, activation: Rescale, output: FixedPoint | None, index: int) -> int:
    """Shift and limit a sum; return the operator that gives the word.

    Args:
        total: the sum. When halves are rounded up it includes half a step of the word, so that dropping its low bits
            rounds it.
        activation: its shift is negative to append zeros.
        output: format in which the word saturates, if it does.
    """
    number, drop = total.operator, activation.shift - total.shift
    if drop > 0 and activation.rounding == "even":
        number = builder.add(Round(drop), number, index=index)
    elif drop:
        number = builder.add(Shift(drop), number, index=index)
    lo, hi = builder.range_of(number)
    floor, ceiling = limits_of(activation, output)
    if floor is not None and lo < floor:
        number = builder.add(Maximum(floor), number, index=index)
    if ceiling is not None and hi > ceiling:
        number = builder.add(Minimum(ceiling), number, index=index)
    return _own(builder, number, index)


def _own(builder: OperatorBuilder, number: int, index: int) -> int:
    """The operator of a word; a copy where it is not the neuron's own, so that every neuron has one."""
    operator = builder.operators[number]
    if isinstance(operator.operation, Constant) or (operator.layer, operator.index) == (builder.layer, index):
        return number
    return builder.add(Shift(0), number, index=index)


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
