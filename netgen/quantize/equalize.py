"""Cross-layer equalization: each channel is scaled by a power of two, so that channels share a step with less error.

A neuron that only scales what it reads, such as a ReLU, can be scaled by a positive number when every weight that reads
it is divided by it. Powers of two change no digit of a weight, so the network computes the same numbers, bit for bit.
"""

from dataclasses import replace

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import Clip, Composition, LeakyRelu
from netgen.ir.network import Layer, Network
from netgen.ir.rows import channels_of, connected

__all__ = ["equalized"]

MOST = 8
"""Bits, at most, by which a channel is scaled up or down."""


def equalized(network: Network, square: Reals) -> Network:
    """Scale the channels of each layer by powers of two so that words and the weights that read them balance.

    Rounding words with a step for the whole layer costs most where the weights that read a channel are large; rounding
    weights with a step for the whole row costs most where a channel's values are large. The sum of both errors is least
    where the scale is the fourth root of (mean square weight / mean square value), up to a factor for the whole layer.
    Weights that a channel reads then differ in range, so they need a step for each channel.

    Neurons that share a trained parameter, or are read by a shared one or by one maximum, are scaled alike; so are
    a selection, its word and its bypass. Inputs, outputs, and neurons whose functions do more than scale, are not.

    Args:
        network: prepared; the result computes the same, bit for bit.
        square: (neurons,) mean square of each neuron on samples.
    Source: Nagel et al. 2019, Data-free quantization through weight equalization and bias correction, who balance the
        weights before and after a channel; words in place of the former, powers of two, and any graph are our own.
    """
    group, fixed = _groups(network)
    if fixed.all():
        return network
    value, weight = _means(group, square, len(fixed)), _squares_of_readers(network, group, len(fixed))
    known = ~fixed & (value > 0) & (weight > 0)
    best = np.zeros(len(fixed))
    best[known] = np.log2(weight[known] / value[known]) / 4
    bits = np.zeros(len(fixed), dtype=np.int64)
    for layer, first in zip(network.layers, network.first, strict=False):
        own = np.unique(group[first : first + len(layer)])
        own = own[known[own]]
        if len(own) and layer.gather == "sum":
            bits[own] = np.clip(np.rint(best[own] - np.median(best[own])), -MOST, MOST)
            known[own] = False
    return _scaled(network, bits[group])


def _means(group: Words, numbers: Reals, groups: int) -> Reals:
    """The mean of the numbers in each group; 0 where there are none."""
    found: Reals = np.bincount(group, numbers, groups) / np.maximum(np.bincount(group, minlength=groups), 1)
    return found


def _squares_of_readers(network: Network, group: Words, groups: int) -> Reals:
    """The mean square of the weights that read each group; 0 where none does."""
    sums = [layer for layer in network.layers if layer.gather == "sum"]
    source, weight = (np.concatenate([getattr(layer, name) for layer in sums]) for name in ("source", "weight"))
    return _means(group[source], weight**2, groups)


def _groups(network: Network) -> tuple[Words, Bools]:
    """The group of each neuron, whose members are scaled alike, (neurons,); and which groups are not scaled."""
    pairs: list[tuple[Words, Words]] = [(np.arange(network.features), np.zeros(network.features, dtype=np.int64))]
    for layer, first in zip(network.layers, network.first, strict=False):
        own = first + np.arange(len(layer))
        if layer.gather != "sum":
            pairs.append((layer.source[layer.passing], first + layer.target[layer.passing]))
        else:
            channel = channels_of(len(layer), layer.target, layer.parameter)
            pairs.append((own, own[np.unique(channel, return_index=True)[1]][channel]))
            if layer.parameter is not None:
                _, place, number = np.unique(layer.parameter, return_index=True, return_inverse=True)
                pairs.append((layer.source, layer.source[place][number]))
        if not _scales(layer.activation):
            pairs.append((own, np.zeros_like(own)))
    pairs += [(head.neuron.ravel(), np.zeros(head.neuron.size, dtype=np.int64)) for head in network.outputs]
    one, other = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    group = connected(network.neurons, one, other)
    fixed = np.zeros(group.max() + 1, dtype=np.bool_)
    fixed[group[0]] = True
    return group, fixed


def _scales(composition: Composition) -> bool:
    """Whether `f(s * x)` is `s * f(x)` for every positive s."""
    return all(
        isinstance(function, LeakyRelu)
        or (isinstance(function, Clip) and np.isin(function.lo, (0, -np.inf)).all() and np.isinf(function.hi).all())
        for function in composition
    )


def _scaled(network: Network, bits: Words) -> Network:
    """Scale each neuron by `2**bits`."""

    def scaled(layer: Layer, first: int) -> Layer:
        if layer.gather != "sum":
            return layer
        own = bits[first : first + len(layer)]
        weight = np.ldexp(layer.weight, own[layer.target] - bits[layer.source])
        return replace(layer, weight=weight, bias=np.ldexp(layer.bias, own))

    layers = tuple(scaled(*pair) for pair in zip(network.layers, network.first, strict=False))
    return Network(network.inputs, layers, network.outputs)
