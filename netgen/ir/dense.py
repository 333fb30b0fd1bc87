"""The multilayer perceptron that training shapes: one dense, masked matrix for each layer.

`network_of` writes it as a `Network`, which is what the rest of netgen reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from netgen.errors import WeightsError
from netgen.ir.arrays import Bools, frozen
from netgen.ir.fixed import Reals
from netgen.ir.functions import RELU
from netgen.ir.network import Head, Layer, Network, Port

DenseActivation = Literal["relu", "identity"]


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """One fully connected layer, `activation(weight @ x + bias)`.

    Attributes:
        weight: (n_out, n_in) float64; zero wherever `mask` is False.
        bias: (n_out,) float64.
        mask: (n_out, n_in) bool; True where there is a wire.

    Raises: WeightsError, for wrong shapes or numbers that are not finite.
    """

    weight: Reals
    bias: Reals
    mask: Bools
    activation: DenseActivation

    def __post_init__(self) -> None:
        weight, bias, mask = np.asarray(self.weight), np.asarray(self.bias), np.asarray(self.mask)
        if weight.ndim != 2 or 0 in weight.shape:
            raise WeightsError(f"weight of shape {weight.shape}; a layer needs (n_out, n_in), both at least 1")
        if bias.shape != weight.shape[:1] or mask.shape != weight.shape:
            raise WeightsError(f"bias {bias.shape} and mask {mask.shape} do not match weight {weight.shape}")
        for name, array in (("weight", weight), ("bias", bias)):
            if not np.isfinite(array).all():
                place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
                raise WeightsError(f"{name}{list(place)} is {array[place]}; every weight must be finite")
        if self.activation not in get_args(DenseActivation):
            raise WeightsError(f"activation {self.activation!r}; use one of {', '.join(get_args(DenseActivation))}")
        object.__setattr__(self, "weight", frozen(np.where(mask, weight, 0.0), np.float64))
        object.__setattr__(self, "bias", frozen(bias, np.float64))
        object.__setattr__(self, "mask", frozen(mask, np.bool_))


@dataclass(frozen=True, eq=False)
class DenseNetwork:
    """Layers in the order of evaluation; at least one.

    Raises: WeightsError, when the sizes of adjacent layers differ.
    """

    layers: tuple[DenseLayer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise WeightsError("a network without layers; give it at least one")
        for index, (before, after) in enumerate(pairwise(self.layers), start=1):
            if before.weight.shape[0] != after.weight.shape[1]:
                raise WeightsError(
                    f"layer {index + 1} reads {after.weight.shape[1]} values, but layer {index} has "
                    f"{before.weight.shape[0]} outputs; their shapes must chain"
                )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, then of neurons in each layer."""
        return (self.layers[0].weight.shape[1], *(layer.weight.shape[0] for layer in self.layers))

    @property
    def weights_total(self) -> int:
        """Weights of the dense network of this shape."""
        return sum(layer.weight.size for layer in self.layers)

    @property
    def weights_left(self) -> int:
        """Weights that the masks keep."""
        return sum(int(layer.mask.sum()) for layer in self.layers)


def alive_of(connected: Sequence[Bools]) -> list[Bools]:
    """Find the neurons that lie on a path from an input to an output.

    Args:
        connected: per layer, (n_out, n_in) bool.
    Returns: one (n,) bool array for the inputs and for each layer.
    """
    forward: list[Bools] = [np.ones(connected[0].shape[1], dtype=np.bool_)]
    for edges in connected:
        forward.append(np.any(edges & forward[-1], axis=1))
    backward: list[Bools] = [np.ones(connected[-1].shape[0], dtype=np.bool_)]
    for edges in reversed(connected):
        backward.append(np.any(edges & backward[-1][:, None], axis=0))
    return [f & b for f, b in zip(forward, reversed(backward), strict=True)]


def remove_dead(network: DenseNetwork) -> DenseNetwork:
    """Mask every weight of a dead neuron: one that lies on no path from an input to an output.

    Shapes do not change, so neurons keep their indices. The constant output of a dead neuron is added to the biases of
    the next layer, so the network computes the same function.
    """
    alive = alive_of([layer.mask for layer in network.layers])
    constant = np.zeros(network.sizes[0])
    layers = []
    for depth, layer in enumerate(network.layers):
        mask = layer.mask & alive[depth] & alive[depth + 1][:, None]
        bias = layer.bias + layer.weight @ constant
        last = depth == len(network.layers) - 1
        gone = np.zeros_like(alive[depth + 1]) if last else ~alive[depth + 1]
        value = np.maximum(bias, 0.0) if layer.activation == "relu" else bias
        constant = np.where(gone, value, 0.0)
        layers.append(replace(layer, mask=mask, bias=np.where(gone, 0.0, bias)))
    return DenseNetwork(tuple(layers))


def network_of(dense: DenseNetwork) -> Network:
    """Write a multilayer perceptron as a `Network`: a wire for every weight that its mask keeps."""
    layers, first = [], 0
    for number, layer in enumerate(dense.layers, 1):
        row, column = np.nonzero(layer.mask)
        layers.append(
            Layer(
                name=str(number),
                starts=np.searchsorted(row, np.arange(len(layer.bias) + 1)),
                source=column + first,
                weight=layer.weight[row, column],
                bias=layer.bias,
                activation=(RELU,) if layer.activation == "relu" else (),
            )
        )
        first += layer.weight.shape[1]
    scores = np.arange(first, first + dense.sizes[-1])
    return Network((Port("input", (dense.sizes[0],)),), tuple(layers), (Head("scores", scores),))
