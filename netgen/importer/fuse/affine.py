"""Fold scales and offsets into the weights and biases beside them."""

from dataclasses import replace

import numpy as np

from netgen.importer.fuse.rebuild import readers_of
from netgen.importer.fuse.ties import fresh_of, scaled_parameters
from netgen.ir.fixed import Reals
from netgen.ir.functions import Affine
from netgen.ir.network import Layer, Network

__all__ = ["fold_into_readers", "fold_into_weights"]


def fold_into_weights(network: Network) -> Network:
    """Fold an `Affine` that is applied to a sum of float weights into these weights and the bias."""
    fresh, changed, layers = fresh_of(network), False, []
    for layer in network.layers:
        folded = layer
        while (
            folded.gather == "sum"
            and folded.step is None
            and folded.activation
            and isinstance(affine := folded.activation[0], Affine)
        ):
            scale = np.broadcast_to(affine.scale, len(layer))
            folded = _scaled(folded, scale[folded.target], folded.bias * scale + affine.offset, fresh)
            folded = replace(folded, activation=folded.activation[1:])
        changed |= folded is not layer
        fresh += folded.wires
        layers.append(folded)
    return Network(network.inputs, tuple(layers), network.outputs) if changed else network


def fold_into_readers(network: Network) -> Network:
    """Fold an `Affine` that ends a layer's functions into the weights that read its neurons, if these are all float."""
    sums = readers_of(network).sums
    scale, offset = np.ones(network.neurons), np.zeros(network.neurons)
    fresh, layers = fresh_of(network), []
    for layer, first in zip(network.layers, network.first, strict=False):
        own = slice(first, first + len(layer))
        scaled = layer
        factor, shift = scale[layer.source], offset[layer.source]
        if (factor != 1).any() or shift.any():
            moved = np.bincount(layer.target, layer.weight * shift, minlength=len(layer))
            scaled = _scaled(layer, factor, layer.bias + moved, fresh)
            fresh += layer.wires
        if sums[own].all() and scaled.activation and isinstance(affine := scaled.activation[-1], Affine):
            scale[own], offset[own] = affine.scale, affine.offset
            scaled = replace(scaled, activation=scaled.activation[:-1])
        layers.append(scaled)
    if all(a is b for a, b in zip(layers, network.layers, strict=True)):
        return network
    return Network(network.inputs, tuple(layers), network.outputs)


def _scaled(layer: Layer, factor: Reals, bias: Reals, fresh: int) -> Layer:
    """The layer with each weight multiplied by a factor, (m,), and other biases; weights of 0 are no wires."""
    weight, parameter = layer.weight * factor, scaled_parameters(layer.parameter, factor, fresh)
    left = weight != 0
    if left.all():
        return replace(layer, weight=weight, bias=bias, parameter=parameter)
    starts = np.concatenate([[0], np.cumsum(left)])[layer.starts]
    return replace(
        layer,
        starts=starts,
        source=layer.source[left],
        weight=weight[left],
        bias=bias,
        parameter=None if parameter is None else parameter[left],
    )
