"""Layers of which only some neurons have a cheap activation, as two layers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from netgen.ir.activation import Activation, Scale, Steps
from netgen.ir.arrays import Bools
from netgen.ir.circuit import CircuitLayer
from netgen.ir.fixed import Words

__all__ = ["split_layers"]


def split_layers(
    layers: Sequence[CircuitLayer], scaled: Mapping[str, tuple[Bools, Scale]], inputs: int
) -> tuple[tuple[CircuitLayer, ...], Words]:
    """Give some neurons of layers a multiplication in place of their steps: each such layer becomes two.

    Args:
        scaled: by name of a layer, which of its neurons, (n,), and the multiplication of all its neurons.
        inputs: number of inputs.
    Returns: the layers; and the new number of each neuron, inputs included.
    """
    number = np.arange(inputs + sum(map(len, layers)), dtype=np.int64)
    made: list[CircuitLayer] = []
    first = inputs
    for layer in layers:
        own = np.arange(len(layer))
        if layer.name not in scaled:
            made.append(_rows(layer, own, layer.name, layer.activation, number))
        else:
            chosen, scale = scaled[layer.name]
            one, other = np.flatnonzero(chosen), np.flatnonzero(~chosen)
            assert isinstance(layer.activation, Steps)
            cheap = Scale(scale.multiplier[one], scale.offset[one], scale.shift)
            used, function = np.unique(layer.activation.function[other], return_inverse=True)
            steps = Steps(tuple(layer.activation.functions[k] for k in used.tolist()), function)
            made += [
                _rows(layer, one, layer.name, cheap, number),
                _rows(layer, other, f"{layer.name}.steps", steps, number),
            ]
            number[first + np.concatenate([one, other])] = first + own
        first += len(layer)
    return tuple(made), number


def _rows(layer: CircuitLayer, rows: Words, name: str, activation: Activation, number: Words) -> CircuitLayer:
    """Some neurons of a layer, which read neurons by their new numbers."""
    lengths = np.diff(layer.starts)[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    wires = np.repeat(layer.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
    source, target = number[layer.source[wires]], np.repeat(np.arange(len(rows)), lengths)
    order = np.lexsort((source, target))
    return replace(
        layer,
        name=name,
        starts=starts,
        source=source[order],
        weight=layer.weight[wires][order],
        bias=layer.bias[rows],
        activation=activation,
    )
