"""Weights of a layer that reads words of several steps: their formats, and their words in steps of the sum."""

from dataclasses import dataclass

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.network import Layer
from netgen.quantize.formats import best_format

__all__ = ["WeightFormats", "weight_formats", "weight_words"]

SPREAD = 8
"""Bits by which the step of a channel may be finer than that of the whole layer."""
EXACT_BITS = 24
"""Bits that weights of the layer may need so that all powers of two stay exact."""
FINER = 4
"""Bits by which the accumulator's step may be finer for the sake of an exact power of two."""
BIAS_BITS = 16
"""Fractional bits, beyond its first, of a bias that stands alone."""


@dataclass(frozen=True, eq=False)
class WeightFormats:
    """How the weights of a layer are rounded; chosen once, for whatever values they have later.

    Attributes:
        width: bits, signed.
        frac: (m,) fractional bits of each weight.
        exact: (m,) bool, weights that are not rounded: powers of two, which are shifts.
        accumulator: fractional bits of the sums; those of a weight and of the word it multiplies add up to at most so
            many.
    """

    width: int
    frac: Words
    exact: Bools
    accumulator: int


def weight_formats(
    layer: Layer, source_frac: Words, width: int, *, factors: Reals, channel: Words | None = None
) -> WeightFormats:
    """Choose the format of the layer's weights, or of each channel's, by the least squared error.

    Weights that are powers of two and not exact in that format stay exact where the accumulator's step allows it, so
    residual adds and averages of 2**k values are exact: such a weight is a shift of the word.

    Args:
        source_frac: (m,) fractional bits of the word that each wire reads.
        width: bits of the weights, signed.
        factors: (m,) of the squared error of each weight.
        channel: (n,) the channel of each neuron, from 0; None for one format in the whole layer.
    Source: errors weighted by second derivatives as in Choi, El-Khamy and Lee 2017.
    """
    mantissa, exponent = np.frexp(layer.weight)
    exponent = exponent.astype(np.int64) - 1
    power = np.abs(mantissa) == 0.5
    if not layer.wires:
        frac = BIAS_BITS - int(np.frexp(np.abs(layer.bias).max())[1])
        return WeightFormats(width, np.zeros(0, dtype=np.int64), power, frac)
    finest = source_frac - exponent
    if power.all() and (source_frac + exponent).max() - (source_frac + exponent).min() <= EXACT_BITS:
        return WeightFormats(width, -exponent, power, int(finest.max()))
    chosen = ~power if not power.all() else np.ones_like(power)
    form_frac = _fracs(layer, chosen, width, factors, channel)
    words = FixedPoint(width, 0, signed=True).encode(np.ldexp(layer.weight, form_frac))
    exact = power & (np.ldexp(words.astype(np.float64), -form_frac) != layer.weight)
    used = ~exact & (words != 0)
    frac = int((form_frac + source_frac)[used].max()) if used.any() else int(finest[exact].max())
    exact &= finest <= frac + FINER
    frac = max(frac, int(finest[exact].max(initial=frac)))
    return WeightFormats(width, np.minimum(form_frac, frac - source_frac), exact, frac)


def weight_words(weight: Reals, source_frac: Words, formats: WeightFormats) -> Words:
    """Round the weights of a layer, (m,), to whole steps of the accumulator for one step of the word read.

    Args:
        source_frac: (m,) fractional bits of the word that each wire reads.
    """
    mantissa, exponent = np.frexp(weight)
    whole = np.sign(mantissa).astype(np.int64)
    powers = whole << np.clip(formats.accumulator - source_frac + exponent.astype(np.int64) - 1, 0, 62)
    words = FixedPoint(formats.width, 0, signed=True).encode(np.ldexp(weight, formats.frac))
    shifted = words << np.clip(formats.accumulator - formats.frac - source_frac, 0, 62)
    return np.where(formats.exact, powers, np.where(words == 0, 0, shifted))


def _fracs(layer: Layer, chosen: Bools, width: int, factors: Reals, channel: Words | None) -> Words:
    """(m,) the fractional bits of each weight's format, which some of the weights choose."""
    whole = best_format(layer.weight[chosen], width, signed=True, factors=factors[chosen], coarser=1).frac
    if channel is None:
        return np.full(layer.wires, whole, dtype=np.int64)
    wires = channel[layer.target]
    fracs = np.full(int(channel.max()) + 1, whole, dtype=np.int64)
    order = np.flatnonzero(chosen)[np.argsort(wires[chosen], kind="stable")]
    for group in np.split(order, np.flatnonzero(np.diff(wires[order])) + 1):
        best = best_format(layer.weight[group], width, signed=True, factors=factors[group], coarser=1).frac
        fracs[wires[group[0]]] = min(best, whole + SPREAD)
    return fracs[wires]
