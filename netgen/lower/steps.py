"""Step functions of a sum: a table, a count of breaks, one or two rounded lines, or selections between constants."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from netgen.ir.activation import StepFunction
from netgen.ir.fixed import FixedPoint, bits_of
from netgen.lower.bit_counts import MOST
from netgen.lower.builder import OperatorBuilder, Term
from netgen.lower.csd import constant_of
from netgen.lower.line import bend_of, line_through
from netgen.lower.scale import add_scaled
from netgen.operators.cost import lut_of
from netgen.operators.kinds import MOST_TABLE_BITS, Count, Greater, Maximum, Minimum, Select, Shift, Table

FEWEST_BREAKS = 4
"""With fewer breaks than this, no straight line through them is tried."""
MOST_SELECTED = 32
"""Breaks up to which selections are tried beside a line."""
FEWEST_OF_LINE = 2
"""Breaks that a straight line needs."""
MOST_BENT = 1 << 10
"""Breaks up to which two straight lines are tried."""
_FAR = 1 << 61
"""A break there is never reached; no accumulator passes 2**60."""


def add_steps(  # the sum, the function and the neuron
    builder: OperatorBuilder,
    total: Term,
    bias: int,
    function: StepFunction,
    output: FixedPoint | None,
    index: int,
    *,
    divisor: int = 1,
) -> int:
    """Add the operators that give a step function of a sum; return the number of the result.

    Of a table, a count, a straight line, two of them and a tree of selections, where they are possible, the one of
    fewest look-up tables is kept.

    Args:
        total: the sum without its bias, which moves the breaks instead.
        output: format in which the word saturates, if it does.
        divisor: of all differences between values of the sum.
    """
    at, value = breaks_of(builder, total, bias, function, output, divisor)
    if not at:
        return builder.constant(value[0])
    number = total.operator

    def make() -> Term:
        ways = list(_ways(builder, number, at, value, index))
        return Term(min(ways, key=lambda way: _lut(builder, way, number)))

    return builder.repeated(("steps", at, value), [number], index, make).operator


def breaks_of(
    builder: OperatorBuilder, total: Term, bias: int, function: StepFunction, output: FixedPoint | None, divisor: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The values of the sum's operator at which the word changes, and the words before, between and after them.

    Only values that the divisor allows are among them, and only words at such values.
    """
    lo, hi = builder.range_of(total.operator)
    values = function.value if output is None else np.clip(function.value, output.lo, output.hi)
    stride = max(divisor >> total.shift, 1)
    reached = -((bias - np.clip(function.at, -_FAR, _FAR)) >> total.shift)
    reached = lo - (lo - reached) // stride * stride
    at: list[int] = []
    found: list[int] = [int(values[0])]
    for place, value in zip(reached.tolist(), values[1:].tolist(), strict=True):
        if place <= lo:
            found = [value]
        elif place <= hi:
            if at and at[-1] == place:
                found[-1] = value
            else:
                at.append(place)
                found.append(value)
    kept = [k for k, (before, after) in enumerate(pairwise(found)) if before != after]
    return tuple(at[k] for k in kept), (found[0], *(found[k + 1] for k in kept))


def _ways(
    builder: OperatorBuilder, number: int, at: tuple[int, ...], value: tuple[int, ...], index: int
) -> Iterator[int]:
    """Add a step function in each way that is possible; yield the results."""
    lo, hi = builder.range_of(number)
    width, signed = bits_of(lo, hi)
    if width <= MOST_TABLE_BITS:
        word = np.arange(1 << width)
        word = np.clip(word - (word >> (width - 1) << width if signed else 0), lo, hi)
        entries = np.array(value)[np.searchsorted(at, word, side="right")]
        yield builder.add(Table(tuple(entries.tolist())), number, index=index)
    steps = {after - before for before, after in pairwise(value)}
    if len(steps) == 1:
        (step,) = steps
        if abs(step).bit_count() == 1:
            yield _counted(builder, number, at, value, index)
    line = line_through(at) if FEWEST_BREAKS <= len(at) < 1 << MOST_TABLE_BITS else None
    if line is not None and steps in ({1}, {-1}):
        yield _on_line(builder, number, line, value, index)
    elif line is not None:
        place = _on_line(builder, number, line, range(len(value)), index)
        missing = (1 << builder.operators[place].width) - len(value)
        yield builder.add(Table((*value, *[value[-1]] * missing)), place, index=index)
    bent = None
    if (line is None or len(steps) > 1) and steps <= {1, -1} and FEWEST_BREAKS <= len(at) <= MOST_BENT:
        bent = _on_two_lines(builder, number, at, value, index)
    if bent is not None:
        yield bent
    if (line is None and bent is None) or len(at) <= MOST_SELECTED:
        yield _selected(builder, number, at, value, index)


def _on_line(
    builder: OperatorBuilder, number: int, line: tuple[int, int, int], value: Sequence[int], index: int
) -> int:
    """A straight line, rounded and limited; `value` rises or falls by 1 at each break."""
    multiplier, offset, shift = line
    if value[-1] < value[0]:  # -floor(y) is the floor of (2**shift - 1) / 2**shift - y
        multiplier, offset = -multiplier, (1 << shift) - 1 - offset
    total = add_scaled(builder, Term(number), multiplier, offset + (value[0] << shift), index)
    word = total.operator
    if shift != total.shift:
        word = builder.add(Shift(shift - total.shift), word, index=index)
    lo, hi = builder.range_of(word)
    if lo < min(value):
        word = builder.add(Maximum(min(value)), word, index=index)
    return builder.add(Minimum(max(value)), word, index=index) if hi > max(value) else word


def _on_two_lines(
    builder: OperatorBuilder, number: int, at: Sequence[int], value: Sequence[int], index: int
) -> int | None:
    """Two straight lines, such as those of a leaky ReLU, one before and one from some break on; None if none fit.

    Each is limited to the words on its side, so both give the word between the two breaks where they meet, and any
    place there divides them; the roundest is cheapest to compare with.
    """
    steps = [after - before for before, after in pairwise(value)]
    turns = [k for k, (before, after) in enumerate(pairwise(steps), start=1) if before != after]
    bend = bend_of(at) if not turns else turns[0] if len(turns) == 1 else None
    if bend is None or bend < FEWEST_OF_LINE or len(at) - bend < FEWEST_OF_LINE:
        return None
    lines = line_through(at[:bend]), line_through(at[bend:])
    if lines[0] is None or lines[1] is None:
        return None
    before = _on_line(builder, number, lines[0], value[: bend + 1], index)
    after = _on_line(builder, number, lines[1], value[bend:], index)
    zeros = (at[bend] - at[bend - 1]).bit_length() - 1
    divide = at[bend] >> zeros << zeros
    return builder.add(Select(), _reaches(builder, number, divide, index), after, before, index=index)


def _counted(builder: OperatorBuilder, number: int, at: Sequence[int], value: Sequence[int], index: int) -> int:
    """Count the breaks that are reached, or those that are not where the function falls; all steps are equal."""
    falls = value[-1] < value[0]
    bits = [_reaches(builder, number, place, index, inverted=falls) for place in at]
    exponent = abs(value[1] - value[0]).bit_length() - 1
    groups = [bits[k : k + MOST] for k in range(0, len(bits), MOST)]
    terms = [
        Term(
            group[0]
            if len(group) == 1
            else builder.add(Count((0,) * len(group), (False,) * len(group)), *group, index=index),
            exponent,
        )
        for group in groups
    ]
    total = builder.sum([*terms, *constant_of(builder, min(value))], index, 0)
    return builder.add(Shift(-total.shift), total.operator, index=index) if total.shift else total.operator


def _selected(builder: OperatorBuilder, number: int, at: Sequence[int], value: Sequence[int], index: int) -> int:
    """Select between constants: by the middle break first, then within each half."""
    if not at:
        return builder.constant(value[0])
    if tuple(value) in ((0, 1), (1, 0)):
        return _reaches(builder, number, at[0], index, inverted=value[0] == 1)
    middle = len(at) // 2
    above = _selected(builder, number, at[middle + 1 :], value[middle + 1 :], index)
    below = _selected(builder, number, at[:middle], value[: middle + 1], index)
    return builder.add(Select(), _reaches(builder, number, at[middle], index), above, below, index=index)


def _reaches(builder: OperatorBuilder, number: int, place: int, index: int, *, inverted: bool = False) -> int:
    """Whether an operator reaches a break; inverted, whether it is below it."""
    if inverted:
        return builder.add(Greater(), builder.constant(place), number, index=index)
    return builder.add(Greater(), number, builder.constant(place - 1), index=index)


def _lut(builder: OperatorBuilder, root: int, number: int) -> float:
    """Look-up tables of the operators that come after `number` and on which the result depends."""
    at, left, seen, lut = builder.operators, [root], set[int](), 0.0
    while left:
        one = left.pop()
        if one > number and one not in seen:
            seen.add(one)
            lut += lut_of(at[one], at)
            left.extend(at[one].sources)
    return lut
