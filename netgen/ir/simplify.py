"""Remove what cannot change a score of a circuit: dead neurons, and neurons that always give the same word."""

from dataclasses import replace

import numpy as np

from netgen.ir.activation import activated
from netgen.ir.arrays import Bools
from netgen.ir.circuit import Circuit, CircuitLayer, ranges_of, saturated
from netgen.ir.rows import row_sums

__all__ = ["alive_in", "simplify"]


def alive_in(circuit: Circuit) -> list[Bools]:
    """Find the neurons that lie on a path from an input to an output; (n,) for the inputs and for each layer."""
    reached = np.zeros(circuit.first[-1], dtype=np.bool_)
    needed = np.zeros(circuit.first[-1], dtype=np.bool_)
    reached[: circuit.sizes[0]] = True
    needed[circuit.scores] = True
    parts = list(zip(circuit.layers, circuit.first, strict=False))
    for layer, first in parts:
        reached[first + layer.target[reached[layer.source]]] = True
    for layer, first in reversed(parts):
        needed[layer.source[needed[first + layer.target]]] = True
    return np.split(reached & needed, circuit.first[:-1])


def simplify(circuit: Circuit) -> Circuit:
    """Remove the wires that cannot change any score, and fold constant neurons into biases; all scores stay equal.

    A neuron that always gives the same word is a constant: its word times the weights that read it moves into the
    biases of the sums that read it. Neurons from which no path leads to an output are dead. Maxima and selections keep
    their wires.
    """
    circuit = _without_constants(circuit)
    alive = np.concatenate(alive_in(circuit))
    heads = np.zeros_like(alive)
    heads[circuit.scores] = True
    constant = np.zeros(len(alive), dtype=np.int64)
    layers = []
    for layer, first in zip(circuit.layers, circuit.first, strict=False):
        here = slice(first, first + len(layer))
        silent = ~alive[here]
        if layer.gather != "sum":
            layers.append(layer)
            gathered = layer.gathered(constant[np.newaxis, :first])[0]
            constant[here] = np.where(silent, saturated(layer, activated(layer.activation, gathered)), 0)
            alive[here] = True
            continue
        stays = alive[layer.source] & alive[here][layer.target]
        bias = layer.bias + row_sums(layer.starts, np.where(stays, 0, layer.weight * constant[layer.source]))
        dead = silent & ~heads[here]
        kept = _with_wires(layer, stays)
        constant[here] = np.where(silent, saturated(layer, activated(layer.activation, bias)), 0)
        keeps = dead & _read_by_others(circuit, first, len(layer))
        layers.append(replace(kept, bias=np.where(dead & ~keeps, 0, bias)))
    return replace(circuit, layers=tuple(layers))


def _read_by_others(circuit: Circuit, first: int, count: int) -> Bools:
    """Which of some neurons a maximum or a selection reads."""
    read = np.zeros(circuit.first[-1], dtype=np.bool_)
    for layer in circuit.layers:
        if layer.gather != "sum":
            read[layer.source] = True
    return read[first : first + count]


def _without_constants(circuit: Circuit) -> Circuit:
    """Remove the wires into every hidden sum whose proven range is one word; its bias alone then gives that word."""
    heads = np.zeros(circuit.first[-1], dtype=np.bool_)
    heads[circuit.scores] = True
    layers: list[CircuitLayer] = []
    for layer, first, bounds in zip(circuit.layers, circuit.first, ranges_of(circuit), strict=False):
        constant = (bounds.out_lo == bounds.out_hi) & ~heads[first : first + len(layer)]
        if layer.gather != "sum" or not constant.any():
            layers.append(layer)
            continue
        bias = np.where(constant, bounds.acc_lo, layer.bias)
        layers.append(replace(_with_wires(layer, ~constant[layer.target]), bias=bias))
    return replace(circuit, layers=tuple(layers))


def _with_wires(layer: CircuitLayer, kept: Bools) -> CircuitLayer:
    """A layer with some of its wires, (m,) bool."""
    if kept.all():
        return layer
    starts = np.searchsorted(layer.target[kept], np.arange(len(layer) + 1))
    return replace(layer, starts=starts, source=layer.source[kept], weight=layer.weight[kept])
