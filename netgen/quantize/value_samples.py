"""What calibration samples show of a network: the range and a sample of each layer's values, and second moments."""

from dataclasses import dataclass
from itertools import pairwise
from math import gcd

import numpy as np

from netgen.ir.fixed import Reals
from netgen.ir.network import Layer, Network

__all__ = ["LayerValues", "NetworkValues", "values_of"]

KEPT = 1 << 18
"""Values of a layer that are kept: formats are chosen by these, and by the least and the greatest of all."""
CANCELLED = 2.0**-40
"""Part of the terms of a sum that 8,000 roundings in double precision may leave where they cancel."""


@dataclass(frozen=True, eq=False)
class LayerValues:
    """The values of one layer, or of one input.

    Attributes:
        kept: (k,) of its values, evenly spaced among all.
        lo, hi: least and greatest of all its values.
    """

    kept: Reals
    lo: float
    hi: float

    @classmethod
    def of_range(cls, lo: float, hi: float) -> "LayerValues":
        """Values of which only the range is known."""
        return cls(np.array([lo, hi]), lo, hi)


@dataclass(frozen=True, eq=False)
class NetworkValues:
    """The values of all neurons.

    Attributes:
        inputs: for each port.
        layers: for each layer.
        square: (neurons,) mean square of each neuron: the second derivative of the squared error of a sum that reads
            it, by its weight.
    """

    inputs: tuple[LayerValues, ...]
    layers: tuple[LayerValues, ...]
    square: Reals


def values_of(network: Network, flat: Reals) -> NetworkValues:
    """Evaluate a network on samples, (n, features), n at least 1, some at a time."""
    sizes = [port.size for port in network.inputs]
    bounds = [0, *np.cumsum(sizes).tolist(), *network.first[1:]]
    kept: list[list[Reals]] = [[] for _ in bounds[1:]]
    lo, hi = np.full(len(kept), np.inf), np.full(len(kept), -np.inf)
    square = np.zeros(network.neurons)
    for values in network.values(_split(network, flat)):
        for layer, first in zip(network.layers, network.first, strict=False):
            _clear_noise(layer, first, values)
        square += np.einsum("ij,ij->j", values, values)
        for k, (first, last) in enumerate(pairwise(bounds)):
            own = values[:, first:last]
            lo[k], hi[k] = min(lo[k], own.min()), max(hi[k], own.max())
            every = _stride(-(-len(flat) * (last - first) // KEPT), last - first)
            kept[k].append(own.reshape(-1)[::every].copy())
    found = [LayerValues(np.concatenate(kept[k]), float(lo[k]), float(hi[k])) for k in range(len(kept))]
    return NetworkValues(tuple(found[: len(sizes)]), tuple(found[len(sizes) :]), square / len(flat))


def _clear_noise(layer: Layer, first: int, values: Reals) -> None:
    """Set the values of sums to 0 where their terms cancel but for rounding, so that no format resolves rounding.

    Args:
        values: (samples, neurons).
    """
    own = values[:, first : first + len(layer)]
    if layer.gather != "sum" or not layer.wires:
        return
    reach = np.abs(layer.weight).max() * np.abs(values[:, layer.source.min() : layer.source.max() + 1]).max(initial=0.0)
    if 0 < np.abs(own).max() <= CANCELLED * reach:
        terms = Layer(layer.name, layer.starts, layer.source, np.abs(layer.weight), np.abs(layer.bias))
        own[np.abs(own) <= CANCELLED * terms.gathered(np.abs(values[:, :first]))] = 0.0


def _stride(least: int, neurons: int) -> int:
    """The least stride, `least` or more, at which values that are taken from all samples in turn cover every neuron."""
    while gcd(least, neurons) > 1:
        least += 1
    return least


def _split(network: Network, flat: Reals) -> tuple[Reals, ...]:
    """The samples of each port, (n, size), from those of all ports side by side."""
    return tuple(np.split(flat, np.cumsum([port.size for port in network.inputs])[:-1], axis=1))
