"""Remove what cannot change a score of a circuit: dead neurons, and neurons that always give the same word."""

from dataclasses import replace

import numpy as np

from netgen.ir.circuit import Circuit, ranges_of, requantize
from netgen.ir.dense import alive_of

__all__ = ["simplify"]


def simplify(circuit: Circuit) -> Circuit:
    """Set the weights to 0 that cannot change any score, and fold constant neurons into biases; all scores stay equal.

    A hidden neuron that always gives the same word is a constant: its word times the weights that read it moves into
    the biases of the next layer. Neurons from which no path leads to an output are dead.
    """
    circuit = _without_constants(circuit)
    alive = alive_of([layer.weight != 0 for layer in circuit.layers])
    constant = np.zeros(circuit.sizes[0], dtype=np.int64)
    layers = []
    for depth, layer in enumerate(circuit.layers):
        bias = layer.bias + layer.weight @ constant
        weight = np.where(alive[depth] & alive[depth + 1][:, None], layer.weight, 0)
        dead = np.zeros_like(alive[depth + 1]) if layer.output is None else ~alive[depth + 1]
        words = requantize(layer, circuit.rescale_shift(depth), bias)[1]
        constant = np.where(dead, words, 0)
        layers.append(replace(layer, weight=weight, bias=np.where(dead, 0, bias)))
    return replace(circuit, layers=tuple(layers))


def _without_constants(circuit: Circuit) -> Circuit:
    """Remove the wires into every hidden neuron whose proven range is one word; its bias alone then gives that word."""
    layers = []
    for layer, bounds in zip(circuit.layers, ranges_of(circuit), strict=True):
        constant = (bounds.out_lo == bounds.out_hi) & (layer.output is not None)
        weight = np.where(constant[:, None], 0, layer.weight)
        layers.append(replace(layer, weight=weight, bias=np.where(constant, bounds.acc_lo, layer.bias)))
    return replace(circuit, layers=tuple(layers))
