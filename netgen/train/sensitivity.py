"""What a pruning rule ranks weights by: their values, and the curvature of the loss along each of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from netgen.ir.fixed import Reals
from netgen.nn.trainable import TrainableNetwork, array_of
from netgen.train.brain_surgeon import BrainSurgeon
from netgen.train.derivatives import curvature_of
from netgen.train.prune import Rule

__all__ = ["Sensitivity", "sensitivity_of"]

CURVATURE_PRODUCTS = 1_300_000_000
"""Products of two numbers for the curvature: one for each wire and sample, and for tied weights for each class."""
FEWEST_SAMPLES = 1_000
"""Samples for the curvature, at least."""
HESSIAN_SAMPLES = 8_000
"""Samples for the Hessian blocks of Optimal Brain Surgeon, and for the curvature at most."""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Parameters and curvature at the time of ranking, (p,) for each layer with weights.

    Attributes:
        weight: as trained.
        curvature: second derivatives of the loss; ones for rules that do not use them.
        surgeon: Hessian blocks for rules that adjust the remaining weights; otherwise None.
    """

    weight: list[Reals]
    curvature: list[Reals]
    surgeon: BrainSurgeon | None

    @property
    def saliency(self) -> list[Reals]:
        """Twice the rise of the loss, to second order, when each parameter is set to zero."""
        return [h * w**2 for h, w in zip(self.curvature, self.weight, strict=True)]


def sensitivity_of(
    network: TrainableNetwork, rule: Rule, draw: Callable[[int], Tensor], *, blocks: bool
) -> Sensitivity:
    """Measure what a pruning rule needs of a network; leaves it in evaluation mode.

    Args:
        draw: returns at most that many samples, (n, features).
        blocks: whether the network is small enough for the Hessian blocks of Optimal Brain Surgeon.
    """
    network.eval()
    surgeon = BrainSurgeon.of(network, draw(HESSIAN_SAMPLES)) if blocks and rule.adjusts else None
    if surgeon is not None:
        curvature = surgeon.curvature(network)
    elif rule.curvature:
        curvature = curvature_of(network, draw(_samples_for(network)))
    else:
        curvature = [np.ones(len(layer.weight)) for layer in network.sums]
    return Sensitivity([array_of(layer.weight) for layer in network.sums], curvature, surgeon)


def _samples_for(network: TrainableNetwork) -> int:
    """How many samples the curvature is computed on: the more, the fewer products each needs."""
    classes = len(network.scores)
    products = sum(len(layer.source) * (classes if layer.tied else 1) for layer in network.sums)
    return min(max(CURVATURE_PRODUCTS // max(products, 1), FEWEST_SAMPLES), HESSIAN_SAMPLES)
