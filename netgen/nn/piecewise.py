"""Piecewise linear functions whose shape is trained, one for each neuron."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netgen.ir.functions import PiecewiseLinear
from netgen.nn.sparse import compiled

__all__ = ["TrainedFunction", "piecewise_linear"]

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
    """Knots, ascending, that all neurons share."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, knots: Tensor, bends: Tensor, slope: Tensor) -> Tensor:
        """(n, samples) to the same shape."""
        across = x.detach().contiguous()
        ctx.save_for_backward(across, knots, bends, slope)
        out = np.empty_like(across.numpy())
        _forward(across.numpy(), knots.numpy(), *_pieces(knots, bends, slope), out)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, Tensor, Tensor]:
        """Gradients of x, the bends and the slopes."""
        across, knots, bends, slope = ctx.saved_tensors
        by_x, by_bends = np.empty_like(across.numpy()), np.zeros_like(bends.detach().numpy())
        by_slope = np.zeros_like(slope.detach().numpy())
        slopes = _pieces(knots, bends, slope)[0]
        _backward(across.numpy(), knots.numpy(), slopes, grads[0].contiguous().numpy(), by_x, by_bends, by_slope)
        return torch.from_numpy(by_x), None, torch.from_numpy(by_bends), torch.from_numpy(by_slope)


def _pieces(knots: Tensor, bends: Tensor, slope: Tensor) -> tuple[Array, Array]:
    """Slope and offset of each of the k + 1 pieces, (n, k + 1)."""
    rise, fall = bends.detach().cumsum(dim=1), (bends.detach() * knots).cumsum(dim=1)
    first = slope.detach()[:, None]
    slopes = torch.cat([first, first + rise], dim=1)
    return slopes.numpy(), torch.cat([torch.zeros_like(first), -fall], dim=1).numpy()


@compiled
def _piece(knots: Array, value: float) -> int:
    """How many knots a value has reached."""
    count = 0
    for knot in knots:
        count += value >= knot
    return count


@compiled
def _forward(x: Array, knots: Array, slopes: Array, offsets: Array, out: Array) -> None:
    for i in range(len(x)):
        for s in range(x.shape[1]):
            piece = _piece(knots, x[i, s])
            out[i, s] = slopes[i, piece] * x[i, s] + offsets[i, piece]


@compiled
def _backward(
    x: Array, knots: Array, slopes: Array, back: Array, by_x: Array, by_bends: Array, by_slope: Array
) -> None:
    """Set the gradients: the bend at a knot moves the result of every value beyond it by its distance to the knot."""
    pieces = slopes.shape[1]
    total, weighted = np.zeros(pieces, dtype=x.dtype), np.zeros(pieces, dtype=x.dtype)
    for i in range(len(x)):
        total[:] = 0
        weighted[:] = 0
        for s in range(x.shape[1]):
            piece = _piece(knots, x[i, s])
            by_x[i, s] = back[i, s] * slopes[i, piece]
            total[piece] += back[i, s]
            weighted[piece] += back[i, s] * x[i, s]
        beyond, moment = x[0, 0] * 0, x[0, 0] * 0
        for piece in range(pieces - 1, 0, -1):
            beyond += total[piece]
            moment += weighted[piece]
            by_bends[i, piece - 1] = moment - knots[piece - 1] * beyond
        by_slope[i] = moment + weighted[0]
