"""Append what is computed on single neurons to the neurons themselves."""

from dataclasses import replace

import numpy as np

from netgen.importer.fuse.rebuild import readers_of, rebuilt
from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.ir.functions import Affine, Composition, Function, of_neurons
from netgen.ir.network import Layer, Network

__all__ = ["join_elementwise"]


def join_elementwise(network: Network) -> Network:
    """Append the functions of a layer whose neurons read one neuron each to the layer that they read.

    A weight other than 1, or a bias, becomes an `Affine` before them. A layer is changed only where every neuron of it
    is read by that one wire, and is no output, and where selections keep the order of what they read.
    """
    readers = readers_of(network)
    free = (readers.count == 1) & ~readers.output
    stand_in, gone = np.arange(network.neurons), np.zeros(network.neurons, dtype=np.bool_)
    appended: list[list[Function]] = [[] for _ in network.layers]
    begins = np.array(network.first)
    for reader, first in zip(network.layers, network.first, strict=False):
        if reader.gather != "sum" or reader.step is not None or (np.diff(reader.starts) != 1).any():
            continue
        source = stand_in[reader.source]
        for before in _layers_read(begins, source):
            start, size = network.first[before], len(network.layers[before])
            rows = np.flatnonzero((source >= start) & (source < start + size))
            if len(rows) != size or not _all(free, reader.source[rows]):
                continue
            moved = stand_in.copy()
            moved[first + rows] = source[rows]
            if not _selections_rise(network, moved):
                continue
            order = np.empty(size, dtype=np.int64)
            order[source[rows] - start] = rows
            appended[before] += _functions(reader, order)
            stand_in = moved
            gone[first + rows] = True
    if not gone.any():
        return network
    layers = [
        replace(layer, activation=(*layer.activation, *more)) if more else layer
        for layer, more in zip(network.layers, appended, strict=True)
    ]
    return rebuilt(network, layers, gone, stand_in)


def _selections_rise(network: Network, stand_in: Words) -> bool:
    """Whether selections still read bypass, gate and word in the order of their numbers when others stand in."""
    selections = (layer for layer in network.layers if layer.gather == "select")
    return all((np.diff(stand_in[one.source])[np.diff(one.target) == 0] > 0).all() for one in selections)


def _layers_read(begins: Words, source: Words) -> list[int]:
    """The layers, by index, to which neurons belong; inputs belong to none.

    Args:
        begins: the number of each layer's first neuron, and of all neurons.
    """
    found = np.unique(np.searchsorted(begins, source, side="right") - 1)
    return [int(index) for index in found if index >= 0]


def _all(flags: Bools, at: Words) -> bool:
    return bool(flags[at].all())


def _functions(reader: Layer, order: Words) -> Composition:
    """What a layer of one wire for each neuron computes, for some of its neurons."""
    weight, bias = reader.weight[order], reader.bias[order]
    before: Composition = () if (weight == 1).all() and not bias.any() else (Affine(weight, bias),)
    return (*before, *of_neurons(reader.activation, order))
