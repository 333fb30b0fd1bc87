"""What operators take of an FPGA, without synthesis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from netgen.ir.fixed import Range, bits_of
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.kinds import (
    Add,
    Constant,
    Count,
    Greater,
    Input,
    Maximum,
    Minimum,
    Multiply,
    Select,
    Shift,
    Subtract,
    Table,
)
from netgen.operators.schedule import Schedule

LUT_PER_BIT = {Multiply: 2.5, Maximum: 0.5, Minimum: 1.0, Select: 0.7, Greater: 0.5}
"""6-input look-up tables per bit of a result (of a comparison: per bit of its first source), as Yosys maps them for a
Xilinx UltraScale+ (`netgen synth`)."""


@dataclass(frozen=True)
class Cost:
    """What a circuit is made of.

    Attributes:
        adders: additions, subtractions and counts of ones; adder_bits: their bits, but for those that are one source's
            as they are.
        multiplications: by constants; only without sharing.
        choices: comparisons, selections, ReLU and saturation; tables: look-up tables, a neuron each.
        levels: operators that take logic on the longest way from an input to an output.
        registers: bits of them.
        lut: an estimate for 6-input look-up tables.
    """

    adders: int
    adder_bits: int
    multiplications: int
    choices: int
    tables: int
    levels: int
    registers: int
    lut: int


def cost_of(graph: OperatorGraph, timing: Schedule) -> Cost:
    """Count, in one pass."""
    at = graph.operators
    lut = 0.0
    bits = 0
    for operator in at:
        if isinstance(operator.operation, Add | Subtract):
            bits += _adder_bits(operator, operator.operation, at)
        elif isinstance(operator.operation, Count):
            bits += operator.width
        lut += lut_of(operator, at)
    return Cost(
        adders=graph.count(Add, Subtract, Count),
        adder_bits=bits,
        multiplications=graph.count(Multiply),
        choices=graph.count(Maximum, Minimum, Greater, Select),
        tables=graph.count(Table),
        levels=max(graph.levels, default=0),
        registers=timing.registers(graph) + timing.latency,
        lut=round(lut),
    )


def _adder_bits(operator: Operator, operation: Add | Subtract, at: Sequence[Operator]) -> int:
    """Bits of a sum that need an adder; the bits below the second term's shift are those of the first term."""
    first, left = at[operator.sources[0]], operation.left
    low = left[1] if left[0] == 0 else 0
    if isinstance(operation, Add) and low >= first.width and not first.signed:
        return 0
    return max(operator.width - low, 0)


def lut_of(operator: Operator, at: Sequence[Operator]) -> float:
    """Estimate the 6-input look-up tables of one operator of the graph whose operators are `at`."""
    sources = [at[source] for source in operator.sources]
    operation = operator.operation
    match operation:
        case Input() | Constant() | Shift():
            return 0.0
        case Add(left, offset) | Subtract(left, offset):
            a, b = (source.range for source in sources)
            minus = isinstance(operation, Subtract)
            return adder_lut(a, b, left, operator.range, minus=minus, value=offset)
        case Count():
            return count_lut(len(sources))
        case Table():
            return operator.width * (1 << max(sum(source.width for source in sources) - 6, 0))
        case Greater():
            if isinstance(sources[1].operation, Constant):
                return _compare_lut(sources[0].width, sources[1].operation.value)
            return LUT_PER_BIT[Greater] * sources[0].width
        case Multiply() | Maximum() | Minimum() | Select():
            return LUT_PER_BIT[type(operation)] * operator.width
        case _:
            assert_never(operation)


def count_lut(bits: int) -> int:
    """Look-up tables that count up to six bits: one for each bit of the result."""
    return bits.bit_length()


def adder_lut(a: Range, b: Range, left: Sequence[int], reach: Range, *, minus: bool, value: int) -> int:
    """Look-up tables in front of the carry chain of a sum, as Yosys maps it: one for each bit in which both terms vary.

    Where one alone varies its bit goes into the chain as it is, and takes one only if it must be turned: because the
    term is taken away, or a constant has a one there. A term with a sign varies up to the highest bit. A difference
    that adds nothing needs a carry to begin with, and so another one.

    Args:
        a, b, reach: least and greatest values of the terms, before the shifts to the left, and of the sum.
        minus: whether b is taken away; value: what is added.
    """
    width = bits_of(*reach)[0]
    (first, _), (second, top) = (_field(term, shift, width) for term, shift in zip((a, b), left, strict=True))
    if not first:  # a constant, and above it or below it the bits of the other term
        ones = (a[0] << left[0]) + (0 if minus else value)
        return (second & (~ones if minus else ones)).bit_count()
    if not second:
        ones = value + (-b[0] if minus else b[0]) * (1 << left[1])
        return (first & ones).bit_count()
    both, alone = (first & second).bit_count(), (second & ~first).bit_count()
    above = first & -(1 << top)
    if minus and not value:  # what is taken away has ones above it
        return both + alone + above.bit_count() + 1
    return both + alone * minus + (above & value).bit_count()


def _field(term: Range, shift: int, width: int) -> tuple[int, int]:
    """A mask of the bits in which a shifted term varies, and the first bit above it."""
    if term[0] == term[1]:
        return 0, shift
    own, signed = bits_of(*term)
    top = width if signed else min(shift + own, width)
    return max((1 << top) - (1 << shift), 0), top


def _compare_lut(width: int, value: int) -> int:
    """Of a word greater than a constant: those bits count that lie above the ones at its end."""
    least = value + 1
    bits = width - ((least & -least).bit_length() - 1)
    return -(-(bits - 1) // 5)
