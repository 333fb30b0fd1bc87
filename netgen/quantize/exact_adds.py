"""The sum of two words with any scales, followed by a quantizer: residual adds of quantized networks."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.functions import Quantize

__all__ = ["Operand", "WeightedAdd", "add_of", "executor_integers"]

MOST_PAIRS = 1 << 18
"""Pairs of words that are compared with the executor, all of them."""
SHIFTS = range(8, 31)
Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Operand:
    """A word of an addition.

    Attributes:
        unit: a word k means `unit * (k + moved)`.
        lo, hi: least and greatest word.
        least: the least integer, `k + moved`, of its quantizer.
    """

    unit: float
    moved: int
    lo: int
    hi: int
    least: int


@dataclass(frozen=True)
class WeightedAdd:
    """`(weights[0] * a + weights[1] * b + bias + half) >> shift`, where half is `2**(shift - 1)`."""

    weights: tuple[int, int]
    bias: int
    shift: int


def executor_integers(a: Operand, b: Operand, quantizer: Quantize) -> list[Words]:
    """The integers that ONNX Runtime's addition of two words gives, for all pairs of words, (words of a, words of b).

    It computes `fma(a, ratio a, fma(b, ratio b, zero - fma(ratio a, zero a, ratio b * zero b)))` in float32. The order
    of the operands and whether words are signed change its rounding; the network tells neither.

    Returns: the integers by each order and sign that differs from the others, unsigned words in the order of the
        operands first; none for too many pairs, or another rounding.
    Source: MLAS, the kernels of ONNX Runtime; found by comparing all pairs of 100 random additions.
    """
    step, first, last = (float(np.max(end)) for end in (quantizer.step, quantizer.lo, quantizer.hi))
    if quantizer.rounding != "half_even" or np.any(quantizer.zero) or np.size(quantizer.step) != 1:
        return []
    if (a.hi - a.lo + 1) * (b.hi - b.lo + 1) > MOST_PAIRS or not np.isfinite([first, last]).all():
        return []
    found: list[Words] = []
    for offset in (0, -128):
        for turned in (False, True):
            x, y = (b, a) if turned else (a, b)
            limited = np.clip(_sums(x, y, step, int(first), offset), first, last).astype(np.int64)
            integers = limited.T if turned else limited
            if not any(np.array_equal(integers, one) for one in found):
                found.append(integers)
    return found


def _sums(a: Operand, b: Operand, step: float, least: int, offset: int) -> Reals:
    """Integers minus their zero point, where stored integers begin at `offset`."""
    ratio_a, ratio_b = (np.float32(np.float32(one.unit) / np.float32(step)) for one in (a, b))
    zero_a, zero_b, zero = offset - a.least, offset - b.least, offset - least
    stored_a, stored_b = (
        (np.arange(one.lo, one.hi + 1) + one.moved + offset - one.least).astype(np.float32) for one in (a, b)
    )
    both = _fused(np.float32(zero_a), ratio_a, np.float32(ratio_b * np.float32(zero_b)))
    fixed = np.float32(np.float32(zero) - both)
    inner = _fused(stored_b, ratio_b, fixed)
    total = _fused(stored_a[:, None], ratio_a, inner[None, :])
    return np.rint(total).astype(np.float64) - zero


def _fused(x: Singles | np.float32, y: np.float32, z: Singles | np.float32) -> Singles:
    """`x * y + z`, rounded to float32 once; the product of two float32 numbers is exact in double precision."""
    wide = np.multiply(x, y, dtype=np.float64) + np.asarray(z, dtype=np.float64)
    return np.asarray(wide, dtype=np.float32)


def add_of(words: Words, a: Operand, b: Operand, ratios: tuple[float, float], output: FixedPoint) -> WeightedAdd | None:
    """Find integers that give the words of an addition for all pairs; the least shift that has some.

    Args:
        words: (words of a, words of b).
        ratios: by how much a word of the result rises with each operand.
        output: format in which words saturate.
    """
    at_a, at_b = np.arange(a.lo, a.hi + 1)[:, None], np.arange(b.lo, b.hi + 1)[None, :]
    free_below, free_above = words == output.lo, words == output.hi
    for shift in SHIFTS:
        one = 1 << shift
        steps = [[round(ratio * one) + k for k in (0, -1, 1)] for ratio in ratios]
        for first in steps[0]:
            for second in steps[1]:
                rest = words * one - (first * at_a + second * at_b)
                lower = int(rest[~free_below].max(initial=-(1 << 60)))
                upper = int(rest[~free_above].min(initial=1 << 60)) + one - 1
                if lower <= upper and first and second:
                    return WeightedAdd((first, second), (lower + upper) // 2 - one // 2, shift)
    return None
