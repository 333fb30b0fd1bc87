"""Which operator gives the word of a neuron, and what a wire between two neurons carries."""

import numpy as np

from netgen.ir.circuit import Circuit
from netgen.ir.fixed import Words
from netgen.ir.netlist import gate_wires, netlist_of
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import Constant, Greater, Hold, Input

__all__ = ["carried", "giving", "tests_of"]


def giving(circuit: Circuit, graph: OperatorGraph) -> Words:
    """The operator that gives the word of each neuron, (neurons,); -1 for inputs that nothing reads."""
    found = np.full(circuit.first[-1], -1, dtype=np.int64)
    coded = bool(circuit.thresholds)
    for number, operator in enumerate(graph.operators):
        if operator.layer:
            continue
        if isinstance(operator.operation, Input) and not coded:
            found[operator.operation.word] = number
        elif isinstance(operator.operation, Greater) and coded and operator.index is not None:
            found[operator.index] = number
    found[circuit.sizes[0] :] = np.concatenate(graph.words)
    return found


def carried(circuit: Circuit, graph: OperatorGraph) -> Words:
    """The operator that gives what each wire of `netlist_of(circuit)` carries, (wires,).

    It is that of the neuron's word, or what holds the word for the reader, or the test of a gate for a selection; -1
    for an input that no hardware reads.
    """
    netlist = netlist_of(circuit)
    number = np.array([0, *circuit.first[:-1]])[netlist.layer] + netlist.index
    given, reads, tests = giving(circuit, graph), _read_by(graph), tests_of(graph)
    gates = gate_wires(circuit).tolist()
    found = np.zeros(netlist.wires, dtype=np.int64)
    ends = zip(netlist.source.tolist(), netlist.target.tolist(), strict=True)
    layers, places = netlist.layer.tolist(), netlist.index.tolist()
    for wire, (source, target) in enumerate(ends):
        word = int(given[number[source]])
        if gates[wire]:
            word = tests.get(word, word)
        shared = reads.get((word, layers[target], None), word)
        found[wire] = reads.get((word, layers[target], places[target]), shared)
    return found


def _read_by(graph: OperatorGraph) -> dict[tuple[int, int, int | None], int]:
    """The hold that a neuron, by layer and index, reads in place of an operator; no index for what neurons share."""
    at = graph.operators
    return {
        (at[source].sources[0], operator.layer, operator.index): source
        for operator in at
        for source in operator.sources
        if isinstance(at[source].operation, Hold)
    }


def tests_of(graph: OperatorGraph) -> dict[int, int]:
    """The operator that tells of each word whether it is above 0, where there is one."""
    return {
        operator.sources[0]: number
        for number, operator in enumerate(graph.operators)
        if isinstance(operator.operation, Greater) and graph.operators[operator.sources[1]].operation == Constant(0)
    }
