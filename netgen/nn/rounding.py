"""Rounding that can be trained through: a forward pass on a fixed-point grid, gradients as if there were none."""

from typing import Any

import torch
from torch import Tensor

from netgen.ir.fixed import FixedPoint


def rounded(values: Tensor, form: FixedPoint, table: Tensor | None = None) -> Tensor:
    """Round to a format, ties up, saturating; the gradient passes where nothing saturates (straight-through).

    Values in double precision round exactly; single is exact for multiples of a step within its mantissa.

    Args:
        table: what stands for each word of the format, from the least on: (2**width,), or a row for each value,
            (m, 2**width); the words themselves when None.
    Source: Bengio et al. 2013 (the straight-through estimator).
    """
    result: Tensor = _Round.apply(values, form, table)  # type: ignore[no-untyped-call]
    return result


def inside(values: Tensor, form: FixedPoint) -> Tensor:
    """Where rounding to a format saturates nothing, as bool."""
    words = _words(values, form)
    return (words >= form.lo) & (words <= form.hi)


def _words(values: Tensor, form: FixedPoint) -> Tensor:
    return torch.floor(values * 2.0**form.frac + 0.5)


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, form: FixedPoint, table: Tensor | None) -> Tensor:
        """What `rounded` gives."""
        ctx.save_for_backward(inside(values, form))
        words = _words(values, form).clamp(form.lo, form.hi)
        if table is not None:
            place = (words - form.lo).long()
            found = table[place] if table.dim() == 1 else table.gather(1, place[:, None])[:, 0]
            words = found.to(words.dtype)
        return words * form.step

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        """Of the values alone."""
        (passes,) = ctx.saved_tensors
        return grads[0] * passes, None, None
