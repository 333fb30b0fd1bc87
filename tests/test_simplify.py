"""Simplification: equal scores, and nothing dead or constant remains."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import circuits, graphs, inputs_of

from netgen.ir.chain import ChainLayer, chain, chain_layers
from netgen.ir.circuit import Circuit, CircuitHead, CircuitLayer, evaluate, ranges_of
from netgen.ir.dense import alive_of
from netgen.ir.fixed import FixedPoint
from netgen.ir.simplify import simplify


@given(st.data())
def test_simplifying_changes_no_score_and_leaves_nothing_dead(data: st.DataObject) -> None:
    circuit = data.draw(circuits())
    simple = simplify(circuit)
    inputs = data.draw(inputs_of(circuit))
    assert np.array_equal(evaluate(simple, inputs), evaluate(circuit, inputs))
    layers = chain_layers(simple)
    alive = alive_of([layer.weight != 0 for layer in layers])
    for depth, layer in enumerate(layers):
        assert not layer.weight[~alive[depth + 1]].any()
        assert not layer.weight[:, ~alive[depth]].any()
    for reach, left in zip(ranges_of(simple)[:-1], alive[1:-1], strict=True):
        assert (reach.out_lo < reach.out_hi)[left].all()


def test_a_neuron_that_no_input_can_change_is_folded_away() -> None:
    """ReLU(x - 9) of a 3-bit x is 0 whatever x is, and 2 x + 9 of one, saturated at 7, is 7: 5 * 0 + 3 * 7 + 1 = 22."""
    form = FixedPoint(4, 0, signed=True)
    first = ChainLayer(np.array([[1], [2]]), np.array([-9, 9]), form, "relu", FixedPoint(3, 0, signed=False))
    last = ChainLayer(np.array([[5, 3]]), np.array([1]), form, "identity", None)
    simple = simplify(chain(FixedPoint(3, 0, signed=False), np.ones(1), (first, last)))
    assert not simple.wires
    assert simple.layers[1].bias.tolist() == [22]


@given(st.data())
def test_simplifying_a_graph_changes_no_score(data: st.DataObject) -> None:
    circuit = data.draw(graphs())
    inputs = data.draw(inputs_of(circuit))
    assert np.array_equal(evaluate(simplify(circuit), inputs), evaluate(circuit, inputs))


def test_a_constant_that_is_an_output_still_counts_where_it_is_read() -> None:
    """The neurons 3 and x are read by x + 2 * 3, which is 10 for x = 4; the constant 3 is an output as well."""
    first = CircuitLayer("first", np.array([0, 0, 1]), np.array([0]), np.array([1]), np.array([3, 0]), 0)
    last = CircuitLayer("last", np.array([0, 2]), np.array([1, 2]), np.array([2, 1]), np.array([0]), 0)
    heads = tuple(
        CircuitHead(name, np.array([neuron]), np.ones(()), np.zeros(()), "none")
        for name, neuron in (("constant", 1), ("sum", 3))
    )
    simple = simplify(Circuit(FixedPoint(3, 0, signed=False), np.ones(1), (first, last), (), heads))
    assert simple.wires == 2
    assert evaluate(simple, np.array([[4]])).tolist() == [[3, 10]]


def test_a_maximum_of_constants_counts_where_it_is_read() -> None:
    """1 + 2 * max(3, 5) is 11; no input reaches it. A second output, x - max(3, 5), is -1 for x = 4."""
    none = np.zeros(3, dtype=np.int64)
    constants = CircuitLayer("constants", none, none[:0], none[:0], np.array([3, 5]), 0)
    greatest = CircuitLayer("greatest", np.array([0, 2]), np.array([1, 2]), np.array([1, 1]), none[:1], 0, gather="max")
    last = CircuitLayer("last", np.array([0, 1, 3]), np.array([3, 0, 3]), np.array([2, 1, -1]), np.array([1, 0]), 0)
    head = CircuitHead("scores", np.array([4, 5]), np.ones(()), np.zeros(()), "none")
    layers = constants, greatest, last
    simple = simplify(Circuit(FixedPoint(3, 0, signed=False), np.ones(1), layers, (), (head,)))
    assert evaluate(simple, np.array([[4]])).tolist() == [[11, -1]]
