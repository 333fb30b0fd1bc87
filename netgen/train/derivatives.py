"""Derivatives of the loss by each weight: exact second derivatives, and gradients that include masked weights.

Between two kinks of its ReLUs a network is linear in the inputs of each neuron, so the diagonal of the Hessian of the
cross entropy has a closed form. With p the class probabilities and J the derivative of the scores by a neuron's sum,
the second derivative by a weight is the mean of `activation^2 * J' (diag(p) - p p') J`. The matrix in it is S S' with
the columns `S_c = sqrt(p_c) (e_c - p)`, so one backward pass for each class gives the whole diagonal.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from netgen.data import Floats
from netgen.ir.dense import DenseNetwork
from netgen.ir.fixed import FixedPoint, Reals
from netgen.nn.defaults import torch_defaults
from netgen.nn.rounding import inside
from netgen.train.mlp import Mlp

CHUNK = 2500
"""Samples that are processed at once; bounds memory."""


def curvature_of(mlp: Mlp, features: Tensor) -> list[Tensor]:
    """Compute the second derivative of the mean cross entropy by each weight, in evaluation mode.

    It depends neither on the labels nor on label smoothing.

    Args:
        features: (n, n_in).
    Returns: per layer (n_out, n_in).
    Source: LeCun, Denker and Solla 1990 (Optimal Brain Damage), here without their approximation in the last layer.
    """
    total = [torch.zeros_like(layer.weight) for layer in mlp.masked]
    with torch.no_grad():
        for part in torch.split(features, CHUNK):
            for depth, (entered, curvature) in enumerate(zip(*sum_curvature_of(mlp, part), strict=True)):
                total[depth] += curvature.T @ entered**2
    return [part / len(features) for part in total]


def sum_curvature_of(mlp: Mlp, features: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Compute, for each sample, the second derivatives of its loss by the sum of each neuron.

    Args:
        features: (n, n_in).
    Returns: the inputs of each layer, (n, n_in), and the second derivatives by its sums, (n, n_out).
    """
    with torch.no_grad():
        inputs, gates, scores = _forward(mlp, features)
        p = torch.softmax(scores, dim=1)
        curvature = [p.new_zeros(len(features), len(layer.weight)) for layer in mlp.masked]
        for c in range(p.shape[1]):
            root = p[:, c : c + 1].sqrt()
            column = -p * root
            column[:, c : c + 1] += root
            for depth, gradient in _backward(mlp, gates, column):
                curvature[depth] += gradient**2
    return inputs, curvature


@torch_defaults()
def curvature_in(network: DenseNetwork, features: Floats, *, rounding: Sequence[FixedPoint] = ()) -> list[Reals]:
    """Compute `curvature_of` for a `Network`, in double precision.

    Args:
        features: (n, n_in).
        rounding: formats of the hidden results; none is rounded when empty.
    Returns: per layer (n_out, n_in).
    """
    mlp = Mlp.of(network, rounding=rounding)
    return [part.numpy() for part in curvature_of(mlp, torch.from_numpy(features.astype(np.float64)))]


def gradients_of(mlp: Mlp, features: Tensor, labels: Tensor) -> list[Tensor]:
    """Compute the gradient of the mean cross entropy by each weight, in evaluation mode, masked weights included.

    Args:
        features: (n, n_in).
        labels: (n,).
    Returns: per layer (n_out, n_in).
    """
    with torch.no_grad():
        inputs, gates, scores = _forward(mlp, features)
        by_scores = torch.softmax(scores, dim=1)
        by_scores[torch.arange(len(labels)), labels] -= 1
        gradients = [g.T @ inputs[depth] / len(labels) for depth, g in _backward(mlp, gates, by_scores)]
    return gradients[::-1]


def _forward(mlp: Mlp, features: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Inputs of each layer, (n, n_in); derivatives of hidden outputs by their sums, (n, n_out); scores."""
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


def _backward(mlp: Mlp, gates: list[Tensor], by_scores: Tensor) -> list[tuple[int, Tensor]]:
    """Derivatives by the sums of each layer, (n, n_out), from those by the scores; the last layer first."""
    found, gradient = [], by_scores
    for depth in reversed(range(len(mlp.masked))):
        found.append((depth, gradient))
        if depth:
            layer = mlp.masked[depth]
            gradient = (gradient @ (layer.weight * layer.mask)) * gates[depth - 1]
    return found
