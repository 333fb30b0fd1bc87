"""What operators take of an FPGA, without synthesis."""

from collections.abc import Sequence
from dataclasses import dataclass

from netgen.operators import Operator, OperatorGraph
from netgen.pipeline import Schedule

LUT_PER_BIT = {"adder": 0.95, "multiply": 2.5, "maximum": 0.5, "minimum": 1.0, "greater": 0.5, "select": 0.7}
"""6-input look-up tables for each bit of a result, as Yosys takes them for a Xilinx UltraScale+ (`netgen synth`)."""


@dataclass(frozen=True)
class Cost:
    """What a circuit is made of.

    Attributes:
        adders: additions and subtractions; adder_bits: their bits, but for those that are one source's as they are.
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
            own = adder_bits(operator, [at[source] for source in operator.sources])
            bits += own
            lut += LUT_PER_BIT["adder"] * own
        elif operator.kind == "table":
            lut += operator.width * (1 << max(sum(at[source].width for source in operator.sources) - 6, 0))
        elif operator.kind == "greater" and at[operator.sources[1]].kind == "constant":
            lut += _compare_lut(at[operator.sources[0]].width, at[operator.sources[1]].value)
        else:
            lut += LUT_PER_BIT.get(operator.kind, 0.0) * _width(operator, at)
    return Cost(
        adders=graph.count("add", "subtract"),
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


def _compare_lut(width: int, value: int) -> int:
    """Of a word greater than a constant: those bits count that lie above the ones at its end."""
    least = value + 1
    bits = width - ((least & -least).bit_length() - 1)
    return -(-(bits - 1) // 5)


def _width(operator: Operator, at: Sequence[Operator]) -> int:
    """The bits that an operator's logic goes by: of a comparison, those of what it compares."""
    return at[operator.sources[0]].width if operator.kind == "greater" else operator.width
