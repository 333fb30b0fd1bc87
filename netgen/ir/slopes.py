"""How far an activation function can move values apart, and between which values its results lie."""

from typing import assert_never

import numpy as np

from netgen.ir.fixed import Reals
from netgen.ir.functions import (
    Affine,
    Clip,
    Composition,
    Elu,
    Function,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    MultiThreshold,
    PiecewiseLinear,
    Product,
    Quantize,
    Sigmoid,
    Sign,
    Silu,
    Softplus,
    Tanh,
    apply,
)

__all__ = ["range_after", "slope_of"]

LEAST = {Gelu: -0.171, Silu: -0.2785, HardSwish: -0.375}
"""Lower limits of the functions that fall before they rise; they are reached between -2 and 0."""
STEEPEST = {Gelu: 1.13, Silu: 1.1, HardSwish: 1.5}
"""Upper limits of their slopes."""


def slope_of(pipeline: Composition, lo: Reals, hi: Reals) -> Reals:
    """The greatest slope, (n,), between two values from `lo` to `hi`, (n,) each; infinite for functions that jump.

    The difference of the results of two such values is at most so many times their difference.
    """
    slope = np.ones_like(lo)
    for function in pipeline:
        slope = slope * _slope(function, lo, hi)
        lo, hi = _range(function, lo, hi)
    return slope


def range_after(pipeline: Composition, lo: Reals, hi: Reals) -> tuple[Reals, Reals]:
    """The interval, (n,) each, that contains the results of all values from `lo` to `hi`, (n,) each."""
    for function in pipeline:
        lo, hi = _range(function, lo, hi)
    return lo, hi


def _slope(function: Function, lo: Reals, hi: Reals) -> Reals | float:
    steepest: Reals
    match function:
        case Affine(scale):
            return np.abs(scale) * np.ones_like(lo)
        case Clip() | Tanh() | Softplus():
            return 1.0
        case LeakyRelu(slope):
            return np.maximum(1.0, np.abs(slope))
        case Elu(alpha, gain):
            return np.abs(gain) * np.maximum(1.0, np.abs(alpha))
        case Gelu() | Silu() | HardSwish():
            return STEEPEST[type(function)]
        case HardSigmoid(alpha):
            return np.abs(alpha) * np.ones_like(lo)
        case Sigmoid():
            return 0.25
        case Sign() | Quantize() | MultiThreshold():
            return np.inf
        case PiecewiseLinear(knots, bends, slope):
            order = np.broadcast_to(np.argsort(knots, axis=1), np.broadcast_shapes(knots.shape, bends.shape))
            steps = np.cumsum(np.take_along_axis(np.broadcast_to(bends, order.shape), order, axis=1), axis=1)
            first = np.ones_like(lo) * slope
            steepest = np.abs(np.concatenate([first[:, None], first[:, None] + steps], axis=1)).max(axis=1)
            return steepest
        case Product(left, right):
            ends = [np.abs(range_after(one, lo, hi)).max(axis=0) for one in (left, right)]
            slopes = [slope_of(one, lo, hi) for one in (left, right)]
            with np.errstate(invalid="ignore"):
                parts = [np.nan_to_num(ends[k] * slopes[1 - k], nan=np.inf) for k in range(2)]
            steepest = np.add(*parts)
            return steepest
        case _:
            assert_never(function)


def _range(function: Function, lo: Reals, hi: Reals) -> tuple[Reals, Reals]:
    match function:
        case Product(left, right):
            a, b = range_after(left, lo, hi), range_after(right, lo, hi)
            corners = np.stack([x * y for x in a for y in b])
            return corners.min(axis=0), corners.max(axis=0)
        case _:
            ends = apply(function, np.stack([lo, hi]))
            least, most = ends.min(axis=0), ends.max(axis=0)
            if isinstance(function, PiecewiseLinear):  # it may turn at every knot
                turns = [apply(function, np.clip(knot, lo, hi)[None])[0] for knot in function.knots.T]
                least, most = np.minimum.reduce([least, *turns]), np.maximum.reduce([most, *turns])
            if isinstance(function, LeakyRelu):  # a negative slope turns at 0
                least = np.where((lo < 0) & (hi > 0), np.minimum(least, 0.0), least)
            if type(function) in LEAST:
                least = np.where((lo < 0) & (hi > -2), np.minimum(least, LEAST[type(function)]), least)
            return least, most
