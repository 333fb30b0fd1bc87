"""The FPGA resources of operators, estimated without synthesis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from netgen.ir.fixed import Interval, bits_of
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.kinds import (
    Add,
    Constant,
    Count,
    Greater,
    Hold,
    Input,
    Larger,
    Maximum,
    Minimum,
    Multiply,
    Round,
    Select,
    Shift,
    Subtract,
    Table,
)
from netgen.operators.schedule import Schedule

__all__ = ["LogicCost", "adder_lut", "cost_of", "count_lut", "lut_of"]

LUT_PER_BIT = {Multiply: 2.5, Larger: 1.8, Maximum: 0.5, Minimum: 1.0, Select: 0.7, Greater: 0.5}
"""6-input look-up tables per bit of a result (of a comparison: per bit of its first source), as Yosys maps them for a
Xilinx UltraScale+ (`netgen synth`)."""


@dataclass(frozen=True)
class LogicCost:
    """The operators of a circuit, counted.

    Attributes:
        adders: number of additions, subtractions and counts of ones.
        adder_bits: bits of their results, without those that are bits of one source unchanged.
        multiplications: number of multiplications by constants; only `sharing: none` has any.
        choices: number of comparisons, selections, maxima, ReLUs and saturations.
        tables: number of look-up tables: of neurons that few bits enter, and of step functions of narrow sums.
        levels: number of operators with logic on the longest path from an input to an output.
        registers: bits of pipeline registers.
        lut: estimated number of 6-input look-up tables.
    """

    adders: int
    adder_bits: int
    multiplications: int
    choices: int
    tables: int
    levels: int
    registers: int
    lut: int


def cost_of(graph: OperatorGraph, timing: Schedule) -> LogicCost:
    """Count the operators of a graph and the registers of its schedule, and estimate the look-up tables."""
    at = graph.operators
    bits = 0
    for operator in at:
        if isinstance(operator.operation, Add | Subtract):
            bits += _adder_bits(operator, operator.operation, at)
        elif isinstance(operator.operation, Count):
            bits += operator.width
    return LogicCost(
        adders=graph.count(Add, Subtract, Count),
        adder_bits=bits,
        multiplications=graph.count(Multiply),
        choices=graph.count(Larger, Maximum, Minimum, Greater, Select),
        tables=graph.count(Table),
        levels=max(graph.levels, default=0),
        registers=timing.registers(graph) + timing.latency,
        lut=round(sum(lut_of(operator, at) for operator in at)),
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
        case Input() | Constant() | Shift() | Hold():
            return 0.0
        case Add() | Subtract():
            return adder_lut(operation, sources[0].range, sources[1].range, operator.range)
        case Count():
            return count_lut(len(sources))
        case Table():
            return operator.width * (1 << max(sum(source.width for source in sources) - 6, 0))
        case Greater():
            if isinstance(sources[1].operation, Constant):
                return _compare_lut(sources[0].width, sources[1].operation.value)
            if isinstance(sources[0].operation, Constant):
                return _compare_lut(sources[1].width, sources[0].operation.value - 1)
            return LUT_PER_BIT[Greater] * sources[0].width
        case Round(right):
            return 1 + max(right - 3, 0) / 5  # bits go into the carry chain directly; one table computes what is added
        case Multiply() | Larger() | Maximum() | Minimum() | Select():
            return LUT_PER_BIT[type(operation)] * operator.width
        case _:
            assert_never(operation)


def count_lut(bits: int) -> int:
    """Look-up tables that count up to six bits: one for each bit of the result."""
    return bits.bit_length()


def adder_lut(operation: Add | Subtract, a: Interval, b: Interval, total: Interval) -> int:
    """Estimate the look-up tables in front of a sum's carry chain, as Yosys maps it.

    Each bit in which both terms vary needs one. A bit in which one term alone varies goes into the chain directly, and
    needs one only where it must be inverted: because the term is subtracted, or because a constant has a 1 there. A
    signed term varies up to the highest bit. A difference without an offset needs an initial carry, and one more.

    Args:
        a, b, total: the ranges of the terms, before they are shifted left, and of the sum.
    """
    left, offset, minus = operation.left, operation.offset, isinstance(operation, Subtract)
    width = bits_of(*total)[0]
    (first, _), (second, top) = (_varying(term, shift, width) for term, shift in zip((a, b), left, strict=True))
    if not first:  # a is a constant
        ones = (a[0] << left[0]) + (0 if minus else offset)
        return (second & (~ones if minus else ones)).bit_count()
    if not second:  # b is a constant
        ones = offset + (-b[0] if minus else b[0]) * (1 << left[1])
        return (first & ones).bit_count()
    both, alone = (first & second).bit_count(), (second & ~first).bit_count()
    above = first & -(1 << top)
    if minus and not offset:  # the subtrahend has ones above its highest bit
        return both + alone + above.bit_count() + 1
    return both + alone * minus + (above & offset).bit_count()


def _varying(term: Interval, shift: int, width: int) -> tuple[int, int]:
    """A mask of the bits in which a shifted term varies, and the first bit above it."""
    if term[0] == term[1]:
        return 0, shift
    own, signed = bits_of(*term)
    top = width if signed else min(shift + own, width)
    return max((1 << top) - (1 << shift), 0), top


def _compare_lut(width: int, value: int) -> int:
    """Look-up tables of a comparison with a constant, in which the trailing ones of the constant have no influence."""
    least = value + 1
    bits = width - ((least & -least).bit_length() - 1)
    return -(-(bits - 1) // 5)
