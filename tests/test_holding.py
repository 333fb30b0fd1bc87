"""Blocks that a gate skips: found, scheduled, and proved to keep their values while the gate is off."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import blocks, graphs, inputs_of, lowered, pipelines, sharings, table_bits
from test_lower_selection import ENTRY, selections, sums

from netgen.errors import CheckError
from netgen.ir.circuit import Circuit
from netgen.ir.circuit import evaluate as scores_of
from netgen.ir.fixed import Words
from netgen.operators.graph import OperatorGraph, evaluate, values_of
from netgen.operators.holding import blocks_of, check_holds, released
from netgen.operators.kinds import Hold
from netgen.operators.prove import prove
from netgen.operators.schedule import Schedule, schedule


def skipping(*, late_gate: bool = False) -> Circuit:
    """Words a and b; g = a - b; two layers that only the selection reads: s = (a + 3 b) - (2 a + b); top = s or a.

    Args:
        late_gate: the gate reads the first layer of the block, so that it is known after that layer only.
    """
    gate, block = sums("gate", {0: 1, 1: -1}), sums("block", {0: 2, 1: 1}, {0: 1, 1: 3})
    if late_gate:
        gate = sums("gate", {2: 1, 1: -1})
        return Circuit(ENTRY, np.ones(2), (block, gate, sums("s", {2: -1, 3: 1}), selections("top", (0, 4, 5))))
    return Circuit(ENTRY, np.ones(2), (gate, block, sums("s", {3: -1, 4: 1}), selections("top", (0, 2, 5))))


def nested() -> Circuit:
    """Two gates, of which one skips a layer in the block of the other."""
    gates, block = sums("gates", {0: 1, 1: -1}, {0: 1, 1: 1}), sums("block", {0: 2, 1: 1})
    layers = gates, block, sums("inner", {4: 3, 1: 1}), selections("skip", (0, 2, 5)), selections("top", (1, 3, 6))
    return Circuit(ENTRY, np.ones(2), layers)


def held(graph: OperatorGraph, inputs: Words) -> dict[int, Words]:
    """The values of all operators while samples follow each other."""
    return dict(values_of(graph, inputs, {}))


def test_a_block_is_held_by_its_gate() -> None:
    """Layers 2 and 3 are the block: their 3 words and whatever they add up, and the holds of a and b."""
    graph = lowered(skipping())
    timing = schedule(graph)
    (gate, block), *others = blocks_of(graph, timing).items()
    assert not others
    assert graph.operators[gate].layer == 1
    assert {graph.words[1][0], graph.words[1][1], graph.words[2][0]} <= set(block)
    assert {graph.operators[number].layer for number in block} == {2, 3}
    holds = [number for number in block if isinstance(graph.operators[number].operation, Hold)]
    assert {graph.operators[number].sources for number in holds} == {(0, gate), (1, gate)}
    assert timing.latency == 4, "as many cycles as layers"
    assert [timing.delays(graph)[number] for number in holds] == [1, 1]


def test_a_gate_that_is_known_late_holds_what_is_behind_it() -> None:
    """The gate reads layer 1 and is in layer 2; layer 3 is its block, which reads two words of layer 1."""
    graph = lowered(skipping(late_gate=True))
    ((_, block),) = blocks_of(graph, schedule(graph)).items()
    assert {graph.operators[number].layer for number in block} == {3}
    assert graph.count(Hold) == 2


def test_what_others_read_is_not_held() -> None:
    """A second output reads the block's first layer, so that only the layer behind it is the block."""
    circuit = skipping()
    more = replace(circuit, layers=(*circuit.layers, sums("out", {3: 1, 4: 1, 6: 1})))
    graph = lowered(more)
    ((_, block),) = blocks_of(graph, schedule(graph)).items()
    assert {graph.operators[number].layer for number in block} == {3}


def test_values_of_a_block_are_those_of_the_last_sample_that_entered_it() -> None:
    """g is on for samples 1, 2 and 4 of (a, b); registers begin with 0."""
    graph = lowered(skipping())
    inputs = np.array([[0, 1], [3, 1], [2, 0], [1, 2], [1, 0], [0, 0]])
    s = held(graph, inputs)[graph.words[2][0]]
    assert s.tolist() == [0, -3 + 2 * 1, -2, -2, -1, -1]


@settings(max_examples=150)
@given(
    st.one_of(graphs(deepest=7), blocks()), st.data(), sharings(), table_bits(), pipelines(), st.sampled_from([0, 1, 5])
)
def test_while_a_gate_is_off_its_block_keeps_its_values_and_scores_are_right(
    circuit: Circuit, data: st.DataObject, sharing: str, tables: int, pipeline: tuple[str, int], long: int
) -> None:
    """Whatever the sharing and the pipeline; and the same blocks are held in every pipeline that has registers."""
    graph = lowered(circuit, sharing=sharing, tables=tables)
    inputs = data.draw(inputs_of(circuit))
    prove(graph, circuit)
    values = held(graph, inputs)
    assert np.array_equal(np.stack([values[k] for k in graph.scores], axis=1), scores_of(circuit, inputs))
    assert np.array_equal(evaluate(released(graph), inputs)[0], scores_of(circuit, inputs))
    found = blocks_of(graph, schedule(graph))
    for gate, block in found.items():
        off = 1 + np.flatnonzero(values[gate][1:] == 0)
        for number in block:
            assert np.array_equal(values[number][off], values[number][off - 1])
    wires = [(source, number) for number, op in enumerate(graph.operators) for source in op.sources]
    timing = schedule(graph, pipeline[0], steps=pipeline[1], long=wires[::long] if long else ())  # type: ignore[arg-type]
    if pipeline[0] != "none":
        assert blocks_of(graph, timing) == found
    else:
        assert not blocks_of(graph, timing)


@pytest.mark.parametrize("pipeline", ["levels", "cycles"])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_gate_is_computed_before_registers_load(pipeline: str, steps: int) -> None:
    """Also where registers stand between levels of logic, not layers: those behind a hold load one cycle later."""
    graph = lowered(skipping())
    timing = schedule(graph, pipeline, steps=steps)  # type: ignore[arg-type]
    for number, operator in enumerate(graph.operators):
        if isinstance(operator.operation, Hold):
            assert all(timing.cycle[source] <= timing.cycle[number] for source in operator.sources)
            assert all(timing.cycle[reader] > timing.cycle[number] for reader in graph.readers[number])


def test_an_early_register_holds_nothing() -> None:
    """A schedule in which a gate is known too late, or a reader stands before the register, has no blocks."""
    graph = lowered(skipping())
    timing = schedule(graph)
    (gate,) = blocks_of(graph, timing)
    late = Schedule(tuple(c + (k == gate) for k, c in enumerate(timing.cycle)), timing.latency)
    early = Schedule((0,) * len(timing.cycle), timing.latency)
    assert not blocks_of(graph, late)
    assert not blocks_of(graph, early)


def test_a_hold_of_what_is_read_elsewhere_is_refused() -> None:
    """The bypass, or the gate itself, must not be what the gate lets keep its value."""
    circuit = skipping()
    graph = lowered(circuit)
    hold = next(n for n, op in enumerate(graph.operators) if isinstance(op.operation, Hold))
    top = graph.words[-1][0]
    test, word, _ = graph.operators[top].sources
    assert test < hold
    for sources in ((test, word, hold), (test, hold, hold), (hold, word, 0)):
        wrong = list(graph.operators)
        wrong[top] = replace(wrong[top], sources=sources)
        with pytest.raises(CheckError, match=r"lets outputs .* keep their values"):
            check_holds(replace(graph, operators=tuple(wrong)))


def test_a_block_in_a_block_is_held_by_both_gates() -> None:
    """The inner selection is in the block of the outer one; both gates are known before layer 3."""
    graph = lowered(nested())
    first, second = sorted(blocks_of(graph, schedule(graph)).items())
    assert set(first[1]) < set(second[1])
    word = graph.words[2][0]
    loads = [graph.operators[number].sources for number in first[1] if graph.operators[number].kind == "hold"]
    assert all(sources[1:] == (first[0], second[0]) for sources in loads)
    assert word in first[1]
    inputs = np.random.default_rng(0).integers(-4, 4, (200, 2))
    values = held(graph, inputs)
    for before, after in pairwise(range(200)):
        if not (values[first[0]][after] and values[second[0]][after]):
            assert values[word][before] == values[word][after]


def test_a_block_of_wiring_alone_is_not_held() -> None:
    """2 b is b with a zero appended: nothing would be saved."""
    layers = sums("gate", {0: 1, 1: -1}), sums("word", {1: 2}), selections("top", (0, 2, 3))
    assert lowered(Circuit(ENTRY, np.ones(2), layers)).count(Hold) == 0
