"""Activation functions of single values with gradients, as `netgen.ir.functions` defines them.

Rounding and thresholds pass gradients straight through where they do not saturate (Bengio et al. 2013).
"""

from typing import assert_never

import numpy as np
import torch
from torch import Tensor, nn

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
    Rounding,
    Sigmoid,
    Sign,
    Silu,
    Softplus,
    Tanh,
)
from netgen.nn.piecewise import piecewise_linear
from netgen.nn.rounding import straight_through

__all__ = ["apply_composition"]


def apply_composition(composition: Composition, x: Tensor) -> Tensor:
    """Apply the functions of a composition to values, one row for each neuron: (neurons, samples)."""
    for function in composition:
        x = _apply(function, x)
    return x


def _apply(function: Function, x: Tensor) -> Tensor:  # noqa: PLR0912  # one case for each kind
    """Compute one function; the same shape."""

    def of(parameter: float | np.ndarray) -> Tensor:
        """A scalar, or a column with one number for each neuron."""
        values = torch.from_numpy(np.array(parameter, dtype=np.float64)).to(x)
        return values[:, None] if values.dim() else values

    match function:
        case Affine(scale, offset):
            return x * of(scale) + of(offset)
        case Clip(lo, hi) if not np.any(lo) and np.all(np.isinf(hi)):
            return torch.relu(x)
        case Clip(lo, hi):
            return torch.minimum(torch.maximum(x, of(lo)), of(hi))
        case LeakyRelu(slope):
            return torch.where(x >= 0, x, x * of(slope))
        case Elu(alpha, gain):
            return of(gain) * torch.where(x > 0, x, of(alpha) * torch.expm1(x.clamp(max=0.0)))
        case Gelu(tanh):
            return nn.functional.gelu(x, approximate="tanh" if tanh else "none")
        case Silu():
            return nn.functional.silu(x)
        case HardSigmoid(alpha, beta):
            return (of(alpha) * x + of(beta)).clamp(0.0, 1.0)
        case HardSwish():
            return x * (x / 6 + 0.5).clamp(0.0, 1.0)
        case Sigmoid():
            return torch.sigmoid(x)
        case Tanh():
            return torch.tanh(x)
        case Softplus(beta, threshold):
            scaled = of(beta) * x
            return torch.where(scaled > of(threshold), x, nn.functional.softplus(scaled) / of(beta))
        case Sign():
            return straight_through(x, torch.sign(x), (x >= -1) & (x <= 1))
        case Quantize(step, zero, lo, hi, rounding):
            place = x / of(step) + of(zero)
            result = of(step) * (torch.minimum(torch.maximum(_round(place, rounding), of(lo)), of(hi)) - of(zero))
            return straight_through(x, result, (place >= of(lo) - 0.5) & (place <= of(hi) + 0.5))
        case MultiThreshold(thresholds, scale, offset):
            levels = torch.from_numpy(thresholds.copy()).to(x).expand(len(x), -1).contiguous()
            reached = torch.searchsorted(levels, x.detach().contiguous(), right=True).to(x)
            result = of(scale) * reached + of(offset)
            return _stairs(x, result, levels, of(scale))
        case PiecewiseLinear(knots, bends, slope):
            by_neuron = [torch.from_numpy(values.copy()).to(x) for values in (knots, bends)]
            return piecewise_linear(x, by_neuron[0], by_neuron[1], of(slope))
        case Product(left, right):
            return apply_composition(left, x) * apply_composition(right, x)
        case _:
            assert_never(function)


def _stairs(x: Tensor, result: Tensor, levels: Tensor, scale: Tensor) -> Tensor:
    """A staircase with the mean slope of its stairs as its gradient between half a stair beyond its ends."""
    run = (levels[:, -1:] - levels[:, :1]) / max(levels.shape[1] - 1, 1)
    run = torch.where(run > 0, run, torch.ones_like(run))
    passes = (x >= levels[:, :1] - run) & (x <= levels[:, -1:] + run)
    slope = (scale / run).expand_as(x)
    through = torch.where(passes, x, x.detach())
    return result.detach() + slope * (through - through.detach())


def _round(x: Tensor, rounding: Rounding) -> Tensor:
    """Round to whole numbers."""
    match rounding:
        case "half_even":
            return torch.round(x)
        case "half_up":
            return torch.floor(x + 0.5)
        case "half_away":
            return torch.copysign(torch.floor(x.abs() + 0.5), x)
        case "down":
            return torch.floor(x)
        case "up":
            return torch.ceil(x)
        case "zero":
            return torch.trunc(x)
        case _:
            assert_never(rounding)
