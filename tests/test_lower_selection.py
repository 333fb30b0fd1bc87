"""Lowering of selections by a gate: worked by hand, and every form of gate, word and bypass."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import all_inputs, lowered

from netgen.errors import CheckError
from netgen.ir.activation import Rescale, StepFunction, Steps
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.fixed import FixedPoint, Words
from netgen.operators.cost import cost_of
from netgen.operators.graph import OperatorGraph, evaluate
from netgen.operators.kinds import Greater, Select
from netgen.operators.prove import prove
from netgen.operators.schedule import schedule

ENTRY = FixedPoint(3, 0, signed=True)
SIGN = Steps((StepFunction(np.array([1]), np.array([0, 1])),), np.zeros(1, dtype=np.int64))
"""1 where a sum is above 0, else 0."""


def sums(name: str, *rows: dict[int, int], bias: int = 0, activation: Rescale | Steps | None = None) -> CircuitLayer:
    """Neurons by the weights of what they read; all have the same bias."""
    starts, source = np.cumsum([0, *map(len, rows)]), np.array([k for row in rows for k in sorted(row)], dtype=np.int64)
    weight = np.array([row[k] for row in rows for k in sorted(row)], dtype=np.int64)
    return CircuitLayer(name, starts, source, weight, np.full(len(rows), bias), 0, activation or Rescale())


def selections(name: str, *rows: tuple[int, ...], activation: Rescale | None = None) -> CircuitLayer:
    """Neurons by bypass, gate and word, or gate and word."""
    source = np.concatenate([np.array(row) for row in rows])
    ones, none = np.ones(len(source), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    starts = np.cumsum([0, *map(len, rows)])
    return CircuitLayer(name, starts, source, ones, none, 0, activation or Rescale(), gather="select")


def computed(*layers: CircuitLayer, tables: int = 0) -> tuple[OperatorGraph, Words, Words]:
    """The graph, which is proved; every input of two words; and its scores."""
    circuit = Circuit(ENTRY, np.ones(2), layers)
    graph = lowered(circuit, tables=tables)
    prove(graph, circuit)
    inputs = all_inputs(circuit)
    return graph, inputs, evaluate(graph, inputs)[0]


@pytest.mark.parametrize("tables", [0, 8])
def test_a_selection_is_one_multiplexer_and_its_gate_one_test_beside_it(tables: int) -> None:
    """g = a - b, of 4 bits, is tested once; both neurons read the bit: 2 a + b where g > 0, else a; b or 0."""
    gate, word = sums("gate", {0: 1, 1: -1}), sums("word", {0: 2, 1: 1}, {1: 1})
    graph, x, y = computed(gate, word, selections("top", (0, 2, 3), (2, 4)), tables=tables)
    on = x[:, 0] > x[:, 1]
    assert y[:, 0].tolist() == np.where(on, 2 * x[:, 0] + x[:, 1], x[:, 0]).tolist()
    assert y[:, 1].tolist() == np.where(on, x[:, 1], 0).tolist()
    assert (graph.count(Select), graph.count(Greater)) == (2, 1)
    (test,) = (op for op in graph.operators if isinstance(op.operation, Greater))
    assert (test.layer, test.index) == (1, 0)
    assert cost_of(graph, schedule(graph)).choices == 3


def test_a_gate_of_one_bit_needs_no_test() -> None:
    gate, word = sums("gate", {0: 1, 1: -1}, activation=SIGN), sums("word", {0: 2, 1: 1})
    graph, x, y = computed(gate, word, selections("top", (0, 2, 3)))
    assert y[:, 0].tolist() == np.where(x[:, 0] > x[:, 1], 2 * x[:, 0] + x[:, 1], x[:, 0]).tolist()
    assert graph.operators[graph.words[-1][0]].sources[0] == graph.words[0][0], "the multiplexer reads the gate's word"


@pytest.mark.parametrize(("bias", "chosen"), [(9, "word"), (-9, "bypass")])
def test_a_gate_that_never_changes_needs_no_hardware(bias: int, chosen: str) -> None:
    """a + b lies between -8 and 6."""
    gate, word = sums("gate", {0: 1, 1: 1}, bias=bias), sums("word", {0: 2, 1: 1})
    graph, x, y = computed(gate, word, selections("top", (0, 2, 3)))
    assert y[:, 0].tolist() == (2 * x[:, 0] + x[:, 1] if chosen == "word" else x[:, 0]).tolist()
    assert graph.count(Select, Greater) == 0


def test_what_is_selected_is_rounded_and_limited() -> None:
    """min((w or a) / 2, 3), halves up."""
    gate, word = sums("gate", {0: 1, 1: -1}), sums("word", {0: 5, 1: 1})
    _, x, y = computed(gate, word, selections("top", (0, 2, 3), activation=Rescale(1, None, 6)))
    chosen = np.where(x[:, 0] > x[:, 1], 5 * x[:, 0] + x[:, 1], x[:, 0])
    assert y[:, 0].tolist() == np.floor(np.minimum(chosen, 6) / 2 + 0.5).tolist()


def test_an_input_may_be_a_gate_and_a_constant_a_word() -> None:
    """7 where a > 0, else 0."""
    constant = sums("seven", {}, bias=7)
    _, x, y = computed(constant, selections("top", (0, 2)))
    assert y[:, 0].tolist() == np.where(x[:, 0] > 0, 7, 0).tolist()


def test_another_gate_word_or_bypass_is_refused() -> None:
    gate, word = sums("gate", {0: 1, 1: -1}), sums("word", {0: 2, 1: 1}, {0: 2, 1: 1})
    circuit = Circuit(ENTRY, np.ones(2), (gate, word, selections("top", (0, 2, 3))))
    graph = lowered(circuit)
    number = graph.words[-1][0]
    test, first, bypass = graph.operators[number].sources
    for sources in ((test, bypass, first), (test, first, graph.words[0][0]), (test, graph.words[0][0], bypass)):
        wrong = list(graph.operators)
        wrong[number] = replace(wrong[number], sources=sources)
        with pytest.raises(CheckError):
            prove(replace(graph, operators=tuple(wrong)), circuit)


def test_a_table_whose_entries_are_all_equal_is_proved() -> None:
    """2 a + 3 b of two bits is 0, 2, 3 or 5, and the step function is 1 at 1 and 4 alone."""
    steps = Steps((StepFunction(np.array([1, 2, 4, 5]), np.array([0, 1, 0, 1, 0])),), np.zeros(1, dtype=np.int64))
    layers = sums("steps", {0: 2, 1: 3}, activation=steps), sums("out", {0: 1, 2: 1})
    circuit = Circuit(FixedPoint(1, 0, signed=False), np.ones(2), layers)
    graph = lowered(circuit, tables=8)
    prove(graph, circuit)
    assert evaluate(graph, all_inputs(circuit))[0][:, 0].tolist() == all_inputs(circuit)[:, 0].tolist()
