"""Bring a float network into the form that is quantized; the function stays the same.

Affine functions move into weights, quantizers become limits, and layers of one wire for each neuron are added where
words of several formats meet: before a maximum or a selection of inputs and results, and before classes that several
layers give.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import RELU, Affine, Clip, Composition, Function, Product, Quantize
from netgen.ir.network import Layer, Network
from netgen.ir.ties import folded, fresh_of

__all__ = ["prepare", "with_identity", "with_scores", "without_quantizers"]

SATURATION = 127
"""Steps of a quantizer from which its limits only saturate; those of narrower ones shape the function."""


def prepare(network: Network) -> Network:
    """The same function, in the form that is quantized, with sources that rise; but quantizers become limits."""
    network = without_quantizers(network)
    fresh = fresh_of(network)
    layers = [folded(replace(layer, activation=_merged(layer.activation)), fresh) for layer in network.layers]
    network = with_scores(_with_entries(Network(network.inputs, tuple(layers), network.outputs)))
    return Network(network.inputs, tuple(_rising(layer) for layer in network.layers), network.outputs)


def _rising(layer: Layer) -> Layer:
    """The same wires, with sources that rise in every row."""
    order = np.lexsort((layer.source, layer.target))
    return replace(
        layer,
        source=layer.source[order],
        weight=layer.weight[order],
        parameter=None if layer.parameter is None else layer.parameter[order],
    )


def without_quantizers(network: Network) -> Network:
    """Replace each quantizer by its limits; weights that arrived quantized count as float ones.

    Limits of `SATURATION` steps or more are left out, except 0, which is a ReLU: the format chosen here replaces them.
    """
    layers = [replace(layer, activation=_limits(layer.activation), step=None) for layer in network.layers]
    return Network(network.inputs, tuple(layers), network.outputs)


def _limits(pipeline: Composition) -> Composition:
    """Functions with limits in place of quantizers."""
    found: list[Function] = []
    for function in pipeline:
        match function:
            case Quantize(step, zero, lo, hi):
                wide = bool((np.subtract(hi, lo) >= SATURATION).all())
                least, most = step * np.subtract(lo, zero), step * np.subtract(hi, zero)
                if not wide:
                    found.append(Clip(_scalar(least), _scalar(most)))
                elif not np.any(least):
                    found.append(RELU)
            case Product(left, right):
                found.append(Product(_limits(left), _limits(right)))
            case _:
                found.append(function)
    return tuple(found)


def _scalar(parameter: Reals | float) -> Reals | float:
    """A scalar where all numbers are equal."""
    flat = np.reshape(parameter, -1)
    return float(flat[0]) if (flat == flat[0]).all() else flat


def _merged(pipeline: Composition) -> Composition:
    """Successive limits as one, and affine functions before limits."""
    found: list[Function] = []
    for function in pipeline:
        before = found[-1] if found else None
        if isinstance(before, Clip) and isinstance(function, Clip):
            found[-1] = Clip(*(_scalar(np.clip(end, function.lo, function.hi)) for end in (before.lo, before.hi)))
        elif isinstance(before, Clip) and isinstance(function, Affine) and np.all(np.not_equal(function.scale, 0)):
            ends = [np.asarray(end) * function.scale + function.offset for end in (before.lo, before.hi)]
            limits = Clip(_scalar(np.minimum(*ends)), _scalar(np.maximum(*ends)))
            found = [*_merged((*found[:-1], function)), limits]
        else:
            found.append(function)
    return tuple(found)


def _with_entries(network: Network) -> Network:
    """Let maxima and selections that read inputs beside results, or of several ports, read copies of these inputs."""

    def mixed(layer: Layer) -> bool:
        source = layer.source[layer.passing]
        beside = len(network.inputs) > 1 or source.max(initial=-1) >= network.features
        return layer.gather != "sum" and source.min(initial=network.features) < network.features and bool(beside)

    copied = [layer.source[layer.source < network.features] for layer in network.layers if mixed(layer)]
    return with_identity(network, 0, np.unique(np.concatenate(copied)), "inputs", mixed) if copied else network


def with_scores(network: Network) -> Network:
    """Let classes that several layers give, or inputs, be given by one layer."""
    for head in network.outputs:
        layer = np.searchsorted(network.first, head.neuron.reshape(-1), side="right")
        if head.function == "none" or (len(set(layer.tolist())) == 1 and layer[0] > 0):
            continue
        network = with_identity(
            network, len(network.layers), head.neuron.reshape(-1), f"{head.name}.scores", lambda _: False, head.name
        )
    return network


def with_identity(
    network: Network, place: int, copied: Words, name: str, reads: Callable[[Layer], bool], head: str | None = None
) -> Network:
    """Insert a layer that copies neurons.

    Args:
        place: of the layer, by its index.
        copied: (k,) neurons before it.
        reads: which later layers read the copies.
        head: the name of an output that is given by the copies, in the order of `copied`.
    """
    first, k = network.first[place], len(copied)
    copy = np.arange(network.neurons)
    copy[copy >= first] += k
    stand_in = copy.copy()
    stand_in[copied] = first + np.arange(k)
    names = {layer.name for layer in network.layers}
    while name in names:
        name += "_"
    layers = [
        _reading(layer, (stand_in if index >= place and reads(layer) else copy)[layer.source])
        for index, layer in enumerate(network.layers)
    ]
    layers.insert(place, Layer(name, np.arange(k + 1), copied, np.ones(k), np.zeros(k)))
    outputs = [
        replace(one, neuron=(first + np.arange(k)).reshape(one.neuron.shape) if one.name == head else copy[one.neuron])
        for one in network.outputs
    ]
    return Network(network.inputs, tuple(layers), tuple(outputs))


def _reading(layer: Layer, source: Words) -> Layer:
    return replace(layer, source=source)
