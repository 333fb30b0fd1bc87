"""Step functions that are one or two rounded straight lines: multiplications in place of many breaks."""

from collections.abc import Iterator, Sequence

import numpy as np

from netgen.ir.digits import signed_digits

MOST_SHIFT = 40
"""The greatest shift that is tried."""
MORE_SHIFTS = 3
"""Further shifts that are tried after the first with a solution; a multiplier there may have fewer digits."""
MULTIPLIERS = 64
"""Multipliers that are tried with each shift."""


def line_through(at: Sequence[int]) -> tuple[int, int, int] | None:
    """Find a multiplier, an offset and a shift such that `(x * multiplier + offset) >> shift` reaches k at `at[k - 1]`.

    Of those found, the multiplier has the fewest signed digits.

    Args:
        at: rising; at least two.
    Returns: None, when there are none within the shifts that are tried.
    Source: our own; the least and the greatest slope between two breaks bound the multiplier.
    """
    least, most = _slopes(at)
    found: list[tuple[int, int, int, int]] = []
    last = MOST_SHIFT
    for shift in range(MOST_SHIFT + 1):
        if shift > last or least >= most:
            break
        low = int(least * 2.0**shift)
        high = min(most * 2.0**shift, low + MULTIPLIERS)
        for multiplier in range(max(low, 1), int(high) + 1):
            offset = _offset(at, multiplier, shift)
            if offset is not None:
                found.append((len(list(signed_digits(multiplier))), shift, multiplier, offset))
                last = min(last, shift + MORE_SHIFTS)
    if not found:
        return None
    _, shift, multiplier, offset = min(found)
    return multiplier, offset, shift


def bend_of(at: Sequence[int]) -> int | None:
    """Find k such that straight lines may reach the first k breaks, and those from the k-th on: a leaky ReLU's.

    Args:
        at: rising; at least two, and no line reaches all of them.
    Returns: the greatest k with a line before it; None, when no line follows, or it has fewer than two breaks.
    """
    least, most = 2, len(at)
    while most - least > 1:
        middle = (least + most) // 2
        slope, limit = _slopes(at[:middle])
        least, most = (middle, most) if slope < limit else (least, middle)
    if len(at) - least < 2:
        return None
    slope, limit = _slopes(at[least:])
    return least if slope < limit else None


def _slopes(at: Sequence[int]) -> tuple[float, float]:
    """Between which slopes a line that reaches each break lies, by any two of them; none, if they do not rise."""
    places = np.array(at, dtype=np.float64)
    first, second = np.triu_indices(len(places), 1)
    apart, count = places[second] - places[first], second - first
    least = float((count / (apart + 1)).max())
    return least, float((count[apart > 1] / (apart[apart > 1] - 1)).min(initial=np.inf))


def _offset(at: Sequence[int], multiplier: int, shift: int) -> int | None:
    """The roundest offset with which a line reaches each break, but not before it; None, if there is none."""
    bounds = list(_bounds(at, multiplier, shift))
    low, high = max(lo for lo, _ in bounds), min(hi for _, hi in bounds)
    if low > high:
        return None
    zeros = max((high - low).bit_length(), 1)
    rounded = (high >> zeros) << zeros
    while rounded < low:
        zeros -= 1
        rounded = (high >> zeros) << zeros
    return rounded


def _bounds(at: Sequence[int], multiplier: int, shift: int) -> Iterator[tuple[int, int]]:
    """The least and the greatest offset with which each break is right."""
    for k, place in enumerate(at, 1):
        yield (k << shift) - place * multiplier, (k << shift) - (place - 1) * multiplier - 1
