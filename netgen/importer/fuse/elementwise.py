"""Append what is computed on single neurons to the neurons themselves."""

from dataclasses import replace

import numpy as np

from netgen.importer.fuse.rebuild import readers_of, rebuilt
from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.ir.functions import Affine, Composition, of_neurons
from netgen.ir.network import Layer, Network

__all__ = ["join_elementwise"]


def join_elementwise(network: Network) -> Network:
    """Append the functions of a layer whose neurons read one neuron each to the layer that they read.

    A weight other than 1, or a bias, becomes an `Affine` before them. A layer is changed only where every neuron of it
    is read by that one wire, and is no output.
    """
    readers = readers_of(network)
    free = (readers.count == 1) & ~readers.output
    layers, stand_in = list(network.layers), np.arange(network.neurons)
    gone = np.zeros(network.neurons, dtype=np.bool_)
    for index, first in enumerate(network.first[:-1]):
        reader = layers[index]
        if reader.gather != "sum" or reader.step is not None or (np.diff(reader.starts) != 1).any():
            continue
        source = stand_in[reader.source]
        for before in _layers_read(network, source):
            start, size = network.first[before], len(layers[before])
            rows = np.flatnonzero((source >= start) & (source < start + size))
            if len(rows) != size or not _all(free, network.layers[index].source[rows]):
                continue
            order = np.empty(size, dtype=np.int64)
            order[source[rows] - start] = rows
            layers[before] = replace(
                layers[before], activation=(*layers[before].activation, *_functions(reader, order))
            )
            stand_in[first + rows] = source[rows]
            gone[first + rows] = True
    return rebuilt(network, layers, gone, stand_in) if gone.any() else network


def _layers_read(network: Network, source: Words) -> list[int]:
    """The layers, by index, to which neurons belong; inputs belong to none."""
    found = np.unique(np.searchsorted(network.first, source, side="right") - 1)
    return [int(index) for index in found if index >= 0]


def _all(flags: Bools, at: Words) -> bool:
    return bool(flags[at].all())


def _functions(reader: Layer, order: Words) -> Composition:
    """What a layer of one wire for each neuron computes, for some of its neurons."""
    weight, bias = reader.weight[order], reader.bias[order]
    before: Composition = () if (weight == 1).all() and not bias.any() else (Affine(weight, bias),)
    return (*before, *of_neurons(reader.activation, order))
