"""The cheapest activation that equals given step functions everywhere: a shift, a multiplication, or the steps."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from netgen.ir.activation import Rescale, Scale, StepFunction, activated
from netgen.ir.arrays import Bools
from netgen.ir.circuit import EXACT_LIMIT
from netgen.ir.fixed import FixedPoint, Words

__all__ = ["FEW_LEVELS", "scale_of", "shift_of"]

FEW_LEVELS = 16
"""Words of so few different values come from thresholds."""
MOST_SHIFT = 48
"""The largest shift after a multiplication."""
MORE_SHIFT = 10
"""Bits beyond the least shift that serves some neurons of a layer, among which one is searched that serves all."""
HALVES: tuple[Literal["even", "up"], ...] = ("even", "up")


def shift_of(functions: Sequence[StepFunction], function: Words, lo: Words, hi: Words) -> Rescale | None:
    """Find a shift with limits that gives the same words as step functions, of every accumulator in its range.

    A step function rises or falls, so it is known by its breaks: what gives the same words on both sides of every
    break, and at the ends of the range, gives the same words everywhere.

    Args:
        function: (n,) the step function of each neuron.
        lo, hi: (n,) least and greatest accumulators.
    """
    if not all(_monotone(one) for one in functions):
        return None
    pairs = [(at, one(at)) for one, at in zip(functions, _points(functions, function, lo, hi), strict=True)]
    least, most = min(int(words.min()) for _, words in pairs), max(int(words.max()) for _, words in pairs)
    reach = max(int(np.abs(at).max()) for at, _ in pairs)
    for shift in range(-max(abs(least), abs(most)).bit_length(), reach.bit_length() + 1):
        for halves in HALVES if shift > 0 else HALVES[1:]:
            found = Rescale(shift, rounding=halves)
            if all(np.array_equal(activated(found, at), words) for at, words in pairs):
                return found
            if shift >= 0:
                found = Rescale(shift, least << shift, most << shift, halves)
                if all(np.array_equal(activated(found, at), words) for at, words in pairs):
                    return found
    return None


def scale_of(
    functions: Sequence[StepFunction], function: Words, lo: Words, hi: Words, output: FixedPoint
) -> tuple[Scale, Bools] | None:
    """Find one multiplication, addition and shift for each neuron that equals its step function in its whole range.

    Args: as for `shift_of`.
        output: format in which words saturate.
    Returns: the multiplication, and for which neurons, (n,), it is equal; None where steps of few words are cheaper, or
        where it is equal for none.
    """
    if max(len(np.unique(one.value)) for one in functions) <= FEW_LEVELS:
        return None
    points = _points(functions, function, lo, hi)
    hopeful = [_monotone(one) and _straight(one) for one in functions]
    first, best = MOST_SHIFT, None
    for shift in range(MOST_SHIFT + 1):
        found = [
            _constants(one, at, shift, output) if hope else None
            for one, at, hope in zip(functions, points, hopeful, strict=True)
        ]
        count = sum(pair is not None for pair in found)
        if count and (best is None or count > sum(pair is not None for pair in best[0])):
            first, best = (min(first, shift), (found, shift))
        if count == sum(hopeful) or shift > first + MORE_SHIFT:
            break
    if best is None:
        return None
    equal = np.array([pair is not None for pair in best[0]])
    multiplier, offset = np.array([pair or (0, 0) for pair in best[0]], dtype=np.int64).T
    return Scale(multiplier[function], offset[function], best[1]), equal[function]


def _points(functions: Sequence[StepFunction], function: Words, lo: Words, hi: Words) -> list[Words]:
    """For each function, the ends of the range of its neurons, and the accumulators on both sides of its breaks."""
    found = []
    for k, one in enumerate(functions):
        least, most = lo[function == k].min(), hi[function == k].max()
        breaks = one.at[(one.at > least) & (one.at <= most)]
        found.append(np.unique(np.concatenate([[least, most], breaks, breaks - 1])))
    return found


def _monotone(function: StepFunction) -> bool:
    rises = np.diff(function.value)
    return bool((rises > 0).all() or (rises < 0).all())


def _straight(function: StepFunction) -> bool:
    """Whether the breaks of a function lie within two steps of a straight line."""
    if len(function.at) < 3:
        return True
    x, y = function.at.astype(np.float64), function.value[1:].astype(np.float64)
    slope = (y[-1] - y[0]) / (x[-1] - x[0])
    return bool(np.abs(y - y[0] - slope * (x - x[0])).max() <= 2 + 2 * abs(slope))


def _constants(function: StepFunction, at: Words, shift: int, output: FixedPoint) -> tuple[int, int] | None:
    """A multiplier and an offset for one function, if there are some.

    An offset fits between the least upper and the greatest lower bound that the words at all points give. Their
    distance is a concave function of the multiplier, so its maximum is found by bisection.
    """
    word, one = function(at), 1 << shift
    inner = function.at
    slope = (
        (int(function.value[-1]) - int(function.value[1])) / (int(inner[-1]) - int(inner[0])) if len(inner) > 1 else 0.0
    )
    reach = int(np.abs(at).max()) + 1
    margin = 2 * abs(slope) * one / max(float(inner[-1] - inner[0]), 1.0) if len(inner) > 1 else 2.0 * one
    first, last = int(np.floor(slope * one - margin)) - 1, int(np.ceil(slope * one + margin)) + 1
    if max(abs(first), abs(last)) * reach + (abs(output.lo) + abs(output.hi) + 2) * one >= EXACT_LIMIT // 4:
        return None

    def bounds(multiplier: int) -> tuple[int, int]:
        rest = word * one - at * multiplier
        lower, upper = rest[word != output.lo], rest[word != output.hi] + one - 1
        return int(lower.max(initial=-EXACT_LIMIT // 4)), int(upper.min(initial=EXACT_LIMIT // 4))

    while first < last:
        middle = (first + last) // 2
        here, there = (upper - lower for lower, upper in map(bounds, (middle, middle + 1)))
        first, last = (middle + 1, last) if there > here else (first, middle)
    lower, upper = bounds(first)
    return (first, (lower + upper) // 2) if lower <= upper else None
