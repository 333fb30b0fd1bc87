"""Circuits that are chains of dense layers: made from one weight matrix for each layer, and read as such."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from netgen.errors import QuantizeError
from netgen.ir.activation import Rescale
from netgen.ir.arrays import frozen
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.thermometer import BIT

__all__ = ["ChainLayer", "activation_name", "chain", "chain_layers", "weight_matrix"]

ChainActivation = Literal["relu", "identity"]


@dataclass(frozen=True, eq=False)
class ChainLayer:
    """`saturate(round(activation(weight @ x + bias)))`, in integers.

    Attributes:
        weight: (n_out, n_in) int64, both at least 1, in steps of `weight_format`.
        bias: (n_out,) int64, in steps of the accumulator (fractional bits of input and weights together).
        output: format of the results; None on the last layer, whose accumulators are the scores, unrounded.
    """

    weight: Words
    bias: Words
    weight_format: FixedPoint
    activation: ChainActivation
    output: FixedPoint | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", frozen(self.weight, np.int64))
        object.__setattr__(self, "bias", frozen(self.bias, np.int64))
        if self.weight.ndim != 2 or 0 in self.weight.shape or self.bias.shape != self.weight.shape[:1]:
            raise QuantizeError(f"weight {self.weight.shape} and bias {self.bias.shape} do not form a layer")
        if self.activation not in get_args(ChainActivation):
            names = ", ".join(get_args(ChainActivation))
            raise QuantizeError(f"activation {self.activation!r}; use one of {names}")


def chain(
    input: FixedPoint,  # noqa: A002 - the name of the circuit's attribute
    input_scale: Reals,
    layers: Sequence[ChainLayer],
    thresholds: tuple[int, ...] = (),
) -> Circuit:
    """A circuit in which each layer reads the layer before, the first one the inputs or their threshold bits.

    Raises: QuantizeError, when layers do not chain, or one of them is not valid.
    """
    first, n_in = 0, len(input_scale) * max(len(thresholds), 1)
    entering, made = BIT if thresholds else input, []
    for number, layer in enumerate(layers, 1):
        weight, bias = layer.weight, layer.bias
        if weight.shape[1] != n_in or (layer.output is None) != (number == len(layers)):
            raise QuantizeError(
                "layers do not chain: each but the last needs an output format and equal sizes; the last gives its sums"
            )
        row, column = np.nonzero(weight)
        frac = entering.frac + layer.weight_format.frac
        made.append(
            CircuitLayer(
                name=str(number),
                starts=np.searchsorted(row, np.arange(len(bias) + 1)),
                source=column + first,
                weight=weight[row, column],
                bias=bias,
                frac=frac,
                activation=Rescale(
                    shift=0 if layer.output is None else frac - layer.output.frac,
                    lo=0 if layer.activation == "relu" else None,
                ),
                output=layer.output,
                weight_format=layer.weight_format,
            )
        )
        first, n_in, entering = first + n_in, len(bias), layer.output or entering
    return Circuit(input, input_scale, tuple(made), thresholds)


def weight_matrix(circuit: Circuit, depth: int) -> Words:
    """The weights of a layer that reads only the layer before, (n_out, n_in), zeros included.

    Args:
        depth: of the layer, from 0.
    Raises: QuantizeError, when the layer reads others.
    """
    layer, n_in = circuit.layers[depth], circuit.sizes[depth]
    columns = layer.source - (circuit.first[depth] - n_in)
    if len(columns) and columns.min() < 0:
        raise QuantizeError(f"layer {layer.name}: reads neurons of other layers than the one before it")
    matrix = np.zeros((len(layer), n_in), dtype=np.int64)
    matrix[layer.target, columns] = layer.weight
    return matrix


def chain_layers(circuit: Circuit) -> list[ChainLayer]:
    """The layers of a circuit that `chain` made.

    Raises: QuantizeError, when the circuit is no such chain.
    """
    found = []
    for depth, layer in enumerate(circuit.layers):
        name, form = activation_name(layer), layer.weight_format
        if form is None or name not in get_args(ChainActivation):
            raise QuantizeError(f"layer {layer.name}: {name}, weights of no one format; it is no layer of a chain")
        found.append(ChainLayer(weight_matrix(circuit, depth), layer.bias, form, name, layer.output))  # type: ignore[arg-type]
    return found


def activation_name(layer: CircuitLayer) -> str:
    """The activation of a layer in words: `relu`, `identity`, `clip`, `scale` or `steps`; `table` for truth tables."""
    activation = layer.activation
    if layer.gather == "table":
        return "table"
    if not isinstance(activation, Rescale):
        return type(activation).__name__.lower()
    if activation.hi is not None:
        return "clip"
    return {None: "identity", 0: "relu"}.get(activation.lo, "clip")
