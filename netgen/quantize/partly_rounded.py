"""A network of which a part is rounded: its outputs with the first parts as in the circuit, and the rest in float."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from netgen.ir.activation import activated
from netgen.ir.circuit import saturated
from netgen.ir.fixed import Reals
from netgen.ir.functions import apply_all
from netgen.ir.network import Network
from netgen.quantize.layer_rounding import Rounded

__all__ = ["Part", "partly_rounded"]


@dataclass(frozen=True)
class Part:
    """What rounding changes at once.

    Attributes:
        kind: the words of all inputs, the weights and biases of a layer, or the words of its neurons.
        layer: name of the layer; empty for inputs.
    """

    kind: Literal["inputs", "weights", "activations"]
    layer: str = ""


def partly_rounded(rounded: Rounded, raw: Reals) -> Iterator[tuple[Part | None, Reals]]:
    """Compute the outputs while more and more parts are rounded, from the inputs on.

    The differences between successive outputs add up to the difference between the float network and the circuit, so
    each part has its share of the error. Memory: 32 B for each neuron and sample. Time: about as many evaluations of
    the network as it has layers; a part that rounds nothing takes none.

    Args:
        raw: (n, features) samples.
    Yields: None and the outputs of the float network, (n, outputs), before softmax or arg-max; then each part that
        rounds something, and the outputs when it is rounded as well.
    """
    network = rounded.network
    columns = np.concatenate([head.neuron.ravel() for head in network.outputs])
    values = np.empty((len(raw), network.neurons))
    values[:, : network.features] = raw
    _finish(network, values, 0)
    yield None, values[:, columns]
    for part, own, known, behind in _parts(rounded, raw):
        if not np.array_equal(values[:, own], known):
            values[:, own] = known
            _finish(network, values, behind)
            yield part, values[:, columns]


def _parts(rounded: Rounded, raw: Reals) -> Iterator[tuple[Part, slice, Reals, int]]:
    """Each part, its neurons, their values when all parts up to this one are rounded, and the first layer behind."""
    network, features, frac = rounded.network, rounded.network.features, rounded.frac
    words = np.empty((len(raw), network.neurons), dtype=np.int64)
    own = slice(0, features)
    words[:, own] = replace(rounded.inputs[0], frac=0).encode(np.ldexp(raw, frac[own]))
    yield Part("inputs"), own, np.ldexp(words[:, own].astype(np.float64), -frac[own]), 0
    for index, (layer, made, first) in enumerate(zip(network.layers, rounded.layers, network.first, strict=False)):
        own = slice(first, first + len(layer))
        sums = made.gathered(words[:, :first])
        words[:, own] = saturated(made, activated(made.activation, sums))
        exact = apply_all(layer.activation, np.ldexp(sums.astype(np.float64), -made.frac))
        yield Part("weights", layer.name), own, exact, index + 1
        known = np.ldexp(words[:, own].astype(np.float64), -frac[own])
        yield Part("activations", layer.name), own, known, index + 1


def _finish(network: Network, values: Reals, behind: int) -> None:
    """Compute all layers from one on, in float, from the values of those before."""
    for layer, first in zip(network.layers[behind:], network.first[behind:], strict=False):
        values[:, first : first + len(layer)] = apply_all(layer.activation, layer.gathered(values[:, :first]))
