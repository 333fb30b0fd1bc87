"""What a pruning rule may know of a network: its weights, and how much the loss depends on each."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from netgen.ir.fixed import Reals
from netgen.train.mlp import Mlp, array_of
from netgen.train.saliency import curvature_of
from netgen.train.surgery import Surgeon

LOOKED_AT = 5_000
"""Samples on which curvature of the dense network is taken; of a smaller one, more for the same work."""
OPERATED_ON = 8_000
"""Samples on which the blocks of Optimal Brain Surgeon are taken."""


@dataclass(frozen=True, eq=False)
class Look:
    """What is known of the weights when they are ranked, per layer (n_out, n_in) of the neurons that are held.

    Attributes:
        weight: as ranked; 0 where there is no wire.
        curvature: second derivatives of the loss; ones, where the rule does not look at them.
        surgeon: where the rule has one.
    """

    weight: list[Reals]
    curvature: list[Reals]
    surgeon: Surgeon | None

    @property
    def saliency(self) -> list[Reals]:
        """Twice what the loss would rise by, to second order."""
        return [h * w**2 for h, w in zip(self.curvature, self.weight, strict=True)]


def look_at(mlp: Mlp, rule: str, draw: Callable[[int], Tensor], *, operate: bool) -> Look:
    """Look at a network in evaluation mode, in which it stays, as a pruning rule asks for.

    Args:
        draw: gives so many samples, (n, n_in), or all that there are.
        operate: whether it is small enough for a surgeon, if the rule has one.
    """
    mlp.eval()
    surgeon = Surgeon.of(mlp, draw(OPERATED_ON)) if operate and rule.startswith("obs") else None
    if surgeon is not None:
        curvature = surgeon.curvature(mlp)
    elif rule.startswith("ob"):
        held = sum(layer.mask.numel() for layer in mlp.masked)
        curvature = curvature_of(mlp, draw(round(LOOKED_AT * mlp.weights_total / held)))
    else:
        curvature = [torch.ones_like(layer.mask) for layer in mlp.masked]
    weight = [array_of(layer.weight * layer.mask) for layer in mlp.masked]
    return Look(weight, [array_of(part) for part in curvature], surgeon)
