"""Regrow pruned weights where the gradient per unit of wire length is largest."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from netgen.ir.fixed import Reals, Words
from netgen.nn.sparse import Wires, wire_products
from netgen.nn.trainable import TrainableLayer, TrainableNetwork, array_of
from netgen.train.derivatives import loss_gradients
from netgen.train.removal import Optimizer, take
from netgen.train.samples import Batch
from netgen.train.schedule import PruningTarget

__all__ = ["GRADIENT_SAMPLES", "regrow"]

GRADIENT_SAMPLES = 5_000
"""Samples on which the gradients are computed."""


@dataclass(frozen=True, eq=False)
class _Pruned:
    """Parameters of a layer that are pruned, and between whose wires' ends a wire is possible.

    Attributes:
        wire: (k,) of the layer's network before pruning, ascending.
        parameter: (k,) int64, from 0, which of the pruned parameters each wire had.
        gradient, length, wires: (p,) of each parameter, over its wires.
    """

    layer: TrainableLayer
    wire: Words
    parameter: Words
    gradient: Reals
    length: Reals
    wires: Words


def regrow(
    network: TrainableNetwork,
    target: PruningTarget,
    batch: Batch,
    length: Callable[[Words, Words], Reals],
    optimizer: Optimizer | None = None,
) -> None:
    """Give pruned parameters back, in place and at the value 0, until the target is full.

    Those with the largest gradient per unit of length come first. Only wires of the network that the module was made
    of come back, between neurons that are left; a parameter that several wires share comes back with all of them.

    Args:
        batch: samples for the gradients.
        length: of wires between neurons by their numbers, (k,) sources and (k,) targets.
        optimizer: has no moments of what is new.
    Source: after RigL (Evci et al. 2020); the division by length is our own.
    """
    found = _pruned(network, batch, length)
    gradient, lengths, wires = (
        np.concatenate([getattr(own, name) for own in found]) for name in ("gradient", "length", "wires")
    )
    density = np.abs(gradient) / np.maximum(lengths, 1.0)
    order = np.argsort(-density, kind="stable")[: int((density > 0).sum())]
    if target.count is not None:
        room: float = target.count - sum(len(layer.source) for layer in network.sums)
        order = order[np.cumsum(wires[order]) <= room]
    else:
        now = [length(layer.source, layer.first + layer.target).sum() for layer in network.sums]
        order = order[np.cumsum(lengths[order]) <= target.length - sum(map(float, now))]
    grown = np.zeros(len(density), dtype=np.bool_)
    grown[order] = True
    for own, part in zip(found, np.split(grown, np.cumsum([len(own.wires) for own in found])[:-1]), strict=True):
        if part.any():
            _add(own.layer, own.wire[part[own.parameter]], own.parameter[part[own.parameter]], optimizer)
    network.renew()


def _pruned(network: TrainableNetwork, batch: Batch, length: Callable[[Words, Words], Reals]) -> list[_Pruned]:
    values, gradients = loss_gradients(network, batch.features, batch.labels)
    place = np.full(network.like.neurons, -1, dtype=np.int64)
    alive = np.concatenate([network.inputs, *(layer.first + layer.rows for layer in network.parts)])
    place[alive] = np.arange(len(alive))
    across, found = torch.cat(values), []
    for layer, by_sums in zip(network.sums, gradients, strict=True):
        wire, parameter = _possible(layer, place >= 0)
        source, target = layer.like.source[wire], layer.like.target[wire]
        row = np.searchsorted(layer.rows, target)
        starts, shape = np.searchsorted(row, np.arange(len(layer.rows) + 1)), (len(layer.rows), len(alive))
        flat = torch.from_numpy(row * len(alive) + place[source]).to(across.device)
        by_wire = array_of(wire_products(Wires(shape, starts, place[source], flat), across, by_sums))
        apart = length(source, layer.first + target)
        found.append(
            _Pruned(
                layer,
                wire,
                parameter,
                np.bincount(parameter, by_wire).astype(np.float64),
                np.bincount(parameter, apart).astype(np.float64),
                np.bincount(parameter),
            )
        )
    return found


def _possible(layer: TrainableLayer, alive: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[Words, Words]:
    """The wires between living neurons whose parameters are pruned, and the number of the parameter of each."""
    like = layer.like
    free = np.ones(like.wires, dtype=np.bool_)
    free[layer.wire] = False
    free &= alive[like.source] & alive[layer.first + like.target]
    if not layer.tied or like.parameter is None:
        wire = np.flatnonzero(free)
        return wire, np.arange(len(wire))
    free &= ~np.isin(like.parameter, like.parameter[layer.wire])
    wire = np.flatnonzero(free)
    return wire, np.unique(like.parameter[wire], return_inverse=True)[1]


def _add(layer: TrainableLayer, wire: Words, parameter: Words, optimizer: Optimizer | None) -> None:
    """Add wires, (k,), whose parameters, (k,), are new, at the value 0."""
    tied, before = layer.tied, len(layer.weight)
    new = np.unique(parameter, return_inverse=True)[1]
    wires = np.concatenate([layer.wire, wire])
    order = np.argsort(wires, kind="stable")
    parameters = np.concatenate([layer.parameter, before + new])[order]
    layer.wire = wires[order]
    layer.source, layer.target = layer.like.source[layer.wire], layer.like.target[layer.wire]
    more = int(new.max()) + 1
    kept = np.arange(before + more) if tied else parameters
    layer.parameter = parameters if tied else np.arange(len(parameters))
    take(layer.weight, kept, optimizer, more=more)
    if layer.saliency is not None:
        layer.saliency = np.concatenate([layer.saliency, np.zeros(more)])[kept]
