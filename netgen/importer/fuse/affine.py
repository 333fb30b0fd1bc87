"""Fold scales and offsets into the weights and biases beside them."""

from dataclasses import replace

import numpy as np

from netgen.importer.fuse.rebuild import readers_of
from netgen.ir.functions import Affine
from netgen.ir.network import Network
from netgen.ir.ties import folded, fresh_of, scaled

__all__ = ["fold_into_readers", "fold_into_weights"]


def fold_into_weights(network: Network) -> Network:
    """Fold an `Affine` that is applied to a sum of float weights into these weights and the bias."""
    fresh, changed, layers = fresh_of(network), False, []
    for layer in network.layers:
        found = folded(layer, fresh) if layer.step is None else layer
        changed |= found is not layer
        fresh += found.wires
        layers.append(found)
    return Network(network.inputs, tuple(layers), network.outputs) if changed else network


def fold_into_readers(network: Network) -> Network:
    """Fold an `Affine` that ends a layer's functions into the weights that read its neurons, if these are all float."""
    sums = readers_of(network).sums
    scale, offset = np.ones(network.neurons), np.zeros(network.neurons)
    fresh, layers = fresh_of(network), []
    for layer, first in zip(network.layers, network.first, strict=False):
        own = slice(first, first + len(layer))
        one = layer
        factor, shift = scale[layer.source], offset[layer.source]
        if (factor != 1).any() or shift.any():
            moved = np.bincount(layer.target, layer.weight * shift, minlength=len(layer))
            one = scaled(layer, factor, layer.bias + moved, fresh)
            fresh += layer.wires
        if sums[own].all() and one.activation and isinstance(affine := one.activation[-1], Affine):
            scale[own], offset[own] = affine.scale, affine.offset
            one = replace(one, activation=one.activation[:-1])
        layers.append(one)
    if all(a is b for a, b in zip(layers, network.layers, strict=True)):
        return network
    return Network(network.inputs, tuple(layers), network.outputs)
