"""The kinds of operators: one class for each kind, and its meaning in integers.

To add a kind, write its class here and name it in `Operation`. `mypy` then reports every function that has no case for
it, because each ends in `assert_never`:

| file | what it holds for each kind |
|---|---|
| `operators/kinds.py` | its fields, its sources, its value, its range, whether it needs logic |
| `operators/file.py` | its line in `operators.json` |
| `operators/cost.py` | its look-up tables |
| `operators/symbols.py` | the function that the proof compares with the circuit |
| `hdl/expressions.py`, `hdl/top.py` | its expression in Verilog and in Amaranth |
| `hdl/driven.py` | its slope: by how much its value rises when a source rises |

The function of `netgen/lower/` that adds operators of the new kind, and the tables of kinds in the tests
(`test_operators.py`, `mutants.py`), complete the change. `report/drawing.py` writes the name of a kind that it has no
sign for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from netgen.ir.fixed import Interval, Words, shift_round

MOST_TABLE_BITS = 8
"""Address bits of the largest table; each further bit doubles its entries."""
MOST_GATES = 62
"""Gates of one `Hold`: as many selections may discard the same operators."""
COUNTED_BITS = 2, 6
"""Fewest and most bits that one `Count` adds; a 6-input look-up table computes one bit of the result."""


@dataclass(frozen=True, slots=True)
class Input:
    """Word `word` of the sample. No sources."""

    word: int


@dataclass(frozen=True, slots=True)
class Constant:
    """Always `value`. No sources."""

    value: int


@dataclass(frozen=True, slots=True)
class Add:
    """`(a << left[0]) + (b << left[1]) + offset`."""

    left: tuple[int, int] = (0, 0)
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Subtract:
    """`(a << left[0]) - (b << left[1]) + offset`."""

    left: tuple[int, int] = (0, 0)
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Multiply:
    """`a * factor`, where the factor is positive."""

    factor: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many of 2 to 6 bits are 1: bit `bits[k]` of source k, inverted first where `inverted[k]`."""

    bits: tuple[int, ...]
    inverted: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """`a >> right`, rounded down; a negative `right` appends zeros."""

    right: int


@dataclass(frozen=True, slots=True)
class Round:
    """`a / 2**right`, rounded to the nearest integer, halves to the even one; `right` is at least 1."""

    right: int


@dataclass(frozen=True, slots=True)
class Larger:
    """The larger of a and b."""


@dataclass(frozen=True, slots=True)
class Maximum:
    """The greater of a and `limit`."""

    limit: int


@dataclass(frozen=True, slots=True)
class Minimum:
    """The lesser of a and `limit`."""

    limit: int


@dataclass(frozen=True, slots=True)
class Greater:
    """1 if a > b, else 0."""


@dataclass(frozen=True, slots=True)
class Select:
    """b if a is not 0, else c."""


@dataclass(frozen=True, slots=True)
class Hold:
    """a, in a register that keeps its value for samples for which one of the gates b, c and so on is 0.

    Only what such a gate discards reads it, so its value is a wherever a score depends on it.
    """


@dataclass(frozen=True, slots=True)
class Table:
    """`entries[i]`, where the bits of all sources side by side form the address i, those of the first the lowest."""

    entries: tuple[int, ...]


Operation = (
    Input
    | Constant
    | Add
    | Subtract
    | Multiply
    | Count
    | Shift
    | Round
    | Larger
    | Maximum
    | Minimum
    | Greater
    | Select
    | Hold
    | Table
)


def kind_of(operation: Operation) -> str:
    """The name of an operation's kind."""
    return type(operation).__name__.lower()


def needs_logic(operation: Operation) -> bool:
    """Whether hardware needs gates for an operation; the others are wiring."""
    match operation:
        case Input() | Constant() | Shift() | Hold():
            return False
        case Add() | Subtract() | Multiply() | Count() | Round() | Larger():
            return True
        case Maximum() | Minimum() | Greater() | Select() | Table():
            return True
        case _:
            assert_never(operation)


def sources_of(operation: Operation) -> tuple[int, int]:
    """The fewest and the most sources that an operation can have."""
    match operation:
        case Input() | Constant():
            return 0, 0
        case Multiply() | Shift() | Round() | Maximum() | Minimum():
            return 1, 1
        case Add() | Subtract() | Larger() | Greater():
            return 2, 2
        case Select():
            return 3, 3
        case Count(bits, _):
            return len(bits), len(bits)
        case Hold():
            return 2, 1 + MOST_GATES
        case Table():
            return 1, MOST_TABLE_BITS
        case _:
            assert_never(operation)


def compute(operation: Operation, inputs: Words, values: Sequence[Words], widths: Sequence[int]) -> Words:  # noqa: PLR0912  # one case for each kind
    """Compute an operation's values, (n,), for n samples.

    Args:
        inputs: (n, n_in) input words.
        values: (n,) of each source; widths: bits of each source.
    """
    match operation:
        case Input(word):
            return inputs[:, word]
        case Constant(value):
            return np.full(len(inputs), value, dtype=np.int64)
        case Add(left, offset):
            return (values[0] << left[0]) + (values[1] << left[1]) + offset
        case Subtract(left, offset):
            return (values[0] << left[0]) - (values[1] << left[1]) + offset
        case Multiply(factor):
            return values[0] * factor
        case Count(bits, inverted):
            picked = (value >> bit & 1 for value, bit in zip(values, bits, strict=True))
            return sum((bit ^ flip for bit, flip in zip(picked, inverted, strict=True)), np.zeros_like(values[0]))
        case Shift(right):
            return values[0] >> right if right >= 0 else values[0] << -right
        case Round(right):
            return shift_round(values[0], right, "even")
        case Larger():
            return np.maximum(values[0], values[1])
        case Maximum(limit):
            return np.maximum(values[0], limit)
        case Minimum(limit):
            return np.minimum(values[0], limit)
        case Greater():
            return (values[0] > values[1]).astype(np.int64)
        case Select():
            return np.where(values[0] != 0, values[1], values[2])
        case Hold():
            return values[0]
        case Table(entries):
            chosen: Words = np.array(entries, dtype=np.int64)[address_of(values, widths)]
            return chosen
        case _:
            assert_never(operation)


def address_of(values: Sequence[Words], widths: Sequence[int]) -> Words:
    """The address that the values of a table's sources, (n,) each, form; the first source has the lowest bits."""
    address = np.zeros_like(values[0])
    for value, width in zip(reversed(values), reversed(widths), strict=True):
        address = (address << width) | (value & ((1 << width) - 1))
    return address


def range_of(operation: Operation, sources: Sequence[Interval]) -> Interval:  # noqa: PLR0912  # one case for each kind
    """Least and greatest value of an operation whose sources have all values in their ranges, independently.

    The range of an input is its format, and is not derived here; that of a table covers all its entries.
    """
    match operation:
        case Input():
            raise ValueError("the range of an input is that of its format")
        case Constant(value):
            return value, value
        case Add(left, offset):
            (a, b), (c, d) = sources
            return (a << left[0]) + (c << left[1]) + offset, (b << left[0]) + (d << left[1]) + offset
        case Subtract(left, offset):
            (a, b), (c, d) = sources
            return (a << left[0]) - (d << left[1]) + offset, (b << left[0]) - (c << left[1]) + offset
        case Multiply(factor):
            return sources[0][0] * factor, sources[0][1] * factor
        case Count(bits, inverted):
            return _count_range(bits, inverted, sources)
        case Shift(right):
            lo, hi = sources[0]
            return (lo >> right, hi >> right) if right >= 0 else (lo << -right, hi << -right)
        case Round(right):
            lo, hi = sources[0]
            return _rounded(lo, right), _rounded(hi, right)
        case Larger():
            (a, b), (c, d) = sources
            return max(a, c), max(b, d)
        case Maximum(limit):
            return max(sources[0][0], limit), max(sources[0][1], limit)
        case Minimum(limit):
            return min(sources[0][0], limit), min(sources[0][1], limit)
        case Greater():
            (a, b), (c, d) = sources
            return int(a > d), int(b > c)
        case Select():
            condition, chosen, other = sources
            choices = [chosen] * (condition != (0, 0)) + [other] * (condition[0] <= 0 <= condition[1])
            return min(lo for lo, _ in choices), max(hi for _, hi in choices)
        case Hold():
            return sources[0]
        case Table(entries):
            return min(entries), max(entries)
        case _:
            assert_never(operation)


def _rounded(value: int, right: int) -> int:
    return (value + (1 << (right - 1)) - 1 + (value >> right & 1)) >> right


def _count_range(bits: Sequence[int], inverted: Sequence[bool], sources: Sequence[Interval]) -> Interval:
    """The range of a count: a bit is fixed where its source's least and greatest value agree from it upwards."""
    fixed = [lo >> bit & 1 if lo >> bit == hi >> bit else None for (lo, hi), bit in zip(sources, bits, strict=True)]
    ones = sum(bit is not None and bit != flip for bit, flip in zip(fixed, inverted, strict=True))
    return ones, ones + fixed.count(None)
