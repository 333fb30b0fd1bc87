"""Pipelines: every path has the same number of registers, and no cycle more levels than requested."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import any_circuits, lowered, pipelines, random_circuit, sharings

from netgen.errors import BuildError
from netgen.ir.circuit import Circuit
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.kinds import Add, Constant, Greater, Hold, Input, Maximum, Operation, Shift, Subtract
from netgen.operators.schedule import Pipeline, Schedule, schedule


def _by_hand() -> OperatorGraph:
    """Two inputs; a + b of layer 1, at least 0; of layer 2, less a constant and, by another way, a word of layer 1."""

    def operator(operation: Operation, *sources: int, layer: int) -> Operator:
        return Operator(operation, sources, 0, 7, layer, 0)

    return OperatorGraph(
        (
            operator(Input(0), layer=0),
            operator(Input(1), layer=0),
            operator(Constant(3), layer=0),
            operator(Add(), 0, 1, layer=1),
            operator(Maximum(0), 3, layer=1),
            operator(Subtract(), 4, 2, layer=2),
            operator(Shift(1), 5, layer=2),
            operator(Add(), 6, 4, layer=2),
            operator(Greater(), 7, 5, layer=3),
        ),
        2,
        ((4,), (7, 5)),
        8,
    )


GOLDEN: list[tuple[Pipeline, int, tuple[int, ...], int, list[int]]] = [
    ("none", 1, (0, 0, 0, 0, 0, 0, 0, 0, 0), 0, [0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ("layer", 1, (0, 0, 0, 0, 0, 1, 1, 1, 2), 3, [0, 0, 0, 0, 1, 2, 0, 2, 1]),
    ("levels", 1, (0, 0, 0, 0, 1, 2, 2, 3, 4), 5, [0, 0, 0, 1, 2, 3, 1, 2, 1]),
    ("levels", 2, (0, 0, 0, 0, 0, 1, 1, 1, 2), 3, [0, 0, 0, 0, 1, 2, 0, 2, 1]),
    ("cycles", 2, (0, 0, 0, 0, 0, 0, 0, 1, 1), 2, [0, 0, 0, 0, 1, 2, 1, 1, 1]),
    ("cycles", 9, (0, 0, 0, 0, 1, 3, 3, 5, 7), 9, [0, 0, 0, 1, 4, 6, 2, 4, 2]),
]


@pytest.mark.parametrize(("pipeline", "steps", "cycle", "latency", "delays"), GOLDEN)
def test_cycles_by_hand(
    pipeline: Pipeline, steps: int, cycle: tuple[int, ...], latency: int, delays: list[int]
) -> None:
    """Levels of the operators are 0 0 0 1 2 3 3 4 5; in two cycles, levels 1 to 3 and 4 to 5.

    Of `levels` 1: operator 4, of cycle 1, is read in 2 and in 3, so it goes through two registers; 5, a score, is there
    from cycle 2 and waits until 5.
    """
    graph = _by_hand()
    timing = schedule(graph, pipeline, steps=steps)
    assert (timing.cycle, timing.latency) == (cycle, latency)
    assert timing.delays(graph) == delays
    assert timing.registers(graph) == 3 * sum(delays), "every value is 0 to 7"


def _registers_met(graph: OperatorGraph, timing: Schedule) -> dict[int, set[int]]:
    """How many registers samples can have met on the ways to what each operator gives; nothing for constants.

    Walked register by register: a reader reads the tap of its source's chain that belongs to its cycle.
    """
    delays = timing.delays(graph)
    met: dict[int, set[int]] = {}
    for number, operator in enumerate(graph.operators):
        if operator.kind == "input":
            met[number] = {0}
            continue
        met[number] = set()
        for source in operator.sources:
            tap = timing.cycle[number] - timing.cycle[source]
            assert graph.is_constant(source) or 0 <= tap <= delays[source], "the chain has such a tap"
            met[number] |= {count + tap for count in met[source]}
    for number in graph.outputs:
        tap = timing.latency - timing.cycle[number]
        assert graph.is_constant(number) or tap == delays[number]
    return {n: {count + timing.latency - timing.cycle[n] for count in met[n]} for n in graph.outputs}


@given(circuit=any_circuits(), sharing=sharings(), argmax=st.booleans(), pipeline=pipelines(), data=st.data())
def test_every_path_has_the_same_number_of_registers(
    circuit: Circuit, sharing: str, argmax: bool, pipeline: tuple[Pipeline, int], data: st.DataObject
) -> None:
    """With and without long wires, which have one more register; no operator computes before its sources."""
    graph = lowered(circuit, sharing=sharing, argmax=argmax)
    wires = [(source, number) for number, op in enumerate(graph.operators) for source in op.sources]
    wires = [(source, number) for source, number in wires if not graph.is_constant(source)]
    long = data.draw(st.lists(st.sampled_from(wires), max_size=4)) if wires else []
    timing = schedule(graph, pipeline[0], steps=pipeline[1], long=long)
    assert all(timing.cycle[source] <= timing.cycle[number] <= timing.latency for source, number in wires)
    for counts in _registers_met(graph, timing).values():
        assert counts <= {timing.latency}
    plain = schedule(graph, pipeline[0], steps=pipeline[1])
    for source, number in long:
        before = plain.cycle[number] - plain.cycle[source]
        assert timing.cycle[number] - timing.cycle[source] > before


@given(circuit=any_circuits(), sharing=sharings(), argmax=st.booleans(), steps=st.integers(1, 5))
def test_levels_and_cycles_are_as_requested(circuit: Circuit, sharing: str, argmax: bool, steps: int) -> None:
    graph = lowered(circuit, sharing=sharing, argmax=argmax)
    assert schedule(graph, "none").latency == 0
    assert _deepest(graph, schedule(graph, "levels", steps=steps)) <= steps
    levels, waits = max(graph.levels), _holds_on_a_way(graph)
    asked = max(-(-levels // steps), 1)
    assert asked <= schedule(graph, "levels", steps=steps).latency <= asked + waits, "each block may wait for its gate"
    timing = schedule(graph, "cycles", steps=steps)
    assert steps <= timing.latency <= steps + waits
    even = -(-levels // steps)
    assert _deepest(graph, timing) == even or (waits and _deepest(graph, timing) < even), "as even as can be"


def _holds_on_a_way(graph: OperatorGraph) -> int:
    """The most holds on one way from an input to an output."""
    found: list[int] = []
    for operator in graph.operators:
        before = max((found[source] for source in operator.sources), default=0)
        found.append(before + isinstance(operator.operation, Hold))
    return max(found)


def _deepest(graph: OperatorGraph, timing: Schedule) -> int:
    """Levels of logic in the cycle that has most, counted along every way that no register cuts."""
    deep: list[int] = []
    for number, operator in enumerate(graph.operators):
        same = [deep[source] for source in operator.sources if timing.cycle[source] == timing.cycle[number]]
        deep.append(max(same, default=0) + (operator.kind not in ("input", "constant", "shift", "hold")))
    return max(deep)


@pytest.mark.parametrize("argmax", [False, True])
@pytest.mark.parametrize("sizes", [(3, 4), (3, 4, 5), (6, 5, 4, 3)])
def test_a_register_stands_behind_each_layer_and_behind_the_class(sizes: tuple[int, ...], argmax: bool) -> None:
    graph = lowered(random_circuit(sizes, seed=2), argmax=argmax)
    timing = schedule(graph, "layer")
    assert timing.latency == len(sizes) - 1 + argmax
    for number, operator in enumerate(graph.operators):
        if operator.kind not in ("input", "constant"):
            assert timing.cycle[number] == operator.layer - 1
    delays = timing.delays(graph)
    for number in (number for layer in graph.words[:-1] for number in layer):
        assert delays[number] == (not graph.is_constant(number))


def test_an_unknown_pipeline_is_refused_with_the_known_ones() -> None:
    graph = _by_hand()
    with pytest.raises(BuildError) as caught:
        schedule(graph, "deep")  # type: ignore[arg-type]  # that is the point
    assert str(caught.value) == f"pipeline 'deep'; use one of {', '.join(get_args(Pipeline))}"
    with pytest.raises(BuildError) as caught:
        schedule(graph, "cycles", steps=0)
    assert str(caught.value) == "0 steps of a pipeline; use 1 or more"
