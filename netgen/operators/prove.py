"""Proof that an operator graph computes its circuit, for all inputs: symbolically, not by samples.

It shares no code with `netgen.lower`, which builds graphs, so that no mistake there is repeated here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.circuit import Circuit, ranges_of
from netgen.ir.ranked import ranked
from netgen.operators.claims import need
from netgen.operators.graph import OperatorGraph
from netgen.operators.holding import check_holds, released
from netgen.operators.symbols import Symbols
from netgen.operators.tournament import winner_of
from netgen.operators.wanted import Wanted
from netgen.text import shown

__all__ = ["Proof", "misfit_of", "prove"]


@dataclass(frozen=True)
class Proof:
    """The extent of a proof.

    Attributes:
        operators: number of operators whose ranges hold and are as narrow as possible.
        neurons: number of neurons whose words are, as functions of all inputs, those of the circuit.
        weights: number of weights whose coefficients were compared.
    """

    operators: int
    neurons: int
    weights: int


def prove(graph: OperatorGraph, circuit: Circuit) -> Proof:
    """Show that a graph gives the circuit's words, scores and class for every input, and that no value overflows.

    Within a layer each sum is a linear form of the words of earlier layers: its coefficients are computed and compared
    with the weights, its range follows exactly. A maximum is compared as the set of words that it is the greatest of,
    a selection as its gate, word and bypass.
    Rounding, activation and saturation are monotone, so a neuron's word is its sum or maximum shifted and clipped
    between two limits, and is compared as such; a step function is compared break by break over the whole range of the
    sum. A table of words is compared entry by entry.

    Where a gate is off, what it holds is read by nothing that a score depends on; so holds are proved to be that, and
    elsewhere count as the values that they hold.

    What is known of an operator is forgotten when its last reader has been examined.

    Raises: CheckError, naming the first operator or neuron that is wrong.
    """
    misfit = misfit_of(graph, circuit)
    need(not misfit, misfit)
    check_holds(graph)
    graph = released(graph)
    symbols = Symbols(graph, circuit)
    wanted = Wanted(symbols)
    neurons: dict[int, list[tuple[int, int]]] = {}
    weights = 0
    for depth, (layer, needed) in enumerate(zip(circuit.layers, _needed(circuit), strict=True)):
        chosen = np.flatnonzero(needed).tolist()
        for k in chosen:
            neurons.setdefault(graph.words[depth][k], []).append((depth, k))
        weights += int(np.diff(layer.starts)[chosen].sum())
    for number in range(len(graph.operators)):
        symbols.derive(number)
        for depth, k in neurons.get(number, ()):
            wanted.compare(depth, k)
        symbols.forget(number)
    for place, (number, neuron) in enumerate(zip(graph.scores, circuit.scores.tolist(), strict=True)):
        right = symbols.word_of(neuron)
        need(number == right, f"score {place}: operator {number}, but the neuron's word is operator {right}")
    if graph.best is not None:
        winner = winner_of(graph, graph.scores[ranked(circuit)])
        need(winner == graph.best, f"class: operator {graph.best} is not the greatest score's index")
    return Proof(len(graph.operators), sum(map(len, neurons.values())), weights)


def _needed(circuit: Circuit) -> Iterator[Bools]:
    """For each layer, (n,): the neurons that a score depends on."""
    needed = np.zeros(circuit.first[-1], dtype=np.bool_)
    needed[circuit.scores] = True
    for depth in reversed(range(len(circuit.layers))):
        layer, first, reach = circuit.layers[depth], circuit.first[depth], ranges_of(circuit)[depth]
        reading = needed[first : first + len(layer)] & (reach.out_lo != reach.out_hi)
        needed[layer.source[reading[layer.target]]] = True
    for layer, first in zip(circuit.layers, circuit.first, strict=False):
        yield needed[first : first + len(layer)]


def misfit_of(graph: OperatorGraph, circuit: Circuit) -> str:
    """Say how the inputs and layers of a graph differ in number from those of a circuit; empty when they do not."""
    if graph.inputs != circuit.features:
        return f"{graph.inputs} inputs, but the circuit has {circuit.features}"
    sizes = tuple(len(layer) for layer in graph.words)
    if sizes != circuit.sizes[1:]:
        return f"layers of {shown(sizes)} neurons, but the circuit has {shown(circuit.sizes[1:])}"
    if len(graph.scores) != len(circuit.scores):
        return f"{len(graph.scores)} scores, but the circuit has {len(circuit.scores)}"
    return ""
