"""Piecewise linear functions whose shape is trained, one for each neuron."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netgen.ir.functions import PiecewiseLinear
from netgen.nn.sparse import compiled

__all__ = ["TrainedFunction", "bend", "bend_back", "piecewise_linear"]

KNOTS = tuple(k / 2 for k in range(-4, 5))
"""Where the slope may change: batch normalization gives sums mean 0 and variance 1."""

Array = NDArray[Any]


def piecewise_linear(x: Tensor, knots: Tensor, bends: Tensor, slope: Tensor) -> Tensor:
    """Apply `netgen.ir.functions.PiecewiseLinear` to values (neurons, samples); differentiable.

    Args:
        knots, bends: (neurons, k), or (1, k) for all.
        slope: (neurons, 1), or a scalar.
    """
    one_for_each = bends.shape[0] == len(x) == slope.numel()
    if one_for_each and len(knots) == 1 and x.device.type == "cpu":
        found: Tensor = _Shared.apply(x, knots[0], bends, slope.reshape(-1))  # type: ignore[no-untyped-call]
        return found
    result = x * slope
    for knot, bend in zip(knots.t(), bends.t(), strict=True):
        result = result + bend[:, None] * torch.relu(x - knot[:, None])
    return result


class TrainedFunction(nn.Module):
    """The piecewise linear functions of the neurons of a layer; they begin as ReLU.

    Attributes:
        knots: (1, k) or (n, k).
        bends: (n, k); slope: (n,).
    """

    def __init__(self, neurons: int) -> None:
        super().__init__()
        self.knots: Tensor
        self.register_buffer("knots", torch.tensor([KNOTS]))
        self.bends = nn.Parameter(torch.tensor([[float(knot == 0) for knot in KNOTS]]).repeat(neurons, 1))
        self.slope = nn.Parameter(torch.zeros(neurons))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, samples) to the same shape."""
        return piecewise_linear(x, self.knots, self.bends, self.slope[:, None])

    @property
    def function(self) -> PiecewiseLinear:
        """The functions as they are now."""
        bends = self.bends.detach().cpu().double().numpy()
        knots = np.broadcast_to(self.knots.cpu().double().numpy(), bends.shape)
        return PiecewiseLinear(knots, bends, self.slope.detach().cpu().double().numpy())


class _Shared(torch.autograd.Function):
    """Knots that all neurons share."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, knots: Tensor, bends: Tensor, slope: Tensor) -> Tensor:
        """(n, samples) to the same shape."""
        across = x.detach().contiguous()
        ctx.save_for_backward(across, knots, bends, slope)
        out = np.empty_like(across.numpy())
        _forward(across.numpy(), knots.numpy(), bends.detach().numpy(), slope.detach().numpy(), out)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, Tensor, Tensor]:
        """Gradients of x, the bends and the slopes."""
        across, knots, bends, slope = (tensor.detach() for tensor in ctx.saved_tensors)
        by_x = grads[0].clone(memory_format=torch.contiguous_format)
        by_bends, by_slope = torch.empty_like(bends), torch.empty_like(slope)
        tensors = across, knots, bends, slope, by_x, by_bends, by_slope
        _backward(*(tensor.numpy() for tensor in tensors))
        return by_x, None, by_bends, by_slope


@compiled
def bend(row: Array, x: Array, knots: Array, bends: Array, slope: Any) -> None:
    """Set a row of results to the function of the values x.

    Knot by knot and branch-free, so that the processor computes several samples at once: to find the piece of each
    value takes seven times as long.
    """
    zero = row.dtype.type(0)
    for s in range(len(row)):
        row[s] = slope * x[s]
    for k in range(len(knots)):
        knot, change = knots[k], bends[k]
        for s in range(len(row)):
            beyond = x[s] - knot
            row[s] += change * (beyond if beyond > zero else zero)


@compiled
def bend_back(row: Array, x: Array, knots: Array, bends: Array, slope: Any, slopes: Array, by_bends: Array) -> Any:
    """Replace the gradient by the results by that by the values x, and set that by the bends.

    At a knot the slope is that at its left, as the gradient of ReLU at 0 is 0.

    Args:
        slopes: (n,) memory to compute in.
    Returns: the gradient by the slope.
    """
    zero = row.dtype.type(0)
    slopes[:] = slope
    for k in range(len(knots)):
        knot, change, total = knots[k], bends[k], zero
        for s in range(len(row)):
            beyond = x[s] - knot
            total += row[s] * (beyond if beyond > zero else zero)
            slopes[s] += change if beyond > zero else zero
        by_bends[k] = total
    by_slope = zero
    for s in range(len(row)):
        by_slope += row[s] * x[s]
        row[s] *= slopes[s]
    return by_slope


@compiled
def _forward(x: Array, knots: Array, bends: Array, slope: Array, out: Array) -> None:
    for i in range(len(x)):
        bend(out[i], x[i], knots, bends[i], slope[i])


@compiled
def _backward(
    x: Array, knots: Array, bends: Array, slope: Array, gradient: Array, by_bends: Array, by_slope: Array
) -> None:
    """Set the gradients, where `gradient` is first that by the results, then that by x."""
    slopes = np.empty(gradient.shape[1], gradient.dtype)
    for i in range(len(x)):
        by_slope[i] = bend_back(gradient[i], x[i], knots, bends[i], slope[i], slopes, by_bends[i])
