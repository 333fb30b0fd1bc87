"""A trained network in float: layers of neurons, each of which reads any earlier neurons.

A chain of dense layers is the special case. Convolutions are unrolled: a kernel entry that is used at 100 positions is
100 wires. Wires are held as compressed rows, so memory follows the number of wires.

Neurons are numbered through: first the inputs, port by port, then layer by layer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, assert_never

import numpy as np
import numpy.typing as npt

from netgen.errors import DataError, WeightsError
from netgen.ir.arrays import frozen
from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import Composition, apply_all, check_pipeline
from netgen.ir.rows import Gather, SparseLayer, check_gather, selected

__all__ = ["Head", "Layer", "Network", "Port"]

HeadFunction = Literal["none", "softmax", "log_softmax", "argmax"]

CHUNK_BYTES = 50_000_000
"""Memory for the values of all neurons of the samples that are evaluated at once."""
SPARSE_NUMBERS = 16
"""Multiple of the number of wires from which the numbers of parameters are sorted, not used as places."""


@dataclass(frozen=True, eq=False)
class Layer(SparseLayer):
    """Neurons that are computed alike: `activation(what they gather from what they read)`.

    Attributes:
        name: module path or node name in the user's model; unique in a network.
        starts: (n + 1,) int64; the wires of neuron k are those from `starts[k]` to `starts[k + 1] - 1`.
        source: (m,) int64; the number of the neuron that each wire reads; no neuron reads another twice.
        weight: (m,) float64; 1 for the wires of a maximum or a selection.
        bias: (n,) float64; 0 for a maximum or a selection.
        gather: sum, maximum, or selection by a gate; no table.
        activation: functions applied to it, one after the other.
        parameter: (m,) int64; wires with equal numbers share one trained parameter, and so their weight; None when no
            two do.
        step: (n,) float64; the weights of neuron k are whole multiples of `step[k]`, because the network arrived
            quantized; None for float weights.

    Raises: WeightsError, for arrays that do not match, or numbers that are not finite.
    """

    name: str
    starts: Words
    source: Words
    weight: Reals
    bias: Reals
    gather: Gather = "sum"
    activation: Composition = ()
    parameter: Words | None = None
    step: Reals | None = None

    def __post_init__(self) -> None:
        for name, dtype in (("starts", np.int64), ("source", np.int64), ("weight", np.float64), ("bias", np.float64)):
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        for name, dtype in (("parameter", np.int64), ("step", np.float64)):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        n, m = len(self.bias), len(self.source)
        shapes = [(m,), (m,), *([(m,)] if self.parameter is not None else [])]
        found = [self.source.shape, self.weight.shape, *([self.parameter.shape] if self.parameter is not None else [])]
        if self.bias.ndim != 1 or n == 0 or self.starts.shape != (n + 1,) or found != shapes:
            raise WeightsError(f"layer {self.name}: its arrays do not match; give one bias per neuron, rows of wires")
        if self.starts[0] != 0 or self.starts[-1] != m or (np.diff(self.starts) < 0).any():
            raise WeightsError(f"layer {self.name}: starts must rise from 0 to the number of wires, {m}")
        if self.step is not None and self.step.shape != (n,):
            raise WeightsError(f"layer {self.name}: {self.step.shape} steps of weights for {n} neurons")
        for name in ("weight", "bias"):
            array = getattr(self, name)
            if not np.isfinite(array).all():
                at = int(np.argmin(np.isfinite(array)))
                raise WeightsError(f"layer {self.name}: {name} {at} is {array[at]}; every weight must be finite")
        problem = check_gather(self.gather, self.starts, self.source, self.weight, self.bias)
        if self.gather == "table":
            problem = "a table reads bits, which a float network does not have; give its circuit instead"
        if problem:
            raise WeightsError(f"layer {self.name}: {problem}")
        if self.parameter is not None and (weights := _contradiction(self.parameter, self.weight)):
            raise WeightsError(f"layer {self.name}: {weights}; wires that share a parameter have one weight")
        check_pipeline(self.activation, n, f"layer {self.name}")

    def gathered(self, values: Reals) -> Reals:
        """The sums, maxima or selections, (samples, n), of the values of all earlier neurons, (samples, earlier)."""
        if self.gather == "select":
            return selected(values, self.starts, self.source)
        if self.gather == "max":
            return _maxima(values, self.starts, self.source)
        from scipy.sparse import csr_array

        lo, hi = self.source.min(initial=values.shape[1]), self.source.max(initial=-1) + 1
        near = values[:, min(lo, hi) : hi]  # copied by the product, so a chain of layers copies its values once
        rows = csr_array((self.weight, self.source - min(lo, hi), self.starts), shape=(len(self), near.shape[1]))
        total: Reals = (rows @ near.T).T + self.bias
        return total


def _contradiction(parameter: Words, weight: Reals) -> str:
    """Name two weights, (m,), of one parameter that differ; empty when there are none."""
    number = parameter
    if len(parameter) and not 0 <= parameter.min() <= parameter.max() <= SPARSE_NUMBERS * len(parameter):
        number = np.unique(parameter, return_inverse=True)[1]
    one = np.zeros(number.max(initial=0) + 1)
    one[number] = weight
    differ = np.flatnonzero(weight != one[number])
    if not len(differ):
        return ""
    at = differ[0]
    return f"weights {weight[at]:.6g} and {one[number[at]]:.6g} of parameter {parameter[at]}"


def _maxima(values: Reals, starts: Words, source: Words) -> Reals:
    """The greatest value of each row's sources; rows are not empty."""
    return np.stack([np.maximum.reduceat(sample[source], starts[:-1]) for sample in values])


@dataclass(frozen=True)
class Port:
    """An input of the user's model.

    Attributes:
        shape: of one sample, without the batch.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Values of one sample."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Head:
    """An output of the user's model.

    Attributes:
        neuron: int64, of the shape of one sample's output: the number of the neuron that gives each value.
        function: what the model computes from these values; hardware gives the values, and the class for `argmax`.
        axis: the axis of `neuron` along which it is computed.
        keep: whether the shape of an arg-max keeps the axis, with length 1.
    """

    name: str
    neuron: Words
    function: HeadFunction = "none"
    axis: int = -1
    keep: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "neuron", frozen(self.neuron, np.int64))

    def outputs(self, values: Reals) -> npt.NDArray[np.generic]:
        """The model's output, (samples, *shape), from the values of all neurons, (samples, neurons)."""
        from scipy.special import log_softmax, softmax

        found: Reals = values[:, self.neuron]
        axis = self.axis if self.axis < 0 else self.axis + 1
        match self.function:
            case "none":
                return found
            case "softmax":
                return np.asarray(softmax(found, axis=axis))
            case "log_softmax":
                return np.asarray(log_softmax(found, axis=axis))
            case "argmax":
                return np.asarray(np.argmax(found, axis=axis, keepdims=self.keep))
            case _:
                assert_never(self.function)


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in topological order, between named inputs and outputs.

    Attributes:
        inputs: one or more ports.
        layers: at least one; each reads inputs and neurons of layers before it.
        outputs: one or more heads.

    Raises: WeightsError, when a layer reads a neuron that is not before it, or two names are equal.
    """

    inputs: tuple[Port, ...]
    layers: tuple[Layer, ...]
    outputs: tuple[Head, ...]

    def __post_init__(self) -> None:
        if not self.inputs or not self.layers or not self.outputs:
            raise WeightsError("a network needs at least one input, one layer and one output")
        for what, names in (("inputs", self.inputs), ("layers", self.layers), ("outputs", self.outputs)):
            seen = [one.name for one in names]
            twice = next((name for name in seen if seen.count(name) > 1), None) if len(set(seen)) < len(seen) else None
            if twice is not None:
                raise WeightsError(f"two {what} named {twice!r}; every name must be unique")
        for layer, first in zip(self.layers, self.first, strict=False):
            if layer.wires and not 0 <= layer.source.min() <= layer.source.max() < first:
                raise WeightsError(f"layer {layer.name}: reads a neuron that is not before it")
        for head in self.outputs:
            if not head.neuron.size or not 0 <= head.neuron.min() <= head.neuron.max() < self.neurons:
                raise WeightsError(f"output {head.name}: a neuron beyond the {self.neurons} of the network, or none")

    @property
    def features(self) -> int:
        """Values of one sample, over all inputs."""
        return sum(port.size for port in self.inputs)

    @cached_property
    def first(self) -> tuple[int, ...]:
        """The number of the first neuron of each layer, and the number of all neurons at the end."""
        sizes = [self.features, *map(len, self.layers)]
        return tuple(int(total) for total in np.cumsum(sizes))

    @property
    def neurons(self) -> int:
        """Number of neurons, the inputs included."""
        return self.first[-1]

    @property
    def wires(self) -> int:
        """Number of wires."""
        return sum(layer.wires for layer in self.layers)

    def flat(self, x: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Reals:
        """The samples of all inputs side by side, (n, features) float64.

        Args:
            x: (n, *shape) of the one input, or a tuple with one array for each input.
        Raises: DataError, for another shape, or a number of arrays other than that of the inputs.
        """
        given = list(x) if isinstance(x, tuple) else [x]
        if len(given) != len(self.inputs):
            raise DataError(f"{len(given)} arrays for the {len(self.inputs)} inputs {[p.name for p in self.inputs]}")
        arrays = [np.asarray(array, dtype=np.float64) for array in given]
        for array, port in zip(arrays, self.inputs, strict=True):
            if array.shape[1:] not in {port.shape, (port.size,)} or array.ndim < 2:
                raise DataError(
                    f"input {port.name} of shape {array.shape}; give (n, {', '.join(map(str, port.shape))})"
                )
        return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)

    def values(self, x: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Iterator[Reals]:
        """The values of all neurons, (samples, neurons) float64, for some samples at a time."""
        flat = self.flat(x)
        at_once = max(1, CHUNK_BYTES // (8 * self.neurons))
        for start in range(0, len(flat), at_once):
            chunk = flat[start : start + at_once]
            values = np.empty((len(chunk), self.neurons))
            values[:, : self.features] = chunk
            for layer, first in zip(self.layers, self.first, strict=False):
                values[:, first : first + len(layer)] = apply_all(layer.activation, layer.gathered(values[:, :first]))
            yield values

    def head_values(self, flat: Reals) -> Reals:
        """The values of all outputs before what they compute of them, side by side, (n, outputs), of (n, features)."""
        columns = np.concatenate([head.neuron.ravel() for head in self.outputs])
        ports = np.split(flat, np.cumsum([port.size for port in self.inputs])[:-1], axis=1)
        return np.concatenate([values[:, columns] for values in self.values(tuple(ports))])

    def evaluate(
        self, x: npt.ArrayLike | Sequence[npt.ArrayLike]
    ) -> npt.NDArray[np.generic] | tuple[npt.NDArray[np.generic], ...]:
        """Compute the outputs in double precision, shaped as those of the user's model; several heads as a tuple.

        Args:
            x: (n, *shape) of the one input, or a tuple with one array for each input.
        Raises: DataError, for inputs of another shape.
        """
        chunks = [tuple(head.outputs(values) for head in self.outputs) for values in self.values(x)]
        heads = tuple(np.concatenate(parts) for parts in zip(*chunks, strict=True))
        return heads[0] if len(heads) == 1 else heads
