"""Sums of quantized networks that lie so close to a tie that an executor's float32 decides their word."""

from collections.abc import Callable
from math import frexp

import numpy as np

from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import Affine, Composition, apply_all

__all__ = ["sums_at_ties"]

SINGLE = 2.0**-22
"""Relative error of a few operations in float32."""
WHOLE = 1 << 24
"""Whole numbers below it are exact in float32."""


def sums_at_ties(pipeline: Composition, words_of: Callable[[Reals], Words], breaks: Words, furthest: int) -> int:
    """Count the accumulators beside breaks whose numbers float32 may round to another word.

    A sum of numbers that float32 holds exactly, such as multiples of a power of two, is exact. Any other has an error
    in proportion to its terms, however small it is itself: 0 may come out as 1e-9.

    Args:
        pipeline: functions of one neuron; the first makes the number that an accumulator means.
        words_of: what the last function gives, as words.
        breaks: (n,) accumulators at which the word changes.
        furthest: magnitude of the accumulators.
    """
    near = np.unique(np.concatenate([breaks, breaks - 1])).astype(np.float64)[:, None]
    if not len(near):
        return 0
    exact = furthest < WHOLE and _is_power_of_two(pipeline[0])
    numbers, magnitude = near, np.abs(near) if exact else np.full(near.shape, float(furthest))
    at = 0
    while at < len(pipeline) and isinstance(affine := pipeline[at], Affine):
        magnitude = magnitude * np.abs(affine.scale) + np.abs(affine.offset)
        numbers = apply_all((affine,), numbers)
        at += 1
    error = SINGLE * magnitude
    least, most = (words_of(apply_all(pipeline[at:], numbers + sign * error)[:, 0]) for sign in (-1, 1))
    surely = (
        np.asarray(numbers[:, 0] * 2 == np.rint(numbers[:, 0] * 2)) if exact else np.zeros(len(near), dtype=np.bool_)
    )
    return int(((least != most) & ~surely).sum())


def _is_power_of_two(function: object) -> bool:
    """Whether a function multiplies by a power of two."""
    return isinstance(function, Affine) and abs(frexp(float(np.max(function.scale)))[0]) == 0.5
