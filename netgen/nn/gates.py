"""Gates in PyTorch: sums that are 0 or more switch a block on; how their gradients are estimated.

While a network is trained, a gate gives its sum, and what the loss is with the gate on and off decides about its
gradient (`netgen.train.gates`). In evaluation it gives 1 or 0, with the gradient of a sigmoid of its sum.
"""

import numpy as np
import torch
from torch import Tensor

from netgen.ir.functions import Composition, MultiThreshold
from netgen.ir.gates import only_gates
from netgen.ir.network import Network

__all__ = ["TEMPERATURE", "gate_layers", "is_step", "likely", "opened"]

TEMPERATURE = 1.0
"""Divides the sum of a gate before the sigmoid; batch normalization gives sums a deviation of about 1."""


def is_step(activation: Composition) -> bool:
    """Whether an activation is 1 for sums of 0 or more, else 0."""
    if len(activation) != 1 or not isinstance(step := activation[0], MultiThreshold):
        return False
    alone = step.thresholds.shape[1] == 1 and not step.thresholds.any()
    return bool(alone and np.all(np.asarray(step.scale) == 1) and not np.any(step.offset))


def gate_layers(network: Network) -> list[bool]:
    """For each layer, whether all its neurons are steps that only selections read, and only as their gates."""
    gates, pairs = only_gates(network), zip(network.layers, network.first, strict=False)
    return [is_step(layer.activation) and bool(gates[first : first + len(layer)].all()) for layer, first in pairs]


def likely(sums: Tensor) -> Tensor:
    """How open gates are, 0 to 1, by which gradients pass: a sigmoid of their sums over the temperature."""
    return torch.sigmoid(sums / TEMPERATURE)


def opened(sums: Tensor) -> Tensor:
    """1 where sums are 0 or more, else 0, with the gradient of `likely` (Bengio et al. 2013, straight through)."""
    smooth = likely(sums)
    return (sums >= 0).to(sums) + (smooth - smooth.detach())
