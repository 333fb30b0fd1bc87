"""What operators take of an FPGA, without synthesis."""

from collections.abc import Sequence
from dataclasses import dataclass

from netgen.ir.fixed import bits_of
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.schedule import Schedule

LUT_PER_BIT = {"multiply": 2.5, "maximum": 0.5, "minimum": 1.0, "greater": 0.5, "select": 0.7}
"""6-input look-up tables for each bit of a result, as Yosys takes them for a Xilinx UltraScale+ (`netgen synth`)."""
Reach = tuple[int, int]


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
        if operator.kind in ("add", "subtract"):
            bits += adder_bits(operator, [at[source] for source in operator.sources])
        elif operator.kind == "count":
            bits += operator.width
        lut += lut_of(operator, at)
    return Cost(
        adders=graph.count("add", "subtract", "count"),
        adder_bits=bits,
        multiplications=graph.count("multiply"),
        choices=graph.count("maximum", "minimum", "greater", "select"),
        tables=graph.count("table"),
        levels=max(graph.levels, default=0),
        registers=timing.registers(graph) + timing.latency,
        lut=round(lut),
    )


def adder_bits(operator: Operator, sources: Sequence[Operator]) -> int:
    """Bits of a sum that need an adder: not those that are one source's, as they are."""
    low = operator.left[1] if operator.left[0] == 0 else 0
    if operator.kind == "add" and low >= sources[0].width and not sources[0].signed:
        return 0
    return max(operator.width - low, 0)


def lut_of(operator: Operator, at: Sequence[Operator]) -> float:
    """Look-up tables that an operator of a graph takes."""
    if operator.kind in ("add", "subtract"):
        a, b = (at[source] for source in operator.sources)
        reach = operator.lo, operator.hi
        minus = operator.kind == "subtract"
        return adder_lut((a.lo, a.hi), (b.lo, b.hi), operator.left, reach, minus=minus, value=operator.value)
    if operator.kind == "count":
        return count_lut(len(operator.sources))
    if operator.kind == "table":
        return operator.width * (1 << max(sum(at[source].width for source in operator.sources) - 6, 0))
    width = at[operator.sources[0]].width if operator.kind == "greater" else operator.width
    if operator.kind == "greater" and at[operator.sources[1]].kind == "constant":
        return _compare_lut(width, at[operator.sources[1]].value)
    return LUT_PER_BIT.get(operator.kind, 0.0) * width


def count_lut(bits: int) -> int:
    """Look-up tables that count up to six bits: one for each bit of the result."""
    return bits.bit_length()


def adder_lut(a: Reach, b: Reach, left: Sequence[int], reach: Reach, *, minus: bool, value: int) -> int:
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


def _field(term: Reach, shift: int, width: int) -> tuple[int, int]:
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
