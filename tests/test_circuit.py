"""The integer circuit: golden vectors, proven ranges, simplification and its file format."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import circuits, inputs_of

from netgen.errors import BuildError, DataError, QuantizeError
from netgen.ir.circuit import Circuit, CircuitLayer, classify, evaluate, from_json, ranges_of, simplify, to_json, trace
from netgen.ir.fixed import FixedPoint, Words
from netgen.ir.network import Activation, alive_of
from netgen.ir.thermometer import BIT

TWO_LAYERS = Circuit(
    input=FixedPoint(4, 2, signed=True),
    input_scale=np.ones(2),
    layers=(
        CircuitLayer(
            weight=np.array([[3, -2], [0, 1]]),
            bias=np.array([5, 3]),
            weight_format=FixedPoint(3, 1, signed=True),
            activation="relu",
            output=FixedPoint(3, 1, signed=False),
        ),
        CircuitLayer(
            weight=np.array([[1, -2]]),
            bias=np.array([4]),
            weight_format=FixedPoint(3, 1, signed=True),
            activation="identity",
            output=None,
        ),
    ),
)
"""Accumulators of the first layer have 2 + 1 = 3 fractional bits, its words 1: a right shift by 2."""


def one_neuron(activation: Activation, output: FixedPoint | None) -> Circuit:
    """x to the word of x, in a format of its own."""
    first = CircuitLayer(np.array([[1]]), np.array([0]), FixedPoint(2, 0, signed=True), activation, output)
    last = CircuitLayer(np.array([[1]]), np.array([0]), FixedPoint(2, 0, signed=True), "identity", None)
    return Circuit(FixedPoint(6, 0, signed=True), np.ones(1), (first, last))


@pytest.mark.parametrize(
    ("sample", "score"),
    [
        ([5, -3], 11),
        ([7, -8], 11),
        ([0, 3], 0),
        ([-8, 7], -2),
    ],
)
def test_evaluate_gives_scores_worked_by_hand(sample: list[int], score: int) -> None:
    """First layer (3a - 2b + 5, b + 3), ReLU, /4 rounded, at most 7; then p - 2q + 4.

    (5, -3): 26 and 0; 6.5 rounds up to 7, and 0; 7 - 0 + 4 = 11.
    (7, -8): 42 and -5; 10.5 rounds to 11, saturates at 7, and ReLU gives 0; 11.
    (0, 3): -1 and 6; 0 and 1.5, which rounds to 2; 0 - 4 + 4 = 0.
    (-8, 7): -33 and 10; 0 and 2.5, which rounds to 3; 0 - 6 + 4 = -2.
    """
    assert evaluate(TWO_LAYERS, np.array([sample])).tolist() == [[score]]


def test_trace_counts_saturated_words() -> None:
    """Of the golden samples only (7, -8) saturates, in one word."""
    assert trace(TWO_LAYERS, np.array([[5, -3], [7, -8], [0, 3], [-8, 7]])).saturated == (1, 0)


def test_an_identity_layer_rounds_negative_ties_up_and_saturates_below() -> None:
    """Halves: -3/2 = -1.5 gives -1, -5/2 = -2.5 gives -2; -32/2 = -16 saturates at -8 in 4 signed bits."""
    circuit = one_neuron("identity", FixedPoint(4, -1, signed=True))
    assert evaluate(circuit, np.array([[-3], [-5], [-32], [31]])).tolist() == [[-1], [-2], [-8], [7]]


def test_a_negative_shift_multiplies() -> None:
    """An output of 2 more fractional bits: 3 becomes 12."""
    assert evaluate(one_neuron("relu", FixedPoint(8, 2, signed=False)), np.array([[3], [-3]])).tolist() == [[12], [0]]


def test_the_lowest_class_wins_a_tie() -> None:
    assert classify(np.array([[1, 5, 5], [7, 7, 7], [-3, -2, -9]])).tolist() == [1, 0, 1]


@given(st.data())
def test_no_input_leaves_the_proven_ranges(data: st.DataObject) -> None:
    circuit = data.draw(circuits())
    for words, reach in zip(trace(circuit, data.draw(inputs_of(circuit))).outputs, ranges_of(circuit), strict=True):
        assert (words >= reach.out_lo).all()
        assert (words <= reach.out_hi).all()


@given(circuits())
def test_every_bound_of_the_first_layer_is_reached(circuit: Circuit) -> None:
    """A sum of independent terms is greatest where each is: its inputs at the end to which the weight's sign points."""
    if circuit.thresholds:  # bits of one word do not change by themselves; take those of as many words
        circuit = replace(circuit, input=BIT, input_scale=np.ones(circuit.sizes[0]), thresholds=())
    layer, reach = circuit.layers[0], ranges_of(circuit)[0]
    up = np.where(layer.weight > 0, circuit.input.hi, circuit.input.lo)
    down = np.where(layer.weight > 0, circuit.input.lo, circuit.input.hi)
    assert np.array_equal((layer.weight * up).sum(axis=1) + layer.bias, reach.acc_hi)
    assert np.array_equal((layer.weight * down).sum(axis=1) + layer.bias, reach.acc_lo)
    assert np.array_equal(np.diag(trace(circuit, up).outputs[0]), reach.out_hi)
    assert np.array_equal(np.diag(trace(circuit, down).outputs[0]), reach.out_lo)


def test_an_accumulator_that_int64_might_not_hold_is_refused() -> None:
    """2**31 * 2**30 = 2**61 passes 2**60."""
    layer = CircuitLayer(np.array([[2**30]]), np.array([0]), FixedPoint(32, 0, signed=True), "identity", None)
    with pytest.raises(
        QuantizeError, match=r"^layer 1: accumulators could pass 2\*\*60; narrow its weights or inputs$"
    ):
        Circuit(FixedPoint(31, 0, signed=False), np.ones(1), (layer,))


@given(st.data())
def test_simplifying_changes_no_score_and_leaves_nothing_dead(data: st.DataObject) -> None:
    circuit = data.draw(circuits())
    simple = simplify(circuit)
    inputs = data.draw(inputs_of(circuit))
    assert np.array_equal(evaluate(simple, inputs), evaluate(circuit, inputs))
    alive = alive_of([layer.weight != 0 for layer in simple.layers])
    for depth, layer in enumerate(simple.layers):
        assert not layer.weight[~alive[depth + 1]].any()
        assert not layer.weight[:, ~alive[depth]].any()
    for reach, left in zip(ranges_of(simple)[:-1], alive[1:-1], strict=True):
        assert (reach.out_lo < reach.out_hi)[left].all()


def test_a_neuron_that_no_input_can_change_is_folded_away() -> None:
    """ReLU(x - 9) of a 3-bit x is 0 whatever x is, and 2 x + 9 of one, saturated at 7, is 7: 5 * 0 + 3 * 7 + 1 = 22."""
    form = FixedPoint(4, 0, signed=True)
    first = CircuitLayer(np.array([[1], [2]]), np.array([-9, 9]), form, "relu", FixedPoint(3, 0, signed=False))
    last = CircuitLayer(np.array([[5, 3]]), np.array([1]), form, "identity", None)
    simple = simplify(Circuit(FixedPoint(3, 0, signed=False), np.ones(1), (first, last)))
    assert not any(layer.weight.any() for layer in simple.layers)
    assert simple.layers[1].bias.tolist() == [22]


@given(circuits())
def test_json_brings_back_the_same_circuit(circuit: Circuit) -> None:
    again = from_json(to_json(circuit))
    assert to_json(again) == to_json(circuit)
    assert again.input == circuit.input
    for new, old in zip(again.layers, circuit.layers, strict=True):
        assert np.array_equal(new.weight, old.weight)
        assert np.array_equal(new.bias, old.bias)
        assert (new.weight_format, new.activation, new.output) == (old.weight_format, old.activation, old.output)


def _changed(path: list[str | int], value: object) -> str:
    tree = json.loads(to_json(TWO_LAYERS))
    place = tree
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(tree)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "[" * 5000,
        to_json(TWO_LAYERS)[:-20],
        _changed(["layers"], []),
        _changed(["layers", 0, "neurons"], []),
        _changed(["layers", 0, "output"], None),
        _changed(["layers", 0, "n_in"], 10**13),
        _changed(["layers", 0, "activation"], "tanh"),
        _changed(["layers", 0, "weight_format", "width"], 0),
        _changed(["layers", 0, "weight_format", "width"], 2),
        _changed(["layers", 0, "neurons", 0, "bias"], 1.5),
        _changed(["layers", 0, "neurons", 0, "bias"], 2**70),
        _changed(["layers", 0, "neurons", 0, "weights"], {"2": 1}),
        _changed(["layers", 0, "neurons", 0, "weights"], {"-1": 1}),
        _changed(["layers", 0, "neurons", 0, "weights"], {"0": 1.5}),
        _changed(["input_scale"], [1.0]),
        _changed(["input", "width"], "4"),
    ],
)
def test_a_damaged_file_is_one_clear_error(text: str) -> None:
    with pytest.raises(BuildError, match=r"^not a circuit \(.*\); build it again$"):
        from_json(text)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((3, 1), dtype=np.int64), r"inputs int64 (3, 1); the circuit takes int64 (n, 2)"),
        (np.zeros((3, 2)), r"inputs float64 (3, 2); the circuit takes int64 (n, 2)"),
        (np.array([[-9, 7]]), r"input words from -9 to 7 do not fit s4.2; encode them"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs: Words, message: str) -> None:
    with pytest.raises(DataError) as caught:
        evaluate(TWO_LAYERS, inputs)
    assert str(caught.value) == message


def test_layers_that_do_not_chain_are_refused() -> None:
    with pytest.raises(QuantizeError, match="the last layer gives its accumulators"):
        Circuit(TWO_LAYERS.input, np.ones(2), TWO_LAYERS.layers[:1])
    with pytest.raises(QuantizeError, match="layers do not chain"):
        Circuit(TWO_LAYERS.input, np.ones(2), (replace(TWO_LAYERS.layers[0], output=None), TWO_LAYERS.layers[1]))
