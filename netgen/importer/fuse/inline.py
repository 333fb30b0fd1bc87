"""Read what a sum reads in place of the sum: residual adds, averages and scaled inputs."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from netgen.importer.fuse.rebuild import readers_of, rebuilt
from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Layer, Network
from netgen.ir.ties import fresh_of, tied_parameters

__all__ = ["inline_sums"]


def inline_sums(network: Network) -> Network:
    """Inline a sum of float weights without activation into the float sums that read it.

    It is inlined where one wire reads it, or where it has at most one wire itself, so the number of wires falls. A
    layer that takes over most of its wires from one other takes over that layer's name.
    """
    readers = readers_of(network)
    inlined = np.zeros(network.neurons, dtype=np.bool_)
    for layer, first in zip(network.layers, network.first, strict=False):
        if layer.gather == "sum" and layer.step is None and not layer.activation:
            own = slice(first, first + len(layer))
            inlined[own] = readers.sums[own] & ((readers.count[own] == 1) | (np.diff(layer.starts) <= 1))
    if not inlined.any():
        return network
    fresh, layers = fresh_of(network), list[Layer]()
    owner = np.repeat(np.arange(-1, len(network.layers)), [network.features, *map(len, network.layers)])
    names = [layer.name for layer in network.layers]
    for index, layer in enumerate(network.layers):
        chosen = inlined[layer.source]
        if not chosen.any():
            layers.append(layer)
            continue
        parts = _Parts.of(layer)
        for before in np.unique(owner[layer.source[chosen]]):
            parts = parts.with_rows(layers[before], network.first[before], inlined, fresh)
            fresh = max(fresh, _next(parts.parameter))
        layers.append(parts.layer(layer, fresh))
        fresh = max(fresh, _next(layers[-1].parameter))
        names[index] = _name_of(network, names, index, owner[layer.source[chosen]], inlined, readers.count)
    named = [replace(layer, name=name) for layer, name in zip(layers, names, strict=True)]
    return rebuilt(network, named, inlined)


def _name_of(network: Network, names: list[str], index: int, owners: Words, inlined: Bools, count: Words) -> str:
    """The name of the layer from which most wires come, if all of it went into this layer; else its own."""
    best, wires = names[index], network.layers[index].wires - len(owners)
    for before, reads in Counter(owners.tolist()).items():
        own = slice(network.first[before], network.first[before + 1])
        if network.layers[before].wires > max(wires, reads) and inlined[own].all() and count[own].sum() == reads:
            best, wires = names[before], network.layers[before].wires
    return best


def _next(parameter: Words | None) -> int:
    """The least number above all parameters."""
    return 0 if parameter is None else int(parameter.max(initial=-1)) + 1


@dataclass(frozen=True, eq=False)
class _Parts:
    """Wires (m,) of a layer, some of which are to be added up.

    Attributes:
        row: the neuron, by its index in the layer.
        factor: by which the parameter is multiplied.
        parameter: numbers; None while no wire shares its own.
    """

    row: Words
    source: Words
    weight: Reals
    factor: Reals
    parameter: Words | None
    bias: Reals

    @classmethod
    def of(cls, layer: Layer) -> "_Parts":
        """The wires of a layer."""
        return cls(layer.target, layer.source, layer.weight, np.ones(layer.wires), layer.parameter, layer.bias)

    def with_rows(self, other: Layer, first: int, inlined: Bools, fresh: int) -> "_Parts":
        """Replace the wires that read inlined neurons of another layer by the wires of these neurons."""
        inside = (self.source >= first) & (self.source < first + len(other))
        inside[inside] = inlined[self.source[inside]]
        into = np.flatnonzero(inside)
        at = self.source[into] - first
        lengths = np.diff(other.starts)[at]
        ends = np.cumsum(lengths)
        total = int(ends[-1])
        wires = np.repeat(other.starts[at] - (ends - lengths), lengths) + np.arange(total)
        scale = np.repeat(self.weight[into], lengths)
        mine = self.parameter
        theirs = None if other.parameter is None else other.parameter[wires]
        if mine is None and theirs is not None:
            mine = fresh + np.arange(len(self.row))
            fresh += len(self.row)
        if mine is not None and theirs is None:
            theirs = fresh + np.arange(total)
        left = ~inside
        moved = np.bincount(self.row[into], self.weight[into] * other.bias[at], minlength=len(self.bias))
        return _Parts(
            np.concatenate([self.row[left], np.repeat(self.row[into], lengths)]),
            np.concatenate([self.source[left], other.source[wires]]),
            np.concatenate([self.weight[left], other.weight[wires] * scale]),
            np.concatenate([self.factor[left], scale]),
            None if mine is None or theirs is None else np.concatenate([mine[left], theirs]),
            self.bias + moved,
        )

    def layer(self, like: Layer, fresh: int) -> Layer:
        """The layer of these wires, added up where a neuron reads another several times."""
        order = np.lexsort((self.source, self.row))
        row, source = self.row[order], self.source[order]
        new = np.ones(len(row), dtype=np.bool_)
        new[1:] = (row[1:] != row[:-1]) | (source[1:] != source[:-1])
        first = np.flatnonzero(new)
        weight = np.add.reduceat(self.weight[order], first) if len(first) else np.zeros(0)
        left = weight != 0
        parameter = None
        if self.parameter is not None and len(first):
            parameter = tied_parameters(self.parameter[order], self.factor[order], first, fresh)
            _, one, number = np.unique(parameter, return_index=True, return_inverse=True)
            weight = weight[one][number]  # the same parts in another order may differ in the last bit
            left, parameter = weight != 0, parameter[weight != 0]
        row, source = row[first][left], source[first][left]
        starts = np.searchsorted(row, np.arange(len(self.bias) + 1))
        return replace(like, starts=starts, source=source, weight=weight[left], bias=self.bias, parameter=parameter)
