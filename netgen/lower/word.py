"""From a neuron's sum to its word: shift, activate and saturate, each only where the range of the sum requires it."""

from netgen.ir.circuit import CircuitLayer
from netgen.lower.builder import Builder, Term
from netgen.operators.kinds import Constant, Maximum, Minimum, Shift


def add_word(builder: Builder, total: Term, shift: int, layer: CircuitLayer, index: int) -> int:
    """Add the operators that turn a sum into a word; return the operator that gives the word.

    Args:
        total: the sum. It includes half a step of the word, so that dropping its low bits rounds it.
        shift: right shift from accumulator to output; negative to append zeros.
    """
    number, drop = total.operator, shift - total.shift
    if drop:
        number = builder.add(Shift(drop), number, index=index)
    lo, hi = builder.range_of(number)
    floor = 0 if layer.activation == "relu" else lo if layer.output is None else layer.output.lo
    if lo < floor:
        number = builder.add(Maximum(floor), number, index=index)
    if layer.output is not None and hi > layer.output.hi:
        number = builder.add(Minimum(layer.output.hi), number, index=index)
    operator = builder.operators[number]
    if isinstance(operator.operation, Constant) or (operator.layer, operator.index) == (builder.layer, index):
        return number
    return builder.add(Shift(0), number, index=index)  # so that every neuron has an operator of its own
