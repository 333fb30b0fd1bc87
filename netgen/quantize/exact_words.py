"""What the words of a network that arrives quantized mean: value = unit * word + origin."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from netgen.errors import QuantizeError
from netgen.ir.fixed import FixedPoint, Interval, Reals, Words, bits_of
from netgen.ir.functions import Affine, Composition, MultiThreshold, Quantize, Sign
from netgen.ir.network import Layer

__all__ = ["CALIBRATE", "Levels", "Units", "counted", "integer_weights", "levels_of", "word_form"]

CALIBRATE = "calibrate the network instead (quantize.requantize: shift)"
MOST_DENOMINATOR = 4096
"""Of the ratio of two weights that are taken for whole multiples of one number."""
MOST_INTEGER = 1 << 24
"""The largest weight that such a ratio may lead to."""


@dataclass(frozen=True, eq=False)
class Levels:
    """The numbers that a quantizer gives: `unit * word + origin`.

    Attributes:
        unit, origin: (n,) for each neuron; units are positive.
        limits: least and greatest word; None for no limits.
    """

    unit: Reals
    origin: Reals
    limits: Interval | None


@dataclass(frozen=True, eq=False)
class Units:
    """What the accumulators of sums mean: `unit * accumulator + origin`.

    Attributes:
        weight: (m,) int64.
        unit, origin: (n,).
        parts: (n,) magnitude of the numbers of which the origin is the sum.
    """

    weight: Words
    unit: Reals
    origin: Reals
    parts: Reals


def word_form(lo: int, hi: int) -> FixedPoint:
    """The narrowest format for words from `lo` to `hi`."""
    width, signed = bits_of(lo, hi)
    return FixedPoint(width, 0, signed)


def counted(levels: Levels) -> Levels:
    """The same levels with words that count from 0, where the words do not fill a format by themselves.

    Words of more than 2 bits that saturate in their format need no other limits.
    """
    if levels.limits is None:
        return levels
    first, last = levels.limits
    form = word_form(first, last)
    if (form.lo, form.hi) == (first, last) or last - first <= 2:
        return levels
    return Levels(levels.unit, levels.origin + levels.unit * first, (0, last - first))


def levels_of(pipeline: Composition, neurons: int) -> Levels | None:
    """The numbers that a pipeline gives, if it ends in a quantizer, or in affine functions after one."""
    for place in range(len(pipeline) - 1, -1, -1):
        levels = _levels(pipeline[place], neurons)
        if levels is not None:
            for affine in pipeline[place + 1 :]:
                assert isinstance(affine, Affine)
                levels = _scaled(levels, affine)
            return levels
        if not isinstance(pipeline[place], Affine):
            return None
    return None


def _levels(function: object, neurons: int) -> Levels | None:
    match function:
        case Quantize(step, zero, lo, hi):
            least, most = np.subtract(lo, zero), np.subtract(hi, zero)
            unit = np.broadcast_to(np.asarray(step, dtype=np.float64), (neurons,))
            if np.isinf(least).all() and np.isinf(most).all():
                return Levels(unit, np.zeros(neurons), None)
            if not (np.isfinite(least).all() and np.isfinite(most).all()):
                return None
            if np.ptp(least) or np.ptp(most) or np.any(least != np.rint(least)) or np.any(most != np.rint(most)):
                return None
            first, last = int(np.max(least)), int(np.max(most))
            return Levels(unit, np.zeros(neurons), (first, last))
        case MultiThreshold(thresholds, scale, offset):
            unit = np.broadcast_to(np.asarray(scale, dtype=np.float64), (neurons,))
            origin = np.broadcast_to(np.asarray(offset, dtype=np.float64), (neurons,))
            count = thresholds.shape[1]
            return _scaled(Levels(np.ones(neurons), np.zeros(neurons), (0, count)), Affine(unit, origin))
        case Sign():
            return Levels(np.ones(neurons), np.zeros(neurons), (-1, 1))
        case _:
            return None


def _scaled(levels: Levels, affine: Affine) -> Levels:
    """The levels after an affine function; a negative factor turns the words of its neurons round."""
    scale = np.broadcast_to(np.asarray(affine.scale, dtype=np.float64), levels.unit.shape)
    unit, origin = levels.unit * scale, levels.origin * scale + affine.offset
    turned = unit < 0
    origin = np.where(turned, origin + unit * sum(levels.limits or (0, 0)), origin)
    return Levels(np.abs(unit), origin, levels.limits)


def integer_weights(layer: Layer, unit: Reals, origin: Reals) -> Units:
    """Write the sums of a layer as sums of words times integers.

    Args:
        unit, origin: (m,) what the word that each wire reads means.
    Raises: QuantizeError, when the contributions of a neuron's words are no whole multiples of one number.
    """
    coefficient = layer.weight * unit
    moved: Reals = layer.bias + np.bincount(layer.target, layer.weight * origin, minlength=len(layer))
    parts: Reals = np.abs(layer.bias) + np.bincount(layer.target, np.abs(layer.weight * origin), minlength=len(layer))
    used = np.diff(layer.starts) > 0
    first = np.full(len(layer), unit[0] if layer.wires else 1.0)  # a neuron without wires has the others' unit
    first[used] = unit[layer.starts[:-1][used]]
    same = np.bincount(layer.target, unit != first[layer.target], minlength=len(layer)) == 0
    weight, scale = np.zeros(layer.wires, dtype=np.int64), np.ones(len(layer))
    if layer.step is not None and same.all():
        integers = layer.weight / layer.step[layer.target]
        weight = np.rint(integers).astype(np.int64)
        if np.abs(integers - weight).max(initial=0) > 1e-6:
            raise QuantizeError(f"layer {layer.name}: weights are no whole multiples of their step; {CALIBRATE}")
        return Units(weight, layer.step * first, moved, parts)
    known: dict[bytes, tuple[Words, float]] = {}
    for neuron in np.flatnonzero(used).tolist():
        wires = slice(int(layer.starts[neuron]), int(layer.starts[neuron + 1]))
        key = coefficient[wires].tobytes()
        if key not in known:
            known[key] = _multiples(coefficient[wires], layer.name)
        weight[wires], scale[neuron] = known[key]
    return Units(weight, scale, moved, parts)


def _multiples(numbers: Reals, name: str) -> tuple[Words, float]:
    """Numbers as whole multiples of one number.

    Raises: QuantizeError, when there is none in double precision.
    """
    least = float(np.abs(numbers).min())
    distinct, place = np.unique(numbers, return_inverse=True)
    ratios = [Fraction(float(one / least)).limit_denominator(MOST_DENOMINATOR) for one in distinct]
    denominator = int(np.lcm.reduce([ratio.denominator for ratio in ratios]))
    integers = [int(ratio * denominator) for ratio in ratios]
    near = all(abs(float(ratio) * least - one) <= 1e-12 * abs(one) for ratio, one in zip(ratios, distinct, strict=True))
    if not near or max(map(abs, integers)) > MOST_INTEGER:
        raise QuantizeError(f"layer {name}: adds words whose scales are no whole multiples of one number; {CALIBRATE}")
    return np.array(integers, dtype=np.int64)[place], least / denominator
