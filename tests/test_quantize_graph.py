"""Float networks of any graph, quantized by calibration."""

from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_strategies import networks, samples_of

from netgen.errors import QuantizeError
from netgen.ir import functions as f
from netgen.ir.activation import Rescale, Steps
from netgen.ir.circuit import Circuit, CircuitLayer, evaluate
from netgen.ir.fixed import FixedPoint
from netgen.ir.network import Head, Layer, Network, Port
from netgen.quantize import quantize_network, quantize_read
from netgen.quantize.prepare import prepare
from netgen.spec.sections import QuantizeSpec


def dense(name: str, first: int, weight: list[list[float]], bias: list[float], *pipeline: f.Function) -> Layer:
    """A layer of sums that reads the neurons from `first` on; zeros are no wires."""
    matrix = np.array(weight)
    row, column = np.nonzero(matrix)
    starts = np.searchsorted(row, np.arange(len(matrix) + 1))
    return Layer(name, starts, column + first, matrix[row, column], np.array(bias), activation=pipeline)


def small(*layers: Layer, inputs: int = 2) -> Network:
    """A network of one input port, whose output is its last layer."""
    total = inputs + sum(map(len, layers))
    return Network((Port("x", (inputs,)),), layers, (Head("y", np.arange(total - len(layers[-1]), total)),))


def by_hand(circuit: Circuit, words: list[int]) -> list[int]:
    """The scores of one sample by the definition of a circuit, in rational numbers."""
    known = [Fraction(word) for word in words]
    for layer in circuit.layers:
        known += [_neuron(layer, k, known) for k in range(len(layer))]
    return [int(known[k]) for k in circuit.scores.tolist()]


def _neuron(layer: CircuitLayer, k: int, known: list[Fraction]) -> Fraction:
    source, weight = (array.tolist() for array in layer.row(k))
    terms = [w * known[s] for s, w in zip(source, weight, strict=True)]
    total = max(terms) if layer.gather == "max" else sum(terms, Fraction(int(layer.bias[k])))
    if layer.gather == "select":
        total = terms[-1] if terms[-2] > 0 else terms[0] if len(terms) == 3 else Fraction(0)
    match layer.activation:
        case Rescale(shift, lo, hi):
            total = total if lo is None else max(total, Fraction(lo))
            total = total if hi is None else min(total, Fraction(hi))
            word = floor(total / Fraction(2) ** shift + Fraction(1, 2))
        case Steps():
            steps = layer.activation.of(k)
            word = steps.value.tolist()[sum(at <= total for at in steps.at.tolist())]
        case _:
            raise AssertionError(layer.activation)
    if layer.output is not None:
        word = min(max(word, layer.output.lo), layer.output.hi)
    return Fraction(word)


@settings(max_examples=60)
@given(networks(), st.integers(0, 2**32 - 1))
def test_a_quantized_network_is_what_a_circuit_is_defined_as(network: Network, seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuit = quantize_network(network, samples_of(network, 40, rng), activation_width=6)
    words = circuit.encode(network.flat(samples_of(network, 5, rng)))
    expected = [by_hand(circuit, sample) for sample in words.tolist()]
    assert evaluate(circuit, words).tolist() == expected


def test_a_layer_worked_by_hand() -> None:
    """Weights of 4 bits reach 0.75 and -0.5 with step 0.25, inputs have step 1: accumulators have step 0.25.

    Sums of (3, 2): 0.75 * 3 - 0.5 * 2 + 0.25 = 1.5, of (1, 3): -0.5, after ReLU 0. Words of 3 bits hold 0 to 1.5 with
    step 0.25: at 0.5 bits from 7.
    """
    net = small(dense("fc", 0, [[0.75, -0.5]], [0.25], f.RELU), dense("out", 2, [[1.0]], [0.0]))
    circuit = quantize_network(
        net, np.array([[3, 2], [1, 3]], dtype=np.uint8), weight_width=4, activation_width=3, method="minmax"
    )
    hidden, out = circuit.layers
    assert circuit.input == FixedPoint(8, 0, signed=False)
    assert hidden.frac == 2
    assert (hidden.weight.tolist(), hidden.bias.tolist()) == ([3, -2], [1])
    assert hidden.output == FixedPoint(3, 2, signed=False)
    assert hidden.activation == Rescale(0, 0, None)
    assert out.weight.tolist() == [1]
    assert evaluate(circuit, np.array([[3, 2], [1, 3]])).tolist() == [[6], [0]]


def test_a_residual_add_beside_trained_weights_is_exact() -> None:
    """The skip of weight 1 stays 1, though the trained weights have a finer step than 8 bits give to 1."""
    net = small(dense("fc", 0, [[0.013, -0.021, 1.0]], [0.0]), inputs=3)
    circuit = quantize_network(net, input_format=FixedPoint(8, 4, signed=True))
    layer = circuit.layers[0]
    assert layer.source.tolist() == [0, 1, 2]
    assert layer.weight[2] == 2 ** (layer.frac - 4)


def test_an_average_of_words_with_different_steps_is_exact() -> None:
    """Words of 1/16 and of 1/2, each a quarter of the sum: the accumulator has steps of 1/64."""
    net = Network(
        (Port("a", (1,)), Port("b", (1,))), (dense("mean", 0, [[0.25, 0.25]], [0.0]),), (Head("y", np.array([2])),)
    )
    circuit = quantize_network(net, input_format=(FixedPoint(8, 4, signed=True), FixedPoint(8, 1, signed=True)))
    assert circuit.layers[0].frac == 6
    assert circuit.layers[0].weight.tolist() == [1, 8]
    assert circuit.encode(np.array([[1.0, 1.0]])).tolist() == [[16, 2]]
    assert circuit.heads[0].decode(evaluate(circuit, np.array([[16, 2]]))).tolist() == [[0.5]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 100]], dtype=np.uint8), FixedPoint(8, 0, signed=False)),
        (np.array([[-3, 100]], dtype=np.int8), FixedPoint(8, 0, signed=True)),
        (np.array([[True, False]]), FixedPoint(1, 0, signed=False)),
        (np.array([[0, 100]]), FixedPoint(7, 0, signed=False)),
        (np.array([[0.0, 255.0]]), FixedPoint(8, 0, signed=False)),
        (np.array([[0.25, 0.75]]), FixedPoint(2, 2, signed=False)),
        (np.array([[-1.5, 0.5]]), FixedPoint(3, 1, signed=True)),
        (np.array([[0.0, 1 / 3]]), FixedPoint(8, 9, signed=False)),
    ],
)
def test_raw_inputs_keep_their_values(values: np.ndarray, expected: FixedPoint) -> None:
    """1/3 is no finite binary number: 8 bits reach 255 / 512 with step 1 / 512."""
    circuit = quantize_network(small(dense("fc", 0, [[1.0, 1.0]], [0.0])), values, method="minmax")
    assert circuit.input == expected
    assert circuit.input_scale.tolist() == [1.0, 1.0]


def test_words_under_a_maximum_have_one_step() -> None:
    layers = (
        dense("small", 0, [[0.01, 0.0]], [0.0], f.RELU),
        dense("large", 0, [[0.0, 5.0]], [0.0], f.RELU),
        Layer("top", np.array([0, 2]), np.array([2, 3]), np.ones(2), np.zeros(1), gather="max"),
        dense("out", 4, [[1.0]], [0.0]),
    )
    circuit = quantize_network(small(*layers), np.random.default_rng(1).integers(0, 100, (50, 2)))
    small_, large, top, _ = circuit.layers
    assert small_.output is not None
    assert small_.output == large.output
    assert top.frac == small_.output.frac


def test_word_and_bypass_of_a_selection_have_one_step_and_its_gate_another() -> None:
    """The gate is about 100 times the word, so a common step would leave the word two bits."""
    layers = (
        dense("bypass", 0, [[0.01, 0.0]], [0.0], f.RELU),
        dense("gate", 0, [[100.0, -100.0]], [0.0]),
        dense("word", 0, [[0.0, 1.0]], [0.0], f.RELU),
        Layer("top", np.array([0, 3]), np.array([2, 3, 4]), np.ones(3), np.zeros(1), gather="select"),
        dense("out", 5, [[1.0]], [0.0]),
    )
    circuit = quantize_network(small(*layers), np.random.default_rng(1).integers(0, 100, (50, 2)))
    bypass, gate, word, top, _ = circuit.layers
    assert bypass.output is not None
    assert gate.output is not None
    assert bypass.output == word.output
    assert gate.output.frac < bypass.output.frac
    assert top.frac == bypass.output.frac


def test_sums_that_cannot_be_negative_have_words_without_sign() -> None:
    hidden = dense("hidden", 0, [[1.0, -1.0], [-1.0, 1.0]], [0.0, 0.0], f.RELU)
    layers = hidden, dense("sum", 2, [[1.0, 0.5]], [0.0]), dense("out", 4, [[1.0]], [0.0])
    circuit = quantize_network(small(*layers), np.random.default_rng(1).integers(-9, 9, (50, 2)))
    assert [layer.output is not None and layer.output.signed for layer in circuit.layers] == [False, False, False]


def test_a_layer_that_cancels_has_words_for_no_roundings() -> None:
    """0.1 x + 0.2 x - 0.3 x is 0, or the roundings, of about 1e-17; y = that + x / 2 has words of x's size."""
    hidden = dense("a", 0, [[0.1], [0.2], [0.3]], [0.0] * 3)
    layers = hidden, dense("zero", 1, [[1.0, 1.0, -1.0]], [0.0]), dense("y", 0, [[0.5, 0.0, 0.0, 0.0, 1.0]], [100.0])
    network, x = small(*layers, inputs=1), np.arange(-8, 8)[:, None] / 8
    zero = np.concatenate(list(network.values(x)))[:, 4]
    assert 0 < np.abs(zero).max() < 1e-15
    circuit = quantize_network(network, x)
    error = circuit.heads[0].decode(evaluate(circuit, circuit.encode(x))) - (0.5 * x + 100)
    assert np.abs(error).max() <= 0.1
    assert all(layer.output is None or layer.output.frac < 20 for layer in circuit.layers)


def test_a_class_head_over_several_layers_has_scores_of_one_step() -> None:
    net = small(dense("a", 0, [[0.001, 0.0]], [0.0]), dense("b", 0, [[0.0, 7.0]], [0.0]))
    net = replace(net, outputs=(Head("class", np.array([2, 3]), "argmax"),))
    circuit = quantize_network(net, np.random.default_rng(1).integers(0, 100, (50, 2)))
    assert circuit.heads[0].scale.shape == ()
    assert circuit.layers[-1].name == "class.scores"


def test_step_functions_follow_per_channel_slopes() -> None:
    """PReLU of slopes 0.25 and -1: the words of -8 are -2 and 8."""
    leaky = dense("fc", 0, [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], f.LeakyRelu(np.array([0.25, -1.0])))
    net = small(leaky, dense("out", 2, [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]))
    circuit = quantize_network(net, np.array([[-8, -8], [7, 7]]), bias_correction=False)
    found = circuit.heads[0].decode(evaluate(circuit, np.array([[-8, -8], [4, 4]])))
    assert found.tolist() == [[-2.0, 8.0], [4.0, 4.0]]


def test_the_mean_error_of_a_channel_is_taken_from_its_bias() -> None:
    """Weights of 2 bits hold 0.4 as 0.5 only: inputs of mean 8 make an error of 0.8 on average."""
    net = small(dense("fc", 0, [[0.4, -0.5]], [0.0]), dense("out", 2, [[1.0]], [0.0]))
    x = np.random.default_rng(3).integers(0, 17, (4000, 2))
    for corrected in (False, True):
        circuit = quantize_network(net, x, weight_width=2, activation_width=12, bias_correction=corrected)
        found = circuit.heads[0].decode(evaluate(circuit, x))
        error = float((found - np.asarray(net.evaluate(x))).mean())
        assert abs(error) < 0.05 if corrected else error == pytest.approx(0.8, abs=0.05)


def test_weights_of_a_channel_have_a_step_of_their_own() -> None:
    """7 / 64 is a weight of 4 bits with step 1 / 64, and rounds to 0.125 with the step 1 / 8 of the weight 0.875."""
    net = small(dense("fc", 0, [[0.875, 0.0], [0.0, 7 / 64]], [0.0, 0.0]))
    for per_channel, expected in ((False, 0.125), (True, 7 / 64)):
        circuit = quantize_network(
            net, input_format=FixedPoint(8, 0, signed=False), weight_width=4, per_channel=per_channel, method="minmax"
        )
        layer = circuit.layers[0]
        assert (layer.weight * 2.0**-layer.frac).tolist() == [0.875, expected]


def test_quantizers_become_limits() -> None:
    """A quantizer of 2 bits is a limit from -1 to 1; one of 8 bits above 0 is a ReLU."""
    few = dense("few", 0, [[1.0, 0.0]], [0.0], f.Quantize(1.0, 0.0, -1.0, 1.0))
    many = dense("many", 0, [[1.0, 0.0]], [0.0], f.Quantize(0.1, 0.0, 0.0, 255.0))
    found = prepare(small(few, many))
    assert [layer.activation for layer in found.layers[1:]] == [(f.RELU,)]
    (clip,) = found.layers[0].activation
    assert isinstance(clip, f.Clip)
    assert (clip.lo, clip.hi) == (-1.0, 1.0)


def test_a_network_without_data_is_quantized_by_its_input_format_with_a_warning() -> None:
    net = small(dense("fc", 0, [[1.0, 1.0]], [0.0], f.Tanh()), dense("out", 2, [[1.0]], [0.0]))
    told: list[str] = []
    quantize_network(net, input_format=FixedPoint(4, 2, signed=True), warnings=told)
    assert told == ["quantize: formats by 256 random inputs of the input format; give samples or ranges"]
    told.clear()
    ranges = {"x": (-2.0, 1.75), "fc": (-1.0, 1.0), "out": (-1.0, 1.0)}
    circuit = quantize_network(net, ranges=ranges, warnings=told, method="minmax")
    assert told == []
    assert circuit.layers[0].output == FixedPoint(8, 6, signed=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "no samples and no input_format; give one of them, or the ranges of the inputs"),
        ({"ranges": {"fd": (0, 1)}}, "ranges: no layer or input 'fd'"),
        ({"weight_width": {"fd": 3}}, "weight_width: no layer 'fd'; the layers are fc"),
        ({"activation_width": [8, 8]}, "activation_width: 2 widths for 1 layers; give one for each, or one for all"),
    ],
)
def test_what_cannot_be_quantized_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(QuantizeError) as found:
        quantize_network(small(dense("fc", 0, [[1.0, 1.0]], [0.0])), **arguments)  # type: ignore[arg-type]
    assert str(found.value) == message


@pytest.mark.parametrize(
    ("widths", "bits"), [({"b": 5}, [8, 5, 8]), ({"b": 5, "others": 4}, [4, 5, 4]), ([3, 5, 4], [3, 5, 4])]
)
def test_widths_by_name_leave_8_bits_to_the_others_or_what_others_says(widths: Any, bits: list[int]) -> None:
    """Weights of 0.3 need any number of bits, and no layer's format is that of another."""
    layers = [dense(name, k, [[0.3]], [0.0]) for k, name in enumerate("abc")]
    circuit = quantize_network(small(*layers, inputs=1), np.array([[0.0], [1.0]]), weight_width=widths)
    assert [layer.weight_format and layer.weight_format.width for layer in circuit.layers] == bits


def test_equal_kernel_entries_stay_equal() -> None:
    """A kernel of two entries at three positions, one of which is cut off: channels round as one."""
    starts, source = np.array([0, 2, 4, 5]), np.array([0, 1, 1, 2, 2])
    weight, parameter = np.array([0.9, 0.05, 0.9, 0.05, 0.05]), np.array([0, 1, 0, 1, 1])
    conv = Layer("conv", starts, source, weight, np.zeros(3), parameter=parameter)
    net = small(conv, inputs=3)
    x = np.random.default_rng(0).integers(0, 9, (64, 3))
    layer = quantize_network(net, x, weight_width=4, per_channel=True).layers[0]
    words: dict[int, set[int]] = {0: set(), 1: set()}
    for source_, target, word in zip(layer.source.tolist(), layer.target.tolist(), layer.weight.tolist(), strict=True):
        words[source_ - target].add(word)
    assert len(words[0] | {0}) <= 2
    assert len(set(layer.bias.tolist())) == 1


@pytest.mark.parametrize(
    ("ends", "width", "form"),
    [
        ((0, 1), 8, "u8.8"),
        ((0, 255), 8, "u8.0"),
        ((0, 16), 5, "u5.1"),
        ((-1, 1), 8, "s8.7"),
        ((-3, 0.5), 4, "s4.1"),
        ((0, 0.2), 8, "u8.10"),
    ],
)
def test_a_stated_range_of_the_inputs_gives_their_format(ends: tuple[float, float], width: int, form: str) -> None:
    """The finest steps of a power of two that reach the range, but for the last step at the upper end."""
    layer = Layer("fc", np.arange(2), np.zeros(1, dtype=np.int64), np.ones(1), np.zeros(1))
    network = Network((Port("x", (1,)),), (layer,), (Head("y", np.array([1])),))
    spec = QuantizeSpec(input_range=ends, input_width=width)
    found = quantize_read(network, np.zeros((0, 1)), spec)
    assert str(found.circuit.input) == form
    last = (2 ** (width - (ends[0] < 0)) - 1) / 2 ** int(form.split(".")[1])
    told = f"means {last:g}, so {ends[1]:g}, the end of quantize.input_range, is read as {last:g};"
    assert any(told in note for note in found.notes) == (ends[1] > last)


@pytest.mark.parametrize(
    ("dtype", "width", "bits"), [(np.float64, 8, 12), (np.float64, 4, 4), (np.uint8, 4, 4), (np.uint8, 8, 8)]
)
def test_input_words_are_exact_unless_fewer_bits_are_asked_for(dtype: type, width: int, bits: int) -> None:
    """Sixteenths from 0 to 255 need 12 bits to be exact; bytes need 8."""
    x: Any = np.arange(0, 256, 1 if dtype is np.uint8 else 1 / 16).astype(dtype).reshape(-1, 1)
    layer = Layer("fc", np.array([0, 1]), np.array([0]), np.ones(1), np.zeros(1))
    network = Network((Port("x", (1,)),), (layer,), (Head("y", np.array([1])),))
    assert quantize_network(network, x, input_width=width).input.width == bits
