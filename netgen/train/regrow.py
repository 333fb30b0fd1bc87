"""Regrow pruned weights where the gradient per unit of wire length is largest."""

from collections.abc import Sequence

import numpy as np
import torch

from netgen.ir.fixed import Reals
from netgen.train.derivatives import gradients_of
from netgen.train.mlp import Mlp, array_of
from netgen.train.samples import Batch
from netgen.train.schedule import PruningTarget

GRADIENT_SAMPLES = 5_000
"""Samples on which the gradients are computed."""


def regrow(mlp: Mlp, target: PruningTarget, batch: Batch, distances: Sequence[Reals]) -> None:
    """Unmask weights, in place and at the value 0, until the target is full.

    Weights with the largest gradient per unit of length come first.

    Args:
        batch: samples for the gradients.
        distances: of the two neurons of each weight, per layer (n_out, n_in).
    Source: after RigL (Evci et al. 2020); the division by length is our own.
    """
    gradients = gradients_of(mlp, batch.features, batch.labels)
    masks = [layer.mask.cpu().numpy() > 0 for layer in mlp.masked]
    densities = [
        np.where(~masks[k], np.abs(array_of(gradient)) / np.maximum(distances[k], 1.0), -1.0)
        for k, gradient in enumerate(gradients)
    ]
    flat, lengths = np.concatenate([d.ravel() for d in densities]), np.concatenate([d.ravel() for d in distances])
    order = np.argsort(-flat, kind="stable")[: int((flat > 0).sum())]
    if target.count is not None:
        order = order[: max(target.count - mlp.wires, 0)]
    else:
        room = target.length - float(sum(d[m].sum() for d, m in zip(distances, masks, strict=True)))
        order = order[np.cumsum(lengths[order]) <= room]
    grown = np.zeros(len(flat), dtype=np.bool_)
    grown[order] = True
    parts = np.split(grown, np.cumsum([m.size for m in masks])[:-1])
    for layer, mask, part in zip(mlp.masked, masks, parts, strict=True):
        new = part.reshape(mask.shape)
        layer.weight.data[torch.from_numpy(new).to(layer.mask.device)] = 0.0
        layer.mask.copy_(torch.from_numpy(mask | new))
