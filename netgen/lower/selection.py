"""Selections by a gate: one multiplexer for each neuron, and one test of each gate, beside its neuron."""

import numpy as np

from netgen.ir.activation import activated
from netgen.ir.arrays import Bools
from netgen.ir.circuit import Circuit, CircuitLayer, ranges_of, saturated
from netgen.ir.rows import selecting_wires
from netgen.lower.builder import OperatorBuilder, Term
from netgen.lower.csd import constant_of
from netgen.operators.kinds import Greater, Select

__all__ = ["add_either", "add_selected", "add_test", "gates_of"]


def gates_of(circuit: Circuit, needed: list[Bools]) -> Bools:
    """Find the neurons that are the gate of a selection, (neurons,).

    Args:
        needed: per layer, (n,) whether a score depends on the neuron.
    """
    found = np.zeros(circuit.first[-1], dtype=np.bool_)
    for layer, own, reach in zip(circuit.layers, needed, ranges_of(circuit), strict=True):
        if layer.gather == "select":
            varies = own & (reach.out_lo != reach.out_hi)
            found[layer.source[selecting_wires(layer.starts)[1]][varies]] = True
    return found


def add_test(builder: OperatorBuilder, gate: int, index: int | None) -> int:
    """Add the operator that tells whether a gate's word is above 0; the word itself, or a constant, where it does so.

    Args:
        gate: the operator of its word.
        index: of the gate among the neurons of the present layer; None for an input.
    """
    if builder.range_of(gate) == (0, 1):
        return gate
    return builder.add(Greater(), gate, builder.constant(0), index=index)


def add_selected(builder: OperatorBuilder, test: int, word: int, bypass: int, half: int | None, index: int) -> Term:
    """Add the selection of one neuron.

    Args:
        test: the operator that tells whether the gate is above 0.
        half: is added to the selected word, so that dropping its low bits rounds; None for nothing.
    """
    if builder.is_constant(test):
        chosen = Term(word if builder.range_of(test)[0] else bypass)
    else:
        chosen = Term(builder.add(Select(), test, word, bypass, index=index))
    added = constant_of(builder, half)
    return builder.sum([chosen, *added], index, 0) if added else chosen


def add_either(builder: OperatorBuilder, test: int, word: int, bypass: int, layer: CircuitLayer, index: int) -> int:
    """Add the word of a neuron that selects one of two constants, each with the layer's functions applied."""
    both = np.array([builder.range_of(number)[0] for number in (word, bypass)])
    words = saturated(layer, activated(layer.activation, both, index)).tolist()
    return builder.add(Select(), test, *map(builder.constant, words), index=index)
