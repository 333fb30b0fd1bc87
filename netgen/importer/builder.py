"""A network under construction: operations add layers, `finish` gives the `Network`.

Layers are added as the model states them, one for each operation that computes; `netgen.importer.fuse` joins them
afterwards. So an operation is written once, for every kind of file.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netgen.importer.signals import NO_NEURON, Signals
from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import Pipeline
from netgen.ir.network import Head, Layer, Network, Port

__all__ = ["Builder"]


class Builder:
    """The inputs and layers that have been added so far."""

    def __init__(self) -> None:
        self.inputs: list[Port] = []
        self.layers: list[Layer] = []
        self.neurons = 0
        self._names: Counter[str] = Counter()
        self._parameters = 0

    def input(self, name: str, shape: Sequence[int]) -> Signals:
        """Add an input; all inputs are added before the first layer.

        Args:
            shape: with the batch axis, which has length 1.
        """
        assert not self.layers
        port = Port(name, tuple(shape[1:]))
        self.inputs.append(port)
        first, self.neurons = self.neurons, self.neurons + port.size
        return Signals.of(np.arange(first, self.neurons, dtype=np.int64).reshape(shape))

    def parameters(self, count: int) -> Words:
        """Fresh numbers for trained parameters, (count,); wires that get the same number share a parameter."""
        first, self._parameters = self._parameters, self._parameters + count
        return np.arange(first, self._parameters, dtype=np.int64)

    def sums(
        self,
        name: str,
        read: Signals,
        weight: Reals,
        bias: Reals,
        *,
        parameter: Words | None = None,
        step: Reals | None = None,
    ) -> Words:
        """Add a layer of sums; returns the numbers of its neurons, (n,).

        Known numbers move into the bias. Weights of 0 are no wires. A neuron that is read twice is read once, by the
        sum of both weights; such a wire has a parameter of its own.

        Args:
            read: (n, k) elements, those that each neuron reads.
            weight: (n, k), or what broadcasts to it.
            bias: (n,).
            parameter: (n, k), the numbers of the weights' parameters.
            step: (n,), each weight of a row is a whole multiple of it; None for float weights.
        """
        n, k = read.shape
        weight = np.broadcast_to(weight, (n, k))
        bias = bias + (weight * read.value).sum(axis=1)
        used = (read.neuron != NO_NEURON) & (weight != 0)
        row, column = np.nonzero(used)
        source, factor = read.neuron[row, column], weight[row, column]
        shared = None if parameter is None else np.broadcast_to(parameter, (n, k))[row, column]
        order = np.lexsort((source, row))
        row, source, factor = row[order], source[order], factor[order]
        shared = None if shared is None else shared[order]
        again = np.zeros(len(row), dtype=np.bool_)
        again[1:] = (row[1:] == row[:-1]) & (source[1:] == source[:-1])
        if again.any():
            first = np.flatnonzero(~again)
            factor = np.add.reduceat(factor, first)
            merged = np.diff(np.append(first, len(row))) > 1
            row, source = row[first], source[first]
            if shared is not None:
                shared = shared[first].copy()
                shared[merged] = self.parameters(int(merged.sum()))
            left = factor != 0
            row, source, factor = row[left], source[left], factor[left]
            shared = None if shared is None else shared[left]
        starts = np.searchsorted(row, np.arange(n + 1))
        return self._added(Layer(self._unique(name), starts, source, factor, bias, parameter=shared, step=step))

    def maxima(self, name: str, read: Signals) -> Words:
        """Add a layer of maxima; returns the numbers of its neurons, (n,).

        Args:
            read: (n, k) elements; known numbers must be minus infinity, as padding is.
        """
        used = read.neuron != NO_NEURON
        assert np.isneginf(read.value[~used]).all()
        row, column = np.nonzero(used)
        source = read.neuron[row, column]
        pairs = np.unique(np.stack([row, source], axis=1), axis=0)
        starts = np.searchsorted(pairs[:, 0], np.arange(len(read.neuron) + 1))
        ones, zeros = np.ones(len(pairs)), np.zeros(len(read.neuron))
        return self._added(Layer(self._unique(name), starts, pairs[:, 1], ones, zeros, gather="max"))

    def apply(self, name: str, read: Signals, pipeline: Pipeline) -> Signals:
        """Add a layer that applies functions to each element; known numbers stay elements of the layer.

        Args:
            read: of any shape; parameters of the pipeline are given for its elements in flat order.
        """
        flat = read.moved(lambda array: array.reshape(-1, 1))
        number = self.sums(name, flat, np.ones((1, 1)), np.zeros(len(flat.neuron)))
        self.layers[-1] = replace(self.layers[-1], activation=pipeline)
        return Signals.of(number.reshape(read.shape))

    def finish(self, outputs: Sequence[Head]) -> Network:
        """The network of all layers that were added."""
        return Network(tuple(self.inputs), tuple(self.layers), tuple(outputs))

    def _added(self, layer: Layer) -> Words:
        self.layers.append(layer)
        first, self.neurons = self.neurons, self.neurons + len(layer)
        return np.arange(first, self.neurons, dtype=np.int64)

    def _unique(self, name: str) -> str:
        """The name, followed by a number if another layer has it."""
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}.{self._names[name]}"
