"""What a pruning rule ranks weights by: their values, and the curvature of the loss along each of them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from netgen.ir.fixed import Reals
from netgen.train.brain_surgeon import BrainSurgeon
from netgen.train.derivatives import curvature_of
from netgen.train.mlp import Mlp, array_of
from netgen.train.prune import Rule

CURVATURE_SAMPLES = 5_000
"""Samples for the curvature of the dense network; of a smaller network more, for the same number of operations."""
HESSIAN_SAMPLES = 8_000
"""Samples for the Hessian blocks of Optimal Brain Surgeon."""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Weights and curvature at the time of ranking, per layer (n_out, n_in) of the neurons that are left.

    Attributes:
        weight: 0 where there is no wire.
        curvature: second derivatives of the loss; ones for rules that do not use them.
        surgeon: Hessian blocks for rules that adjust the remaining weights; otherwise None.
    """

    weight: list[Reals]
    curvature: list[Reals]
    surgeon: BrainSurgeon | None

    @property
    def saliency(self) -> list[Reals]:
        """Twice the rise of the loss, to second order, when each weight is set to zero."""
        return [h * w**2 for h, w in zip(self.curvature, self.weight, strict=True)]


def sensitivity_of(mlp: Mlp, rule: Rule, draw: Callable[[int], Tensor], *, blocks: bool) -> Sensitivity:
    """Measure what a pruning rule needs of a network; leaves it in evaluation mode.

    Args:
        draw: returns at most that many samples, (n, n_in).
        blocks: whether the network is small enough for the Hessian blocks of Optimal Brain Surgeon.
    """
    mlp.eval()
    surgeon = BrainSurgeon.of(mlp, draw(HESSIAN_SAMPLES)) if blocks and rule.adjusts else None
    if surgeon is not None:
        curvature = surgeon.curvature(mlp)
    elif rule.curvature:
        size = sum(layer.mask.numel() for layer in mlp.masked)
        curvature = curvature_of(mlp, draw(round(CURVATURE_SAMPLES * mlp.weights_total / size)))
    else:
        curvature = [torch.ones_like(layer.mask) for layer in mlp.masked]
    weight = [array_of(layer.weight * layer.mask) for layer in mlp.masked]
    return Sensitivity(weight, [array_of(part) for part in curvature], surgeon)
