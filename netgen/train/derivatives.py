"""Exact second derivatives of the loss by the parameters of any network, and gradients by its sums.

Between two kinks of its functions a network of sums, maxima, ReLUs and limits is linear in each parameter of a layer,
so the Hessian of the cross entropy is J' (diag(p) - p p') J: p the class probabilities, J the derivative of the scores.
It is the sum of g g' over the classes c, with g the derivative, by the parameters, of the scores weighted by the column
sqrt(p_c) (e_c - p). For smooth functions it is the Gauss-Newton matrix.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from netgen.ir.fixed import Reals, Words
from netgen.nn.sparse import squares_by_parameter, wire_products
from netgen.nn.trainable import TrainableLayer, TrainableNetwork, array_of, read

__all__ = ["LayerGradients", "chunks_of", "curvature_of", "gradients_by_sums", "loss_gradients"]

CHUNK = 1_000
"""Samples that are processed at once; bounds memory."""


@dataclass(frozen=True, eq=False)
class LayerGradients:
    """What a layer with weights reads, and the derivatives by its sums, for some samples.

    Attributes:
        entered: (columns, samples).
        by_sums: (classes, n, samples); of the scores weighted by each of the columns sqrt(p_c) (e_c - p).
    """

    layer: TrainableLayer
    entered: Tensor
    by_sums: Tensor


def gradients_by_sums(network: TrainableNetwork, features: Tensor) -> list[LayerGradients]:
    """Differentiate the scores by the sums of each layer with weights, in evaluation mode, for every class.

    Args:
        features: (samples, n).
    """
    values, sums = _forward(network, features)
    entered = [read(layer, values).detach() for layer in network.sums]
    scores = network.scores_of(values)
    p = torch.softmax(scores.detach(), dim=1)
    found: list[list[Tensor]] = [[] for _ in sums]
    for c in range(p.shape[1]):
        root = p[:, c : c + 1].sqrt()
        column = -p * root
        column[:, c : c + 1] += root
        grads = torch.autograd.grad(scores, sums, column, retain_graph=True, allow_unused=True)
        for own, gradient, by in zip(found, grads, sums, strict=True):
            own.append(torch.zeros_like(by) if gradient is None else gradient)
    return [
        LayerGradients(layer, across, torch.stack(own))
        for layer, across, own in zip(network.sums, entered, found, strict=True)
    ]


def loss_gradients(network: TrainableNetwork, features: Tensor, labels: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Differentiate the mean cross entropy by the sums of each layer with weights, in evaluation mode.

    Args:
        features: (samples, n).
        labels: (samples,).
    Returns: the values of the inputs and of each layer, and the gradient of each layer with weights, (n, samples) each.
    """
    values, sums = _forward(network, features)
    grads = torch.autograd.grad(nn.functional.cross_entropy(network.scores_of(values), labels), sums, allow_unused=True)
    found = [torch.zeros_like(by) if grad is None else grad for by, grad in zip(sums, grads, strict=True)]
    return [own.detach() for own in values], found


def _forward(network: TrainableNetwork, features: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The values of the inputs and of each layer, and the sums of those with weights, by which both differentiate."""
    network.eval()
    values, sums = [network.across(features)], []
    for layer in network.parts:
        gathered = layer.gathered(read(layer, values), layer.weight.detach(), layer.bias.detach())
        if layer.gathers_sums:
            if not gathered.requires_grad:
                gathered.requires_grad_()
            sums.append(gathered)
        with torch.enable_grad():
            values.append(layer.activated(gathered))
    return values, sums


def chunks_of(network: TrainableNetwork, features: Tensor) -> Iterator[list[LayerGradients]]:
    """`gradients_by_sums` for some samples at a time."""
    for part in torch.split(features, CHUNK):
        yield gradients_by_sums(network, part)


def curvature_of(network: TrainableNetwork, features: Tensor) -> list[Reals]:
    """Compute the second derivative of the mean cross entropy by each parameter, in evaluation mode.

    It does not depend on the labels. A parameter that several wires share has the second derivative of them together.

    Args:
        features: (samples, n).
    Returns: for each layer with weights, (p,) float64.
    Source: LeCun, Denker and Solla 1990 (Optimal Brain Damage); for tied weights exact, as for all others.
    """
    totals = [np.zeros(len(layer.weight)) for layer in network.sums]
    for chunk in chunks_of(network, features):
        totals = [total + _squares(part) for total, part in zip(totals, chunk, strict=True)]
    return [total / len(features) for total in totals]


def _squares(part: LayerGradients) -> Reals:
    """Squared derivatives by each parameter, summed over classes and samples."""
    layer, wires = part.layer, part.layer.plan.wires
    assert wires is not None
    if not layer.tied:
        return array_of(wire_products(wires, part.entered**2, (part.by_sums**2).sum(dim=0)))
    order = np.argsort(layer.parameter, kind="stable")
    starts: Words = np.searchsorted(layer.parameter[order], np.arange(len(layer.weight) + 1))
    target = np.repeat(np.arange(len(layer.rows)), np.diff(wires.starts))
    by_sums, entered = part.by_sums.cpu().numpy(), part.entered.contiguous().cpu().numpy()
    return squares_by_parameter(starts, target[order], wires.columns[order], by_sums, entered)
