"""The integer circuit: golden vectors and proven ranges."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import TWO_LAYERS, circuits, inputs_of

from netgen.errors import DataError, QuantizeError
from netgen.ir.activation import StepFunction, Steps
from netgen.ir.chain import ChainLayer, chain, chain_layers, weight_matrix
from netgen.ir.circuit import Circuit, CircuitLayer, classify, evaluate, ranges_of, trace
from netgen.ir.dense import DenseActivation
from netgen.ir.fixed import FixedPoint, Words
from netgen.ir.netlist import netlist_of
from netgen.ir.thermometer import BIT


def one_neuron(activation: DenseActivation, output: FixedPoint | None) -> Circuit:
    """x to the word of x, in a format of its own."""
    first = ChainLayer(np.array([[1]]), np.array([0]), FixedPoint(2, 0, signed=True), activation, output)
    last = ChainLayer(np.array([[1]]), np.array([0]), FixedPoint(2, 0, signed=True), "identity", None)
    return chain(FixedPoint(6, 0, signed=True), np.ones(1), (first, last))


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
    if circuit.thresholds:  # bits of one word depend on each other; read as many independent bits instead
        circuit = replace(circuit, input=BIT, input_scale=np.ones(circuit.sizes[0]), thresholds=())
    layer, reach = circuit.layers[0], ranges_of(circuit)[0]
    weight = weight_matrix(circuit, 0)
    up = np.where(weight > 0, circuit.input.hi, circuit.input.lo)
    down = np.where(weight > 0, circuit.input.lo, circuit.input.hi)
    assert np.array_equal((weight * up).sum(axis=1) + layer.bias, reach.acc_hi)
    assert np.array_equal((weight * down).sum(axis=1) + layer.bias, reach.acc_lo)
    assert np.array_equal(np.diag(trace(circuit, up).outputs[0]), reach.out_hi)
    assert np.array_equal(np.diag(trace(circuit, down).outputs[0]), reach.out_lo)


@pytest.mark.parametrize(("weight", "bias"), [(2**30, 0), (0, 2**61), (0, -(2**63))])
def test_an_accumulator_that_int64_might_not_hold_is_refused(weight: int, bias: int) -> None:
    """2**31 * 2**30 = 2**61 passes 2**60; -2**63 is the one int64 without a magnitude in int64."""
    layer = ChainLayer(np.array([[weight]]), np.array([bias]), FixedPoint(32, 0, signed=True), "identity", None)
    with pytest.raises(
        QuantizeError, match=r"^layer 1: accumulators could exceed 2\^60; use narrower weights or inputs$"
    ):
        chain(FixedPoint(31, 0, signed=False), np.ones(1), (layer,))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((3, 1), dtype=np.int64), r"inputs int64 (3, 1); the circuit reads int64 (n, 2)"),
        (np.zeros((3, 2)), r"inputs float64 (3, 2); the circuit reads int64 (n, 2)"),
        (np.array([[-9, 7]]), r"input words from -9 to 7 do not fit s4.2; encode them"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs: Words, message: str) -> None:
    with pytest.raises(DataError) as caught:
        evaluate(TWO_LAYERS, inputs)
    assert str(caught.value) == message


def _tables(entry: FixedPoint, starts: list[int], source: list[int], entries: list[list[int]]) -> Circuit:
    """Truth tables of input words."""
    functions = tuple(StepFunction(np.arange(1, len(one)), np.array(one)) for one in entries)
    none = np.zeros(len(entries), dtype=np.int64)
    steps, ones = Steps(functions, np.arange(len(entries))), np.ones(len(source), dtype=np.int64)
    layer = CircuitLayer("tables", np.array(starts), np.array(source), ones, none, 0, steps, BIT, gather="table")
    return Circuit(entry, np.ones(3), (layer,))


def test_a_table_gives_the_entry_at_the_address_of_its_bits_worked_by_hand() -> None:
    """The first bit read is the lowest of the address: b c reads entry b + 2 c; a b c is the majority of three."""
    circuit = _tables(BIT, [0, 2, 5], [1, 2, 0, 1, 2], [[1, 0, 0, 1], [0, 0, 0, 1, 0, 1, 1, 1]])
    inputs = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
    assert evaluate(circuit, inputs).tolist() == [[1, 0], [0, 0], [0, 0], [1, 1], [0, 1], [1, 0]]
    assert (netlist_of(circuit).neurons, netlist_of(circuit).wires) == (5, 5), "three inputs and two tables"


def test_a_table_of_other_words_than_bits_is_refused() -> None:
    wanted = "layer tables: a table reads neuron 1, a word from -1 to 0; it can read bits, 0 or 1"
    with pytest.raises(QuantizeError, match=f"^{wanted}$"):
        _tables(FixedPoint(1, 0, signed=True), [0, 1], [1], [[0, 1]])


@pytest.mark.parametrize("count", [0, 9])
def test_a_table_of_no_bits_or_of_more_than_8_is_refused(count: int) -> None:
    wanted = "layer tables: a table reads 1 to 8 bits, by weight 1 and without bias"
    with pytest.raises(QuantizeError, match=f"^{wanted}$"):
        _tables(BIT, [0, count], list(range(count)), [[0, 1]])


def test_layers_that_do_not_chain_are_refused() -> None:
    layers = chain_layers(TWO_LAYERS)
    with pytest.raises(QuantizeError, match="the last gives its sums"):
        chain(TWO_LAYERS.input, np.ones(2), layers[:1])
    with pytest.raises(QuantizeError, match="layers do not chain"):
        chain(TWO_LAYERS.input, np.ones(2), (replace(layers[0], output=None), layers[1]))


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_an_input_scale_that_is_not_positive_and_finite_is_refused(scale: float) -> None:
    with pytest.raises(QuantizeError, match=r"^input_scale: every factor must be positive and finite$"):
        replace(TWO_LAYERS, input_scale=np.array([1.0, scale]))


@pytest.mark.parametrize("shape", [(0, 2), (1, 0)])
def test_a_layer_without_neurons_or_inputs_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(QuantizeError, match="do not form a layer"):
        ChainLayer(np.zeros(shape, np.int64), np.zeros(shape[0], np.int64), FixedPoint(4, 0, signed=True), "relu", None)
