"""Rounding with straight-through gradients: fixed-point values forward, the gradient of the identity backward."""

from typing import Any

import torch
from torch import Tensor

from netgen.ir.fixed import FixedPoint


def rounded(values: Tensor, form: FixedPoint, table: Tensor | None = None) -> Tensor:
    """Round to a format, halves up, and saturate; the gradient is 1 where a value does not saturate, otherwise 0.

    Values in double precision round exactly; single precision is exact for multiples of a step within its mantissa.

    Args:
        table: the word that replaces each word of the format, in ascending order: (2**width,), or one row for each
            value, (m, 2**width); words are not replaced when None.
    Source: Bengio et al. 2013 (the straight-through estimator).
    """
    result: Tensor = _Round.apply(values, form, table)  # type: ignore[no-untyped-call]
    return result


def straight_through(values: Tensor, result: Tensor, passes: Tensor) -> Tensor:
    """`result`, with the gradient of `values` where it passes, bool, otherwise 0; all of one shape."""
    through = torch.where(passes, values, values.detach())
    return result.detach() + (through - through.detach())


def inside(values: Tensor, form: FixedPoint) -> Tensor:
    """Where values do not saturate in a format, bool."""
    words = _words(values, form)
    return (words >= form.lo) & (words <= form.hi)


def _words(values: Tensor, form: FixedPoint) -> Tensor:
    """Values in steps of a format, rounded, not saturated."""
    return torch.floor(values * 2.0**form.frac + 0.5)


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, form: FixedPoint, table: Tensor | None) -> Tensor:
        """Compute `rounded`."""
        ctx.save_for_backward(inside(values, form))
        words = _words(values, form).clamp(form.lo, form.hi)
        if table is not None:
            place = (words - form.lo).long()
            found = table[place] if table.dim() == 1 else table.gather(1, place[:, None])[:, 0]
            words = found.to(words.dtype)
        return words * form.step

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        """Gradient by the values only."""
        (passes,) = ctx.saved_tensors
        return grads[0] * passes, None, None
