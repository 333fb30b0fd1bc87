"""How much the loss depends on each weight: exact second derivatives, and slopes at weights that are switched off.

Between two kinks of its ReLUs a network is linear in the inputs of each neuron, so that the diagonal of the Hessian of
the cross entropy has a closed form: with p the class probabilities and J how the scores depend on the input of a
neuron, the second derivative by a weight is the mean of `activation^2 * J' (diag(p) - p p') J`. The matrix in it is
S S' with the columns `S_c = sqrt(p_c) (e_c - p)`; sending each column back through the network once gives it all.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from netgen.data import Floats
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.network import Network
from netgen.nn.rounding import inside
from netgen.train.mlp import Mlp

CHUNK = 2500
"""Samples at a time, for the sake of memory."""


def curvature_of(mlp: Mlp, features: Tensor) -> list[Tensor]:
    """The second derivative of the mean cross entropy by each weight, in evaluation mode; per layer (n_out, n_in).

    It does not depend on the labels, nor on whether they are smoothed.

    Args:
        features: (n, n_in).
    Source: LeCun, Denker and Solla 1990 (Optimal Brain Damage), here without their approximation in the last layer.
    """
    total = [torch.zeros_like(layer.weight) for layer in mlp.masked]
    with torch.no_grad():
        for part in torch.split(features, CHUNK):
            for depth, (entered, bends) in enumerate(zip(*bends_of(mlp, part), strict=True)):
                total[depth] += bends.T @ entered**2
    return [part / len(features) for part in total]


def bends_of(mlp: Mlp, features: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """What enters each layer, (n, n_in), and the second derivatives of each sample's loss by its sums, (n, n_out).

    Args:
        features: (n, n_in).
    """
    with torch.no_grad():
        inputs, gates, scores = _forward(mlp, features)
        p = torch.softmax(scores, dim=1)
        bends = [p.new_zeros(len(features), len(layer.weight)) for layer in mlp.masked]
        for c in range(p.shape[1]):
            root = p[:, c : c + 1].sqrt()
            back = -p * root
            back[:, c : c + 1] += root
            for depth, sent in _backward(mlp, gates, back):
                bends[depth] += sent**2
    return inputs, bends


def curvature_in(network: Network, features: Floats, *, rounding: Sequence[FixedPoint] = ()) -> list[Reals]:
    """The same of a network whose hidden results are rounded to some formats, or are not; per layer (n_out, n_in).

    Args:
        features: (n, n_in).
    """
    mlp = Mlp.of(network, rounding=rounding)
    return [part.numpy() for part in curvature_of(mlp, torch.from_numpy(features.astype(np.float64)))]


def slopes_of(mlp: Mlp, features: Tensor, labels: Tensor) -> list[Tensor]:
    """The derivative of the mean cross entropy by each weight, also by those that a mask holds at zero.

    Args:
        features: (n, n_in).
        labels: (n,).
    Returns: per layer (n_out, n_in), in evaluation mode.
    """
    with torch.no_grad():
        inputs, gates, scores = _forward(mlp, features)
        back = torch.softmax(scores, dim=1)
        back[torch.arange(len(labels)), labels] -= 1
        slopes = [sent.T @ inputs[depth] / len(labels) for depth, sent in _backward(mlp, gates, back)]
    return slopes[::-1]


def _forward(mlp: Mlp, features: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """What enters each layer, (n, n_in); the slope of what stands between layers, (n, n_out); the scores."""
    x = mlp.inputs_of(features)
    inputs, gates = [x], []
    *hidden, last = mlp.masked
    for depth, layer in enumerate(hidden):
        x, gain = layer(x), x.new_ones(len(layer.weight))
        if mlp.norms:
            norm = mlp.norms[depth]
            assert isinstance(norm, nn.BatchNorm1d)
            assert norm.running_var is not None
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            x = nn.functional.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
        gates.append((inside(x, mlp.rounding[depth]) if mlp.rounding else x > 0) * gain)
        x = mlp.activated(depth, x)
        inputs.append(x)
    return inputs, gates, last(x)


def _backward(mlp: Mlp, gates: list[Tensor], back: Tensor) -> list[tuple[int, Tensor]]:
    """Derivatives by the outcome of each layer's sums, from those by the scores; the last layer first."""
    sent = []
    for depth in reversed(range(len(mlp.masked))):
        sent.append((depth, back))
        if depth:
            layer = mlp.masked[depth]
            back = (back @ (layer.weight * layer.mask)) * gates[depth - 1]
    return sent
