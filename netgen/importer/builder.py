"""A network under construction: operations add layers, `finish` gives the `Network`.

Layers are added as the model states them, one for each operation that computes; `netgen.importer.fuse` joins them
afterwards. So an operation is written once, for every kind of file.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netgen.errors import ModelError
from netgen.importer.rows import Rows, compressed
from netgen.importer.signals import NO_NEURON, Signals, Tensor, signals_of
from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import Affine, Clip, Composition, apply_all, of_neurons, uniform
from netgen.ir.network import Head, HeadFunction, Layer, Network, Port

__all__ = ["MAX_WIRES", "Builder"]

MAX_WIRES = 50_000_000
"""Most weights, unrolled, that one operation may have; about 3 GB while it is read."""


class Builder:
    """The inputs, layers and outputs that have been added so far."""

    def __init__(self) -> None:
        self.inputs: list[Port] = []
        self.layers: list[Layer] = []
        self.outputs: list[Head] = []
        self.neurons = 0
        self._first: list[int] = []
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

    def output(
        self, name: str, x: Tensor, function: HeadFunction = "none", axis: int = -1, *, keep: bool = False
    ) -> None:
        """Add an output; known numbers become neurons that have a bias only.

        Args:
            axis: of x, batch axis included.
            keep: whether the shape of an arg-max keeps the axis.
        Raises: ModelError, for a tensor without the batch axis, or a function along it.
        """
        if not x.shape or x.shape[0] != 1:
            raise ModelError(f"output {name} has shape {x.shape} for one sample; its first axis must be the batch's")
        below = axis if axis < 0 else axis - len(x.shape)
        if function != "none" and below == -len(x.shape):
            raise ModelError(f"output {name}: {function} along the batch; give another axis")
        found = signals_of(x)
        known = found.neuron == NO_NEURON
        neuron = found.neuron
        if known.any():
            neuron = neuron.copy()
            count = int(known.sum())
            none = np.zeros(0, dtype=np.int64)
            layer = Layer(
                self._unique(f"{name}.constant"),
                np.zeros(count + 1, dtype=np.int64),
                none,
                np.zeros(0),
                found.value[known],
            )
            neuron[known] = self._added(layer)
        self.outputs.append(Head(name, neuron[0], function, below, keep))

    def check_wires(self, name: str, wires: int) -> None:
        """Refuse an operation that would not fit the memory, before it is unrolled.

        Args:
            wires: one for each use of a weight, zero or not.
        Raises: ModelError, for more than `MAX_WIRES`.
        """
        if wires > MAX_WIRES:
            raise ModelError(f"{name}: unrolls to {wires:,} wires; at most {MAX_WIRES:,} are read; use a smaller input")

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
    ) -> Signals:
        """Add a layer of sums; returns its neurons, (n,), and the number itself where a sum reads no neuron.

        Known numbers move into the bias. Weights of 0 are no wires. A neuron that is read twice is read once, by the
        sum of both weights; such a wire has a parameter of its own.

        Args:
            read: (n, k) elements, those that each neuron reads.
            weight: (n, k), or what broadcasts to it.
            bias: (n,).
            parameter: (n, k), the numbers of the weights' parameters.
            step: (n,), each weight of a row is a whole multiple of it; None for float weights.
        """
        rows, bias = compressed(read, weight, bias, parameter)
        if rows.parameter is not None and len(rows.merged):
            parameters = rows.parameter.copy()
            parameters[rows.merged] = self.parameters(len(rows.merged))
            rows = Rows(rows.starts, rows.source, rows.weight, parameters, rows.merged)
        used = np.diff(rows.starts) > 0
        neuron = np.full(len(bias), NO_NEURON, dtype=np.int64)
        if used.any():
            starts = np.append(rows.starts[:-1][used], rows.starts[-1])
            steps = None if step is None else step[used]
            layer = Layer(
                self._unique(name), starts, rows.source, rows.weight, bias[used], parameter=rows.parameter, step=steps
            )
            neuron[used] = self._added(layer)
        return Signals(neuron, np.where(used, 0.0, bias))

    def maxima(self, name: str, read: Signals) -> Signals:
        """Add a layer of maxima; returns its neurons, (n,), and the number itself where a maximum reads no neuron.

        Args:
            read: (n, k) elements; a known number limits the maximum from below.
        """
        used = read.neuron != NO_NEURON
        limit = np.where(used, -np.inf, read.value).max(axis=1)
        row, column = np.nonzero(used)
        pairs = np.unique(np.stack([row, read.neuron[row, column]], axis=1), axis=0)
        rows = np.flatnonzero(used.any(axis=1))
        neuron = np.full(len(used), NO_NEURON, dtype=np.int64)
        if len(rows):
            starts = np.append(np.searchsorted(pairs[:, 0], rows), len(pairs))
            ones, zeros = np.ones(len(pairs)), np.zeros(len(rows))
            limits: Composition = () if np.isneginf(limit[rows]).all() else (Clip(limit[rows]),)
            layer = Layer(self._unique(name), starts, pairs[:, 1], ones, zeros, gather="max", activation=limits)
            neuron[rows] = self._added(layer)
        return Signals(neuron, np.where(neuron == NO_NEURON, limit, 0.0))

    def selections(self, name: str, bypass: Signals, gate: Signals, word: Signals) -> Signals:
        """Add a layer of neurons that select, and return them, (n,).

        Args:
            bypass, gate, word: (n,), neurons of ascending numbers; a bypass that is known is 0.
        """
        rows = np.stack([bypass.neuron, gate.neuron, word.neuron], axis=1)
        read = rows != NO_NEURON
        starts = np.concatenate([[0], np.cumsum(read.sum(axis=1))])
        ones, zeros = np.ones(starts[-1]), np.zeros(len(rows))
        return Signals.of(self._added(Layer(self._unique(name), starts, rows[read], ones, zeros, gather="select")))

    def apply(self, name: str, read: Signals, pipeline: Composition) -> Signals:
        """Add a layer that applies functions to each element; those of known numbers are known.

        A neuron that occurs in several elements is computed once, unless the functions differ by element.

        Args:
            read: of any shape; parameters of the pipeline are scalars, or given for its elements in flat order.
        """
        flat, value = read.neuron.reshape(-1), read.value.reshape(-1)
        known = flat == NO_NEURON
        neuron, result = flat.copy(), np.zeros(len(flat))
        if known.any():
            result[known] = apply_all(of_neurons(pipeline, np.flatnonzero(known)), value[known][None, :])[0]
        used = np.flatnonzero(~known)
        if len(used):
            source, place = flat[used], np.arange(len(used))
            if uniform(pipeline):
                source, place = np.unique(source, return_inverse=True)
            else:
                pipeline = of_neurons(pipeline, used)
            n = len(source)
            layer = Layer(self._unique(name), np.arange(n + 1), source, np.ones(n), np.zeros(n), activation=pipeline)
            neuron[used] = self._added(layer)[place]
        return Signals(neuron.reshape(read.shape), result.reshape(read.shape))

    def elementwise(self, neuron: Words) -> tuple[Words, Composition] | None:
        """What neurons, (n,), are functions of: one neuron each, and the pipeline that was applied to it.

        Returns: None, where they are inputs, lie in several layers, or read several neurons.
        """
        if not len(neuron) or neuron.min() < sum(port.size for port in self.inputs):
            return None
        index = int(np.searchsorted(self._first, neuron.min(), side="right")) - 1
        layer, at = self.layers[index], neuron - self._first[index]
        if at.max() >= len(layer) or layer.gather != "sum" or (np.diff(layer.starts) != 1).any():
            return None
        weight, bias = layer.weight[at], layer.bias[at]
        before: Composition = () if (weight == 1).all() and not bias.any() else (Affine(weight, bias),)
        return layer.source[at], (*before, *of_neurons(layer.activation, at))

    def finish(self) -> Network:
        """The network of all that was added; where all outputs are inputs, by an identity layer."""
        features = sum(port.size for port in self.inputs)
        if all((head.neuron < features).all() for head in self.outputs):
            inputs = Signals.of(np.arange(features, dtype=np.int64))
            moved = self.apply("identity", inputs, ()).neuron
            self.outputs = [replace(head, neuron=moved[head.neuron]) for head in self.outputs]
        return Network(tuple(self.inputs), tuple(self.layers), tuple(self.outputs))

    def _added(self, layer: Layer) -> Words:
        self.layers.append(layer)
        self._first.append(self.neurons)
        first, self.neurons = self.neurons, self.neurons + len(layer)
        return np.arange(first, self.neurons, dtype=np.int64)

    def _unique(self, name: str) -> str:
        """The name, followed by a number if another layer has it."""
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}.{self._names[name]}"
