from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import floor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import FUZZ_CASES

from netgen.data import load_dataset
from netgen.errors import QuantizeError
from netgen.ir.chain import weight_matrix
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.dense import DenseLayer, DenseNetwork
from netgen.ir.digits import few_digits
from netgen.ir.fixed import FixedPoint, Words
from netgen.learn.learner import Learner
from netgen.quantize import Formats, QuantizedMlp, calibrate, formats_of, predict_words, quantize
from netgen.spec.sections import DataSpec
from netgen.spec.spec import parse_spec
from netgen.train import Recipe, dense_network_of, fit


@st.composite
def networks(draw: st.DrawFn) -> tuple[DenseNetwork, Formats, Words]:
    """A random sparse network, formats for it, and input words: depth 1 to 4, width 1 to 12, 1 to 10 bits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 12), min_size=2, max_size=5))
    layers, weights, activations = [], [], []
    for depth, (n_in, n_out) in enumerate(pairwise(sizes)):
        last = depth == len(sizes) - 2
        relu = not last and draw(st.booleans())
        mask = rng.random((n_out, n_in)) < draw(st.sampled_from([0.0, 0.3, 1.0, 1.0]))
        weight, bias = rng.normal(size=(n_out, n_in)), rng.normal(size=n_out)
        layers.append(DenseLayer(weight, bias, mask, "relu" if relu else "identity"))
        weights.append(FixedPoint(draw(st.integers(1, 10)), draw(st.integers(-2, 10)), signed=True))
        if not last:
            activations.append(FixedPoint(draw(st.integers(1, 10)), draw(st.integers(-2, 10)), signed=not relu))
    form = FixedPoint(draw(st.integers(1, 10)), draw(st.integers(-2, 10)), signed=draw(st.booleans()))
    words = rng.integers(form.lo, form.hi, size=(8, sizes[0]), endpoint=True)
    return DenseNetwork(tuple(layers)), Formats(form, tuple(weights), tuple(activations)), words


@settings(max_examples=FUZZ_CASES)
@given(networks())
def test_fuzz_quantized_pytorch_equals_the_circuit_bit_for_bit(case: tuple[DenseNetwork, Formats, Words]) -> None:
    network, formats, words = case
    circuit = quantize(network, formats, np.ones(network.sizes[0]))
    assert np.array_equal(predict_words(QuantizedMlp(network, formats), words), evaluate(circuit, words))


def _by_fractions(network: DenseNetwork, formats: Formats, words: Words) -> list[list[int]]:
    """The definition of a circuit in exact rational numbers, one neuron at a time."""

    def rounded(value: Fraction, form: FixedPoint) -> Fraction:
        word = floor(value * Fraction(2) ** form.frac + Fraction(1, 2))
        return Fraction(min(max(word, form.lo), form.hi)) / Fraction(2) ** form.frac

    results = []
    for row in words.tolist():
        x = [Fraction(word) / Fraction(2) ** formats.input.frac for word in row]
        frac = formats.input.frac
        for depth, layer in enumerate(network.layers):
            form = formats.weights[depth]
            frac += form.frac
            y = []
            for weights, bias, mask in zip(layer.weight.tolist(), layer.bias.tolist(), layer.mask, strict=True):
                total = Fraction(floor(Fraction(bias) * Fraction(2) ** frac + Fraction(1, 2))) / Fraction(2) ** frac
                for weight, value, on in zip(weights, x, mask, strict=True):
                    total += rounded(Fraction(weight), form) * value if on else 0
                y.append(max(total, Fraction(0)) if layer.activation == "relu" else total)
            if depth < len(formats.activations):
                y = [rounded(value, formats.activations[depth]) for value in y]
                frac = formats.activations[depth].frac
            x = y
        results.append([int(value * Fraction(2) ** frac) for value in x])
    return results


@settings(max_examples=60)
@given(networks())
def test_the_circuit_equals_the_definition_in_rational_numbers(case: tuple[DenseNetwork, Formats, Words]) -> None:
    network, formats, words = case
    circuit = quantize(network, formats, np.ones(network.sizes[0]))
    assert evaluate(circuit, words[:3]).tolist() == _by_fractions(network, formats, words[:3])


def _one_neuron(weight: float, bias: float) -> DenseNetwork:
    return DenseNetwork((DenseLayer(np.array([[weight]]), np.array([bias]), np.array([[True]]), "identity"),))


def test_weights_round_to_nearest_with_ties_up_and_saturate() -> None:
    """In s4.2, steps of 1/4 from -2 to 1.75: 0.375 lies between 1/4 and 2/4 and goes up; 9 saturates at 7."""
    formats = Formats(FixedPoint(4, 0, signed=False), (FixedPoint(4, 2, signed=True),), ())
    for weight, word in ((0.375, 2), (-0.375, -1), (9.0, 7), (-9.0, -8), (0.1, 0)):
        circuit = quantize(_one_neuron(weight, 0.0), formats, np.ones(1))
        assert weight_matrix(circuit, 0).tolist() == [[word]]


def test_parameters_round_from_double_precision_even_where_single_computes() -> None:
    """0.5 - 2**-30 is below one half, so it rounds to 0 steps of 1; in single precision it would be one half."""
    formats = Formats(FixedPoint(4, 0, signed=False), (FixedPoint(4, 0, signed=True),), ())
    network = _one_neuron(0.5 - 2**-30, 2.5 - 2**-30)
    module = QuantizedMlp(network, formats)
    assert module.dtype == torch.float32
    assert predict_words(module, np.array([[3]])).tolist() == [[2]]


def test_a_bias_of_too_many_steps_is_refused() -> None:
    formats = Formats(FixedPoint(4, 40, signed=False), (FixedPoint(4, 20, signed=True),), ())
    with pytest.raises(QuantizeError, match=r"layer 1: a bias of 3\.45876e\+18 steps; narrow its formats"):
        quantize(_one_neuron(1.0, 3.0), formats, np.ones(1))


def test_the_formats_of_a_circuit_are_those_it_was_quantized_with() -> None:
    formats = Formats(
        FixedPoint(4, 1, signed=False),
        (FixedPoint(3, 2, signed=True), FixedPoint(5, 2, signed=True)),
        (FixedPoint(6, 3, signed=False),),
    )
    layer = DenseLayer(np.eye(2), np.zeros(2), np.ones((2, 2), dtype=bool), "relu")
    last = DenseLayer(np.eye(2), np.zeros(2), np.ones((2, 2), dtype=bool), "identity")
    circuit: Circuit = quantize(DenseNetwork((layer, last)), formats, np.ones(2))
    assert formats_of(circuit) == formats


def test_calibration_fits_the_range_and_clips_an_outlier_when_that_costs_less() -> None:
    """Uniform weights below 1 use all bits after the sign; one outlier of 1.01 among 10,000 is clipped."""
    weight = np.linspace(-0.99, 0.99, 10_000).reshape(1, -1)
    weight[0, 0] = 1.01
    network = DenseNetwork((DenseLayer(weight, np.zeros(1), np.ones_like(weight, dtype=bool), "identity"),))
    form = FixedPoint(8, 8, signed=False)
    formats = calibrate(network, np.zeros((4, 10_000)), input_format=form, weight_widths=[6], activation_widths=[])
    assert formats.weights == (FixedPoint(6, 5, signed=True),)


def test_calibration_clips_a_large_weight_that_hardly_matters() -> None:
    """A weight of 50 among 1,000 uniform ones below 1, steps a power of two of 6 bits.

    In plain squares steps of 2 are best: the small ones round to 0 and cost 1,000 / 3, where steps of 1 clip 50 to 31
    and cost 19^2 + 1,000 / 12. Where the large one counts a millionth, it costs 49^2 of these beside 1,000 / 3 / 64^2.
    """
    weight = np.append(np.linspace(-0.96, 0.96, 1_000), 50.0).reshape(1, -1)
    network = DenseNetwork((DenseLayer(weight, np.zeros(1), np.ones_like(weight, dtype=bool), "identity"),))
    curvature = np.append(np.ones(1_000), 1e-6).reshape(1, -1)
    found = [
        calibrate(
            network,
            np.zeros((4, 1_001)),
            input_format=FixedPoint(8, 8, signed=False),
            weight_widths=[6],
            activation_widths=[],
            curvature=given,
        ).weights
        for given in ((), (curvature,))
    ]
    assert found == [(FixedPoint(6, -1, signed=True),), (FixedPoint(6, 5, signed=True),)]


def test_large_weights_of_inputs_that_are_always_zero_do_not_change_the_formats() -> None:
    """Sixteen hidden neurons on the digits; the weights of the three pixels that are always 0 are set to 50."""
    data = load_dataset(DataSpec(), seed=1)
    learner = Learner(parse_spec("network: {hidden: [16]}\ntrain: {epochs: 25}\nquantize: {epochs: 0}\n"), data)
    plain = dense_network_of(learner.dense()[0])
    weight = plain.layers[0].weight.copy()
    weight[:, ~data.train.features.any(axis=0)] = 50.0
    large = DenseNetwork((replace(plain.layers[0], weight=weight), *plain.layers[1:]))
    right = [learner.accuracy(learner.quantized(one)[1], data.validation) for one in (plain, large)]
    assert right[0] == right[1] > 0.85


def test_fine_tuning_under_quantization_regains_accuracy() -> None:
    data = load_dataset(DataSpec(), seed=1)
    rng = np.random.default_rng(0)
    recipe = Recipe(batch_size=32, learning_rate=0.005, weight_decay=0.0, label_smoothing=0.0)
    layers = []
    for n_in, n_out, activation in ((64, 16, "relu"), (16, 10, "identity")):
        weight = rng.normal(size=(n_out, n_in)) / np.sqrt(n_in)
        layers.append(DenseLayer(weight, np.zeros(n_out), np.ones((n_out, n_in), dtype=bool), activation))  # type: ignore[arg-type]
    network = DenseNetwork(tuple(layers))
    form = data.input_format(5)
    formats = calibrate(
        network,
        data.train.features.astype(np.float64),
        input_format=form,
        weight_widths=[3, 3],
        activation_widths=[3],
    )
    module = QuantizedMlp(network, formats)
    assert fit(module, data.rounded_to(form), recipe, epochs=15, seed=1) > 0.85
    words = form.encode(data.test.features)
    circuit = quantize(module.network(), formats, data.scale)
    assert np.array_equal(predict_words(QuantizedMlp(module.network(), formats), words), evaluate(circuit, words))


def test_gradients_pass_straight_through_except_where_a_weight_saturates() -> None:
    formats = Formats(FixedPoint(4, 0, signed=False), (FixedPoint(4, 2, signed=True),), ())
    layer = DenseLayer(np.array([[0.3, 5.0]]), np.zeros(1), np.ones((1, 2), dtype=bool), "identity")
    module = QuantizedMlp(DenseNetwork((layer,)), formats)
    module(torch.tensor([[2.0, 3.0]])).sum().backward()
    gradient = module.weights[0].grad
    assert gradient is not None
    assert gradient.tolist() == [2.0, 0.0]


def test_wide_formats_fall_back_to_double_precision() -> None:
    layer = DenseLayer(np.ones((1, 12)), np.zeros(1), np.ones((1, 12), dtype=bool), "identity")
    narrow = Formats(FixedPoint(8, 8, signed=False), (FixedPoint(6, 5, signed=True),), ())
    wide = Formats(FixedPoint(16, 8, signed=False), (FixedPoint(16, 5, signed=True),), ())
    assert QuantizedMlp(DenseNetwork((layer,)), narrow).dtype == torch.float32
    assert QuantizedMlp(DenseNetwork((layer,)), wide).dtype == torch.float64


def test_few_digits_are_the_nearest_words_that_have_no_more() -> None:
    """Of s4: one digit makes powers of two, where 3 lies as near to 2 as to 4, and 5 to 4; two lack only 11 and 13."""
    form = FixedPoint(4, 0, signed=True)
    assert few_digits(form, 1).tolist() == [-8, -8, -4, -4, -4, -2, -2, -1, 0, 1, 2, 2, 4, 4, 4, 4]
    assert few_digits(form, 2).tolist() == list(range(-8, 8))
    assert few_digits(FixedPoint(2, 0, signed=True), 1).tolist() == [-2, -1, 0, 1]


def test_weights_of_few_digits_are_those_that_the_forward_pass_computes_with() -> None:
    """7 of s4.0 becomes 8 - saturated to 4 - with one digit, and stays 7 = 8 - 1 with two."""
    formats = Formats(FixedPoint(4, 0, signed=False), (FixedPoint(4, 0, signed=True),), ())
    for digits, word in ((1, 4), (2, 7)):
        module = QuantizedMlp(_one_neuron(7.0, 0.0), formats, [digits])
        assert predict_words(module, np.array([[3]])).tolist() == [[3 * word]]
        circuit = quantize(module.network(), formats, np.ones(1))
        assert weight_matrix(circuit, 0).tolist() == [[word]]


def test_the_first_layer_reads_the_bits_of_thresholds() -> None:
    """Word 5 reaches 2 and 4, not 6: 1/2 + 1/2 times weight 1 is 2 half steps; the circuit computes the same."""
    entry = FixedPoint(3, 3, signed=False)
    formats = Formats(entry, (FixedPoint(4, 0, signed=True),), (), thresholds=(2, 4, 6))
    network = DenseNetwork((DenseLayer(np.ones((1, 3)), np.zeros(1), np.ones((1, 3), dtype=bool), "identity"),))
    circuit = quantize(network, formats, np.ones(1))
    words = np.arange(8)[:, None]
    expected = [[0], [0], [1], [1], [2], [2], [3], [3]]
    assert evaluate(circuit, words).tolist() == expected
    assert predict_words(QuantizedMlp(network, formats_of(circuit)), words).tolist() == expected
