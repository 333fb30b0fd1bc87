"""How often gates are on and what that computes: worked by hand, and against what a change of each wire changes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import blocks, inputs_of, lowered, placed
from test_holding import nested, skipping
from test_lower_selection import ENTRY, selections, sums

from netgen.energy import MOST_GATES, activity_of, gate_report, held_by
from netgen.ir.circuit import Circuit, evaluate, words_at
from netgen.ir.fixed import Words
from netgen.ir.gates import gates_needed, gates_of, readings_of
from netgen.ir.gating import ClassUse, GateReport, GateUse
from netgen.operators.graph import values_of
from netgen.operators.holding import without_holds
from netgen.operators.kinds import Hold
from netgen.operators.schedule import schedule


def _reported(circuit: Circuit, words: Words, *, labels: Words | None = None, right: object = None) -> GateReport:
    graph = lowered(circuit)
    _, placement = placed(circuit)
    flags = None if right is None else np.array(right, dtype=np.bool_)
    return gate_report(circuit, placement, graph, schedule(graph), words, labels=labels, right=flags)


def test_a_block_counts_for_the_samples_with_its_gate_on() -> None:
    """Neurons in a row: a b | g | w v | s | top, at 0 to 6; g = a - b is on for two of five samples.

    Behind the gate are wires into w and v from a and b, 3 + 2 and 4 + 3, s from w and v, 2 + 1, and top from s, 1: 16.
    The others are those into g, 2 + 1, and into top from a and g, 6 + 4. In the mean 13 + 16 * 2 / 5.
    """
    words = np.array([[1, 0], [0, 1], [3, -4], [2, 2], [-1, 0]])
    found = _reported(skipping(), words, labels=np.array([0, 0, 1, 1, 1]), right=[1, 1, 0, 1, 0])
    classes = ClassUse(0, 2, 1), ClassUse(1, 3, 1)
    assert found.gates == (GateUse("n1_0", "gate", 2, 3, 1, 2, 16, 16, classes),)
    assert (found.samples, found.total, found.wire_length) == (5, 1, 29)
    assert found.needed == found.computed == pytest.approx(13 + 16 * 2 / 5)


def test_without_labels_nothing_is_said_of_classes() -> None:
    (gate,) = _reported(skipping(), np.array([[1, 0], [0, 1]])).gates
    assert (gate.on, gate.off, gate.right_on, gate.right_off, gate.classes) == (1, 1, None, None, ())


def test_a_gate_that_is_known_late_holds_less_than_its_block() -> None:
    """Neurons a b | w v | g | s | top, at 0 to 6: the gate reads w, so that w, its inputs and v's are computed first.

    Block: into v from a and b, 3 + 2; into s from w and v, 3 + 2; into top from s, 1. Held: without the wires into v.
    The gate is w - b = 2 a, on for one of two samples. Other wires: into w, 2 + 1, g, 2 + 3, top from a and g, 6 + 2.
    """
    found = _reported(skipping(late_gate=True), np.array([[1, 0], [0, 1]]))
    (gate,) = found.gates
    assert (gate.name, gate.on, gate.off, gate.block, gate.held) == ("n2_0", 1, 1, 11, 6)
    assert found.wire_length == 27
    assert (found.needed, found.computed) == (27 - 11 / 2, 27 - 6 / 2)


def test_a_gate_in_a_block_decides_only_where_the_block_is_computed() -> None:
    """Gates a - b, inside, and a + b, outside: both on for (1, 0), the inner alone for (0, -1), the outer for (0, 1).

    For (0, -1) nothing behind the outer gate is read, so the inner one decides nothing there.
    """
    inner, outer = _reported(nested(), np.array([[1, 0], [0, -1], [0, 1], [-2, 1]])).gates
    assert (inner.on, inner.off) == (1, 1)
    assert (outer.on, outer.off) == (2, 2)
    assert 0 < inner.held < outer.held


@settings(max_examples=25)
@given(blocks(), st.data())
def test_where_its_gate_is_off_a_wire_of_a_block_changes_no_score(circuit: Circuit, data: st.DataObject) -> None:
    """The weight of each wire behind a gate is changed: the scores of samples with the gate off stay the same."""
    inputs = data.draw(inputs_of(circuit))
    gates = gates_of(circuit)
    on, scores = words_at(circuit, inputs, gates) > 0, evaluate(circuit, inputs)
    by_layer = gates_needed(readings_of(circuit), circuit.scores, gates, circuit.first[-1])
    for number, (layer, needed) in enumerate(zip(circuit.layers, by_layer, strict=True)):
        if layer.gather == "sum":
            for index in range(len(gates)):
                weight = np.where(needed[index], -layer.weight, layer.weight)
                layers = list(circuit.layers)
                layers[number] = replace(layer, weight=weight, weight_format=None)
                changed = evaluate(replace(circuit, layers=tuple(layers)), inputs)
                assert np.array_equal(changed[~on[:, index]], scores[~on[:, index]])


@settings(max_examples=25)
@given(blocks(), st.data())
def test_what_a_gate_holds_stands_still_while_it_is_off(circuit: Circuit, data: st.DataObject) -> None:
    """No wire that a gate holds toggles in a stream of the samples for which it is off."""
    inputs = data.draw(inputs_of(circuit))
    graph = lowered(circuit)
    timing, gates = schedule(graph), gates_of(circuit)
    held, on = held_by(circuit, graph, timing, gates), words_at(circuit, inputs, gates) > 0
    for index in range(len(gates)):
        off = inputs[~on[:, index]]
        if len(off) > 1:
            assert not activity_of(circuit, graph, off, timing=timing).wires[held[index]].any()


def test_without_holds_are_the_same_values_and_no_registers_that_hold() -> None:
    graph = lowered(skipping())
    free = without_holds(graph)
    assert (graph.count(Hold), free.count(Hold)) == (2, 0)
    assert len(free.operators) == len(graph.operators) - 2
    inputs = np.random.default_rng(0).integers(-4, 4, (50, 2))
    values, expected = dict(values_of(free, inputs)), dict(values_of(graph, inputs))
    for ours, theirs in zip(free.words, graph.words, strict=True):
        assert all(np.array_equal(values[a], expected[b]) for a, b in zip(ours, theirs, strict=True))


def test_of_many_gates_the_first_are_told_and_the_others_count_as_on() -> None:
    """More gates than are told, each with one wire behind it: gate k is a + b - k, the word a."""
    count = MOST_GATES + 5
    gates = replace(sums("gates", *({0: 1, 1: 1} for _ in range(count))), bias=-np.arange(count))
    words = sums("words", *({0: 1, 1: 1} for _ in range(count)))
    tops = selections("top", *((0, 2 + k, 2 + count + k) for k in range(count)))
    circuit = Circuit(ENTRY, np.ones(2), (gates, words, tops))
    found = _reported(circuit, np.array([[0, 0], [0, -1]]))
    assert (found.total, len(found.gates)) == (count, MOST_GATES)
    assert found.needed == found.wire_length - sum(gate.block for gate in found.gates)
