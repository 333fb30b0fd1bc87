"""Thermometer codes: a number as single bits, one for each threshold that it reaches.

With one threshold an image becomes black and white; with more, bits rise one after the other like mercury.
"""

import math
from collections.abc import Sequence

import numpy as np

from netgen.errors import SpecError
from netgen.ir.fixed import FixedPoint, Words

BIT = FixedPoint(1, 1, signed=False)
"""The format of a bit: 0 or one half, below 1 as all features are."""


def thresholds_in(form: FixedPoint, shares: Sequence[float]) -> tuple[int, ...]:
    """Thresholds as words of a format: the least word that reaches each of some scaled numbers.

    Raises: SpecError, when two are the same word, or none or all of the format's words reach one.
    """
    words = tuple(math.ceil(share * 2.0**form.frac) for share in shares)
    for share, word in zip(shares, words, strict=True):
        if not form.lo < word <= form.hi:
            raise SpecError(f"data.thresholds: {share} splits no words of {form}; widen quantize.input_width")
    if len(set(words)) < len(words):
        raise SpecError(f"data.thresholds: {list(shares)} are the words {list(words)} of {form}; write each word once")
    return words


def code(words: Words, thresholds: Sequence[int]) -> Words:
    """Words (n, k) as bits (n, k * thresholds), those of a word side by side, the lowest threshold first."""
    reached = [words >= threshold for threshold in thresholds]
    bits: Words = np.stack(reached, axis=2).reshape(len(words), -1).astype(np.int64)
    return bits
