"""The format of a layer's words, by what calibration samples show of its values."""

from collections.abc import Sequence
from typing import Literal, assert_never

import numpy as np

from netgen.ir.fixed import FixedPoint, Reals
from netgen.quantize.value_samples import LayerValues

__all__ = ["FormatRule", "common_frac", "exact_format", "word_format"]

FormatRule = Literal["error", "minmax", "percentile"]
"""How a step is chosen: least squared error, or the smallest step at which the range, or most values, do not
saturate."""

FINER = 6
"""Steps below that of the whole range which the rule `error` tries, each half of the one before."""
MOST_EXACT = 16
"""Bits of the widest input word that is chosen because it holds all samples exactly."""


def word_format(values: LayerValues, width: int, *, signed: bool, rule: FormatRule, percentile: float) -> FixedPoint:
    """The format of a width for some values."""
    return FixedPoint(width, common_frac([(values, width, signed)], rule, percentile), signed)


def common_frac(members: Sequence[tuple[LayerValues, int, bool]], rule: FormatRule, percentile: float) -> int:
    """The fractional bits for values of several layers whose words have one step.

    Args:
        members: values, width and signedness of each.
        percentile: the share of values, in percent, that do not saturate, for the rule `percentile`.
    Source: the search for a clipping range by error, as in Migacz 2017, over powers of two only.
    """
    match rule:
        case "minmax":
            return min(_fitting(values.lo, values.hi, width, signed) for values, width, signed in members)
        case "percentile":
            ends = (100 - percentile, percentile)
            cut = [(*np.percentile(values.kept, ends).tolist(), width, signed) for values, width, signed in members]
            return min(_fitting(lo, hi, width, signed) for lo, hi, width, signed in cut)
        case "error":
            widest = min(_fitting(values.lo, values.hi, width, signed) for values, width, signed in members)
            finer = min(FINER, *(width for _, width, _ in members))
            return min(range(widest, widest + finer + 1), key=lambda frac: _error(members, frac))
        case _:
            assert_never(rule)


def _error(members: Sequence[tuple[LayerValues, int, bool]], frac: int) -> float:
    """The squared error of rounding to words with these fractional bits."""
    total = 0.0
    for values, width, signed in members:
        form = FixedPoint(width, frac, signed)
        total += float(((form.decode(form.encode(values.kept)) - values.kept) ** 2).sum())
    return total


def _fitting(lo: float, hi: float, width: int, signed: bool) -> int:
    """The most fractional bits with which `lo` and `hi` saturate by at most half a step."""
    form = FixedPoint(width, 0, signed)
    ends = [(hi, form.hi + 0.5)] if hi > 0 else []
    if lo < 0 and signed:
        ends.append((-lo, 0.5 - form.lo))
    if not ends:
        return width - signed
    return int(min(np.floor(np.log2(most) - np.log2(end)) for end, most in ends))


def exact_format(values: Reals, most: int = MOST_EXACT) -> FixedPoint | None:
    """The narrowest format that holds all values exactly, if one of at most `most` bits does."""
    for frac in range(most + 1):
        words = np.ldexp(values, frac)
        if (words == np.rint(words)).all():
            lo, hi = int(words.min(initial=0)), int(words.max(initial=0))
            signed = lo < 0
            width = max(hi.bit_length(), (-lo - 1).bit_length() if signed else 0) + signed
            return FixedPoint(max(width, 1 + signed), frac, signed) if width <= most else None
        if np.abs(words).max(initial=0) >= 2.0**most:
            return None
    return None
