"""Neurons as look-up tables."""

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import all_inputs
from table_circuits import table_networks

from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit
from netgen.ir.circuit import evaluate as scores_of
from netgen.ir.fixed import FixedPoint
from netgen.lower import lower
from netgen.operators.graph import evaluate
from netgen.operators.kinds import Table
from netgen.operators.prove import prove


@given(table_networks())
@settings(max_examples=30)
def test_every_table_that_a_circuit_has_is_one_table_of_its_hardware(circuit: Circuit) -> None:
    """Also where no other neuron becomes one; a table that gives one word for all its bits is a constant."""
    graph = lower(circuit, argmax=False, tables=0)
    for layer, words in zip(circuit.layers, graph.words, strict=True):
        kinds = {graph.operators[word].kind for word in words}
        assert layer.gather == "sum" or kinds <= {"table", "constant"}
    assert np.array_equal(evaluate(graph, all_inputs(circuit))[0], scores_of(circuit, all_inputs(circuit)))


WEIGHT = FixedPoint(4, 0, signed=True)


def _circuit(weight: list[list[int]], bias: list[int], entry: FixedPoint) -> Circuit:
    """One layer with ReLU and two-bit words, and one that adds these words."""
    two = FixedPoint(2, entry.frac - 1, signed=False)
    first = ChainLayer(np.array(weight), np.array(bias), WEIGHT, "relu", two)
    last = ChainLayer(np.ones((1, len(weight)), dtype=np.int64), np.zeros(1, dtype=np.int64), WEIGHT, "identity", None)
    return chain(entry, np.ones(len(weight[0])), (first, last))


def test_a_neuron_of_two_bits_is_a_table_of_four_entries_worked_by_hand() -> None:
    """relu(3 a - 2 b + 2) / 2, ties up, at most 3: 1 for none, 5/2 = 3 for a, 0 for b, 3/2 = 2 for both."""
    circuit = _circuit([[3, -2]], [2], FixedPoint(1, 0, signed=False))
    graph = lower(circuit, argmax=False, tables=2)
    table = next(op for op in graph.operators if isinstance(op.operation, Table))
    assert table.operation == Table((1, 3, 0, 2))
    assert (table.lo, table.hi) == (0, 3)
    assert [op.kind for op in graph.operators] == ["input", "input", "table", "table"], "one for each neuron"
    prove(graph, circuit)


@pytest.mark.parametrize(("bits", "tables"), [(3, 0), (4, 1), (5, 1), (6, 2)])
def test_neurons_up_to_the_given_number_of_bits_are_tables(bits: int, tables: int) -> None:
    """Two-bit words: the neurons read two and three of them, 4 and 6 bits."""
    circuit = _circuit([[1, 1, 0], [1, 1, 1]], [0, 0], FixedPoint(2, 0, signed=False))
    graph = lower(circuit, argmax=False, tables=bits)
    assert sum((op.kind, op.layer) == ("table", 1) for op in graph.operators) == tables
