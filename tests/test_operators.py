"""Operators: what each computes, graphs of them, and their names."""

import hashlib
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    any_circuits,
    lowered,
    random_circuit,
)

from netgen.ir.chain import chain, chain_layers
from netgen.ir.circuit import Circuit
from netgen.operators import names
from netgen.operators.graph import Operator, OperatorGraph, evaluate, trimmed, values_of
from netgen.operators.kinds import (
    Add,
    Constant,
    Count,
    Greater,
    Hold,
    Input,
    Larger,
    Maximum,
    Minimum,
    Multiply,
    Operation,
    Round,
    Select,
    Shift,
    Subtract,
    Table,
    range_of,
)
from netgen.operators.names import names_of


def operator(operation: Operation, *sources: int, layer: int = 1, index: int | None = None) -> Operator:
    """An operator whose range the test does not read."""
    return Operator(operation, sources, -100, 100, layer, index)


INPUTS = tuple(operator(Input(k), layer=0) for k in range(3))

GOLDEN: list[tuple[Operator, list[tuple[tuple[int, int, int], int]]]] = [
    (operator(Constant(-7)), [((0, 0, 0), -7), ((5, 5, 5), -7)]),
    (operator(Add((0, 2)), 0, 1), [((3, -2, 0), 3 - 8), ((-1, 1, 0), -1 + 4)]),
    (operator(Add((1, 0)), 1, 0), [((3, -2, 0), -4 + 3)]),
    (operator(Add(), 0, 0), [((3, 0, 0), 6)]),
    (operator(Subtract((0, 1)), 0, 1), [((3, -2, 0), 3 + 4), ((-3, 2, 0), -3 - 4)]),
    (operator(Subtract((2, 0)), 0, 1), [((3, -2, 0), 12 + 2)]),
    (operator(Add((0, 1), -5), 0, 1), [((3, -2, 0), 3 - 4 - 5)]),
    (operator(Subtract((0, 0), 15), 0, 1), [((3, 5, 0), 3 - 5 + 15)]),
    (operator(Multiply(5), 0), [((-3, 0, 0), -15)]),
    (operator(Count((0, 1, 0), (False,) * 3), 0, 1, 2), [((1, 2, 1), 3), ((2, 1, 0), 0), ((3, 3, 2), 2)]),
    (operator(Count((0, 0, 0), (True, False, True)), 0, 1, 2), [((1, 1, 1), 1), ((0, 1, 0), 3), ((1, 0, 1), 0)]),
    (operator(Shift(1), 0), [((3, 0, 0), 1), ((-3, 0, 0), -2), ((-1, 0, 0), -1)]),
    (operator(Shift(0), 0), [((-3, 0, 0), -3)]),
    (operator(Shift(-2), 0), [((3, 0, 0), 12), ((-3, 0, 0), -12)]),
    (operator(Round(1), 0), [((3, 0, 0), 2), ((1, 0, 0), 0), ((-1, 0, 0), 0), ((-3, 0, 0), -2), ((4, 0, 0), 2)]),
    (operator(Round(2), 0), [((2, 0, 0), 0), ((6, 0, 0), 2), ((-6, 0, 0), -2), ((5, 0, 0), 1), ((7, 0, 0), 2)]),
    (operator(Larger(), 0, 1), [((3, -2, 0), 3), ((-3, -2, 0), -2), ((4, 4, 0), 4)]),
    (operator(Maximum(-1), 0), [((3, 0, 0), 3), ((-1, 0, 0), -1), ((-3, 0, 0), -1)]),
    (operator(Minimum(2), 0), [((3, 0, 0), 2), ((2, 0, 0), 2), ((-3, 0, 0), -3)]),
    (operator(Greater(), 0, 1), [((3, 2, 0), 1), ((3, 3, 0), 0), ((-3, -2, 0), 0)]),
    (operator(Select(), 0, 1, 2), [((1, 5, -6), 5), ((0, 5, -6), -6)]),
    (operator(Hold(), 0, 1, 2), [((5, 1, 1), 5), ((5, 0, 1), 5)]),
]


@pytest.mark.parametrize(("tested", "cases"), GOLDEN, ids=lambda value: getattr(value, "kind", ""))
def test_every_kind_computes_what_its_table_says(
    tested: Operator, cases: list[tuple[tuple[int, int, int], int]]
) -> None:
    """`add` of a * 2**0 and b * 2**2 for a = 3, b = -2: 3 - 8; `shift` rounds down: -3 // 2 = -2; and so on."""
    graph = OperatorGraph((*INPUTS, tested), 3, ((3,),))
    scores, best = evaluate(graph, np.array([sample for sample, _ in cases]))
    assert scores[:, 0].tolist() == [value for _, value in cases]
    assert best is None


def test_a_graph_computes_operators_of_operators() -> None:
    """x = 3, y = -2: 4x - y = 14; 14 >> 2 = 3; at most 2; 2 > y, so the class is constant 1."""
    graph = OperatorGraph(
        (
            *INPUTS,
            operator(Subtract((2, 0)), 0, 1),
            operator(Shift(2), 3),
            operator(Minimum(2), 4),
            operator(Greater(), 5, 1),
            operator(Constant(1)),
            operator(Constant(0)),
            operator(Select(), 6, 7, 8),
        ),
        3,
        ((5, 1),),
        9,
    )
    inputs = np.array([[3, -2, 0], [-1, 2, 0]])  # -4 - 2 = -6; -6 >> 2 = -2; not greater than 2
    scores, best = evaluate(graph, inputs)
    assert scores.tolist() == [[2, -2], [-2, 2]]
    assert best is not None
    assert best.tolist() == [1, 0]
    assert {number: values.tolist() for number, values in values_of(graph, inputs)} == {
        0: [3, -1],
        1: [-2, 2],
        2: [0, 0],
        3: [14, -6],
        4: [3, -2],
        5: [2, -2],
        6: [1, 0],
        7: [1, 1],
        8: [0, 0],
        9: [1, 0],
    }


def test_ranges_by_hand() -> None:
    """a in -2 to 3, b in -1 to 4: a + 4b in -2-4 to 3+16; a - 2b in -2-8 to 3+2; -2 // 4 = -1; and so on."""
    a, b = (-2, 3), (-1, 4)
    assert range_of(Constant(5), []) == (5, 5)
    assert range_of(Add((0, 2)), [a, b]) == (-6, 19)
    assert range_of(Subtract((0, 1)), [a, b]) == (-10, 5)
    assert range_of(Subtract((0, 0), 15), [a, b]) == (9, 19)
    assert range_of(Multiply(3), [a]) == (-6, 9)
    assert range_of(Count((0, 0, 0), (True, False, False)), [(0, 1)] * 3) == (0, 3)
    count = Count((0, 1, 1), (False, True, True))
    assert range_of(count, [(0, 1), (2, 3), (0, 1)]) == (1, 2)  # the second is inverted to 0, the third to 1
    assert range_of(Shift(2), [a]) == (-1, 0)
    assert range_of(Shift(-2), [a]) == (-8, 12)
    assert range_of(Round(1), [a]) == (-1, 2)  # 1.5 rounds to 2
    assert range_of(Larger(), [a, b]) == (-1, 4)
    assert range_of(Maximum(0), [a]) == (0, 3)
    assert range_of(Minimum(0), [a]) == (-2, 0)
    assert range_of(Greater(), [a, b]) == (0, 1)
    assert range_of(Greater(), [a, (3, 4)]) == (0, 0)
    assert range_of(Greater(), [(5, 6), b]) == (1, 1)
    assert range_of(Select(), [(0, 1), a, b]) == (-2, 4)
    assert range_of(Select(), [(0, 0), a, b]) == b
    assert range_of(Select(), [(1, 1), a, b]) == a
    assert range_of(Select(), [(-3, 0), a, b]) == (-2, 4)
    assert range_of(Table((4, -1, 2, 0)), [(0, 1), (0, 1)]) == (-1, 4)


RANGES = st.tuples(st.integers(-6, 6), st.integers(0, 5)).map(lambda pair: (pair[0], sum(pair)))


@given(tested=st.sampled_from(GOLDEN), ranges=st.lists(RANGES, min_size=3, max_size=3))
def test_a_range_is_attained_at_both_ends_and_never_left(
    tested: tuple[Operator, object], ranges: list[tuple[int, int]]
) -> None:
    """By brute force over all values of three sources."""
    op = tested[0]
    if op.sources == (0, 0):  # ranges are derived for independent sources, and these are one
        op = replace(op, sources=(0, 1))
    samples = np.array(list(product(*(range(lo, hi + 1) for lo, hi in ranges))))
    values = evaluate(OperatorGraph((*INPUTS, op), 3, ((3,),)), samples)[0]
    assert range_of(op.operation, [ranges[s] for s in op.sources]) == (values.min(), values.max())


def test_an_operator_is_as_wide_as_its_range() -> None:
    """-8 to 7 needs 4 bits; 0 to 8 needs 4 without a sign; -1 to 8 needs 5; 0 needs one."""
    for lo, hi, width, signed in [(-8, 7, 4, True), (0, 8, 4, False), (-1, 8, 5, True), (0, 0, 1, False)]:
        op = Operator(Input(0), (), lo, hi, 0, None)
        assert (op.width, op.signed) == (width, signed)


def test_levels_count_operators_with_logic() -> None:
    """Inputs, constants and shifts are wiring: of x + 5 >> 1, at least 0, plus y: 1, 1, 2 and 3."""
    graph = OperatorGraph(
        (
            *INPUTS,
            operator(Constant(5)),
            operator(Add(), 0, 3),
            operator(Shift(1), 4),
            operator(Maximum(0), 5),
            operator(Add(), 1, 6),
        ),
        3,
        ((7,),),
    )
    assert graph.levels == [0, 0, 0, 0, 1, 1, 2, 3]
    assert graph.readers == [[4], [7], [], [4], [5], [6], [7], []]
    assert graph.count(Add, Maximum) == 3


def test_a_trimmed_graph_keeps_what_an_output_needs_and_every_word() -> None:
    """Operator 3 feeds only 4, which nobody reads; 1 feeds nothing else; 5 is a word that the output does not need."""
    graph = trimmed(
        [
            *INPUTS,
            operator(Add(), 0, 1),
            operator(Shift(1), 3),
            operator(Multiply(3), 2),
            operator(Subtract((0, 1)), 0, 2),
            operator(Maximum(0), 6),
        ],
        [[5], [7]],
        7,
        inputs=3,
    )
    assert [op.kind for op in graph.operators] == ["input", "input", "multiply", "subtract", "maximum"]
    assert [op.sources for op in graph.operators] == [(), (), (1,), (0, 1), (3,)]
    assert [op.operation for op in graph.operators[:2]] == [Input(0), Input(2)]
    assert (graph.words, graph.best, graph.inputs) == (((2,), (4,)), 4, 3)


def _spelled(graph: OperatorGraph) -> dict[str, tuple[object, ...]]:
    """Each operator under its name, its sources by name as well."""
    names = names_of(graph)
    return {
        name: (op.operation, *(names[source] for source in op.sources))
        for name, op in zip(names, graph.operators, strict=True)
    }


@pytest.mark.parametrize("sharing", ["none", "csd"])
def test_names_of_a_neuron_stay_the_same_when_another_neuron_changes(sharing: str) -> None:
    """Neuron 1 of layer 1 gets other weights: the operators of the others keep their names."""
    circuit = random_circuit((5, 4, 3), seed=1)
    first, last = chain_layers(circuit)
    weight = first.weight.copy()
    weight[1] = [0, 1, 2, -3, 31]
    changed = chain(circuit.input, circuit.input_scale, [replace(first, weight=weight), last])
    before, after = (_spelled(lowered(each, sharing=sharing)) for each in (circuit, changed))
    for neuron in ("n1_0", "n1_2", "n1_3"):
        mine = {name for name in before if name == neuron or name.startswith(f"{neuron}_")}
        assert len(mine) > 3
        assert {name: before[name] for name in mine} == {name: after.get(name) for name in mine}
    assert before["n1_1"] != after["n1_1"] or before.keys() != after.keys()


@given(circuit=any_circuits(), argmax=st.booleans())
def test_names_are_distinct_and_words_are_called_after_their_neurons(circuit: Circuit, argmax: bool) -> None:
    graph = lowered(circuit, argmax=argmax)
    names = names_of(graph)
    assert len(set(names)) == len(graph.operators)
    for depth, layer in enumerate(graph.words, 1):
        for k, number in enumerate(layer):
            assert graph.is_constant(number) or names[number] == f"n{depth}_{k}"
    for name, op in zip(names, graph.operators, strict=True):
        if isinstance(op.operation, Input):
            assert name == f"{'x' if graph.coded else 'n0'}_{op.operation.word}"
        assert (op.kind, op.layer) != ("greater", 0) or name == f"n0_{op.index}"


def test_two_digests_that_begin_alike_are_written_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Alike:
        """Digests whose first nine digits are 0."""

        def __init__(self, text: bytes) -> None:
            self.end = hashlib.md5(text, usedforsecurity=False).hexdigest()

        def hexdigest(self) -> str:
            return "0" * 9 + self.end

    graph = OperatorGraph(
        (
            *INPUTS,
            operator(Add(), 0, 1),
            operator(Add(), 0, 2),
            operator(Shift(1), 3),
        ),
        3,
        ((4, 5),),
    )
    plain = names_of(graph)
    assert [len(name) for name in plain if name.startswith("t1_")] == [11]
    monkeypatch.setattr(names.hashlib, "sha256", Alike)  # type: ignore[attr-defined]  # imported there
    graph = replace(graph, words=((5,),))
    first, second = (name for name in names_of(graph) if name.startswith("t1_"))
    assert (first, second[:12]) == ("t1_00000000", "t1_000000000")
    assert first != second
