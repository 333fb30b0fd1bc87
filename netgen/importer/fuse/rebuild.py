"""What passes over a network share: who reads a neuron, and a network without some of its neurons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.ir.functions import of_neurons
from netgen.ir.network import Layer, Network

__all__ = ["Readers", "live", "readers_of", "rebuilt", "rows_of"]


@dataclass(frozen=True, eq=False)
class Readers:
    """Who reads each neuron of a network.

    Attributes:
        count: (neurons,) wires that read it.
        output: (neurons,) whether it is an output.
        sums: (neurons,) whether only sums of float weights read it, and no output is it.
    """

    count: Words
    output: Bools
    sums: Bools


def readers_of(network: Network) -> Readers:
    """Count the readers of every neuron."""
    count = np.zeros(network.neurons, dtype=np.int64)
    output = np.zeros(network.neurons, dtype=np.bool_)
    sums = np.ones(network.neurons, dtype=np.bool_)
    for layer, first in zip(network.layers, network.first, strict=False):
        count[:first] += np.bincount(layer.source, minlength=first)
        if layer.gather != "sum" or layer.step is not None:
            sums[layer.source] = False
    for head in network.outputs:
        output[head.neuron] = True
    return Readers(count, output, sums & ~output)


def rows_of(layer: Layer, rows: Words) -> Layer:
    """The layer with some of its neurons only, in the order given."""
    lengths = np.diff(layer.starts)[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    wires = np.repeat(layer.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
    return replace(
        layer,
        starts=starts,
        source=layer.source[wires],
        weight=layer.weight[wires],
        bias=layer.bias[rows],
        activation=of_neurons(layer.activation, rows),
        parameter=None if layer.parameter is None else layer.parameter[wires],
        step=None if layer.step is None else layer.step[rows],
    )


def rebuilt(network: Network, layers: Sequence[Layer], gone: Bools, stand_in: Words | None = None) -> Network:
    """The network with other layers of the same sizes, and without some neurons.

    Args:
        layers: one for each layer of the network, in its numbers of neurons.
        gone: (neurons,) which are left out.
        stand_in: (neurons,) the neuron that gives its value now; itself where nothing changed.
    """
    number = np.cumsum(~gone) - 1
    if stand_in is not None:
        number = number[stand_in]
    kept = []
    for layer, first in zip(layers, network.first, strict=False):
        left = np.flatnonzero(~gone[first : first + len(layer)])
        if len(left):
            rows = layer if len(left) == len(layer) else rows_of(layer, left)
            kept.append(replace(rows, source=number[rows.source]))
    outputs = tuple(replace(head, neuron=number[head.neuron]) for head in network.outputs)
    return Network(network.inputs, tuple(kept), outputs)


def live(network: Network) -> Network:
    """Remove the neurons that no output depends on; inputs stay."""
    needed = readers_of(network).output
    for layer, first in reversed(list(zip(network.layers, network.first, strict=False))):
        needed[layer.source[needed[first : first + len(layer)][layer.target]]] = True
    needed[: network.features] = True
    if needed.all():
        return network
    return rebuilt(network, network.layers, ~needed)
