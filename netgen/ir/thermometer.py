"""Thermometer codes: a number as one bit for each threshold that it reaches.

One threshold makes an image black and white. With more, the bits of a growing number become 1 one after the other, as
mercury rises in a thermometer.
"""

import math
from collections.abc import Sequence

import numpy as np

from netgen.errors import SpecError
from netgen.ir.fixed import FixedPoint, Words

__all__ = ["BIT", "threshold_bits", "thresholds_in"]

BIT = FixedPoint(1, 1, signed=False)
"""The format of a bit: 0 or one half, which is below 1 as all scaled features are."""


def thresholds_in(form: FixedPoint, values: Sequence[float]) -> tuple[int, ...]:
    """Convert thresholds of scaled features to words: the least word of a format that reaches each value.

    Raises: SpecError, when two are the same word, or none or all of the format's words reach one.
    """
    words = tuple(math.ceil(value * 2.0**form.frac) for value in values)
    for value, word in zip(values, words, strict=True):
        if not form.lo < word <= form.hi:
            raise SpecError(f"data.thresholds: {value} splits no words of {form}; widen quantize.input_width")
    if len(set(words)) < len(words):
        raise SpecError(f"data.thresholds: {list(values)} are the words {list(words)} of {form}; write each word once")
    return words


def threshold_bits(words: Words, thresholds: Sequence[int]) -> Words:
    """Compare words (n, k) with thresholds; return bits (n, k * thresholds).

    The bits of one word are neighbors, in the order of the thresholds.
    """
    reached = [words >= threshold for threshold in thresholds]
    bits: Words = np.stack(reached, axis=2).reshape(len(words), -1).astype(np.int64)
    return bits
