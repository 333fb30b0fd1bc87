"""Networks that arrive quantized: the circuit gives the integers of their executor, written in numpy here."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netgen.errors import QuantizeError
from netgen.ir import functions as f
from netgen.ir.activation import Rescale, Scale, Steps
from netgen.ir.circuit import Circuit, evaluate, ranges_of
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.network import Head, HeadFunction, Layer, Network, Port
from netgen.quantize import is_quantized, quantize_exactly


def rows(weight: Words) -> tuple[Words, Words, Words]:
    """Compressed rows of a matrix: starts, columns, and the place of each weight in flat order."""
    row, column = np.nonzero(weight)
    return np.searchsorted(row, np.arange(len(weight) + 1)), column, row * weight.shape[1] + column


def entry(features: int, *pipeline: f.Function) -> Layer:
    """A quantizer of each input."""
    return Layer(
        "entry",
        np.arange(features + 1),
        np.arange(features),
        np.ones(features),
        np.zeros(features),
        activation=pipeline,
    )


def dense(name: str, first: int, weight: Words, step: Reals, *pipeline: f.Function, bias: Reals | None = None) -> Layer:
    """A layer of integer weights times a step for each neuron."""
    starts, column, place = rows(weight)
    values = (weight * step[:, None]).ravel()[place]
    zero = np.zeros(len(weight)) if bias is None else bias
    return Layer(name, starts, column + first, values, zero, activation=pipeline, step=step)


def network_of(features: int, *layers: Layer, function: HeadFunction = "none") -> Network:
    """A network whose output is the last layer."""
    total = features + sum(map(len, layers))
    head = Head("y", np.arange(total - len(layers[-1]), total), function)
    return Network((Port("x", (features,)),), layers, (head,))


def decoded(circuit: Circuit, raw: npt.ArrayLike) -> Reals:
    """The numbers that the circuit's words mean."""
    return circuit.heads[0].decode(evaluate(circuit, circuit.encode(np.asarray(raw, dtype=np.float64))))


class Linear:
    """A dense layer as integer executors compute it: int32 sums, float32 multiplication, half to even, zero point."""

    def __init__(self, rng: np.random.Generator, n_in: int, n_out: int, source: float, *, scales: str) -> None:
        self.weight = rng.integers(-127, 128, (n_out, n_in))
        self.weight[rng.random((n_out, n_in)) < 0.3] = 0
        self.bias = rng.integers(-5000, 5000, n_out)
        step = rng.uniform(0.001, 0.01, n_out) if scales == "channel" else np.full(n_out, rng.uniform(0.001, 0.01))
        out = rng.uniform(0.02, 0.2)
        if scales == "power":
            step, out = np.full(n_out, 2.0**-7), 2.0**-4
        self.step, self.source, self.out = step.astype(np.float32), np.float32(source), np.float32(out)
        self.zero = int(rng.integers(0, 256))

    def words(self, centred: Words) -> Words:
        """Words minus their zero point, of words minus theirs."""
        total = (centred @ self.weight.T + self.bias).astype(np.float32)
        ratio = self.source * self.step / self.out
        limited = np.clip(np.rint(total * ratio).astype(np.int64) + self.zero, 0, 255)
        return np.asarray(limited - self.zero, dtype=np.int64)

    def layer(self, name: str, first: int) -> Layer:
        """The same as a reader gives it."""
        real = self.bias * self.step.astype(np.float64) * np.float64(self.source)
        quantizer = f.Quantize(float(self.out), 0.0, float(-self.zero), float(255 - self.zero))
        return dense(name, first, self.weight, self.step.astype(np.float64), quantizer, bias=real)


@settings(max_examples=80)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["tensor", "channel", "power"]))
def test_integer_networks_give_their_executors_words(seed: int, scales: str) -> None:
    rng = np.random.default_rng(seed)
    step, zero = np.float32(2.0**-5 if scales == "power" else rng.uniform(0.01, 0.1)), int(rng.integers(0, 256))
    first = Linear(rng, 6, 5, float(step), scales=scales)
    second = Linear(rng, 5, 3, float(first.out), scales=scales)
    quantizer = f.Quantize(float(step), 0.0, float(-zero), float(255 - zero))
    circuit = quantize_exactly(network_of(6, entry(6, quantizer), first.layer("a", 6), second.layer("b", 12)))
    raw = np.concatenate([rng.uniform(-15, 15, (50, 6)), rng.integers(-200, 200, (50, 6)) * float(step) / 2])
    raw = raw.astype(np.float32)
    entered = np.clip(np.rint(raw / step).astype(np.int64) + zero, 0, 255) - zero
    expected = second.words(first.words(entered)) * np.float64(second.out)
    assert np.array_equal(decoded(circuit, raw.astype(np.float64)), expected)
    kinds = {type(layer.activation) for layer in circuit.layers}
    # steps where float32 rounds a sum to the other side of a tie, so that no multiplication of integers follows it
    assert kinds == {Rescale} if scales == "power" else kinds <= {Scale, Steps}


def test_scales_that_are_powers_of_two_become_shifts_that_round_to_even() -> None:
    """Steps 1/4 of inputs and weights, 1/2 of results: words are sums over 8, so 4 becomes 0 and 12 becomes 2."""
    byte = f.Quantize(0.5, 0.0, -128.0, 127.0)
    net = network_of(
        1, entry(1, f.Quantize(0.25, 0.0, -128.0, 127.0)), dense("fc", 1, np.array([[1]]), np.array([0.25]), byte)
    )
    circuit = quantize_exactly(net)
    assert circuit.layers[0].activation == Rescale(3, rounding="even")
    assert evaluate(circuit, np.array([[4], [12], [-4], [-12], [20]])).ravel().tolist() == [0, 2, 0, -2, 2]


def test_words_of_many_values_and_any_scale_become_one_multiplication() -> None:
    byte = f.Quantize(0.37, 0.0, 0.0, 255.0)
    weight = np.arange(1, 9).reshape(1, 8)
    net = network_of(8, entry(8, f.Quantize(0.1, 0.0, 0.0, 255.0)), dense("fc", 8, weight, np.array([0.013]), byte))
    circuit = quantize_exactly(net)
    layer = circuit.layers[0]
    assert isinstance(layer.activation, Scale)
    every = np.arange(0, 255 * 36 + 1)
    ratio = np.float32(np.float32(0.1) * np.float32(0.013)) / np.float32(0.37)
    right = np.clip(np.rint(every.astype(np.float32) * ratio), 0, 255)
    found = np.clip((every * layer.activation.multiplier + layer.activation.offset) >> layer.activation.shift, 0, 255)
    assert np.array_equal(found, right)


def test_a_channel_without_a_multiplication_does_not_take_it_from_the_others() -> None:
    """Channel 1 rounds twice, by steps of 2.3 and of 1.1, which no line follows; the first does nothing in 0 and 2."""
    first = f.Quantize(np.array([0.111, 2.3, 0.111]), 0.0, -20000.0, 20000.0)
    byte = f.Quantize(1.1, 0.0, 0.0, 255.0)
    weight = np.array([[5, 3], [4, 1], [2, -1]])
    layers = entry(2, f.Quantize(0.37, 0.0, 0.0, 255.0)), dense("fc", 2, weight, np.full(3, 0.3), first, byte)
    last = dense("out", 4, np.array([[1, 2, 3]]), np.ones(1))
    circuit = quantize_exactly(network_of(2, *layers, last), executor="double")
    assert [layer.name for layer in circuit.layers] == ["fc", "fc.steps", "out"]
    assert [type(layer.activation) for layer in circuit.layers[:2]] == [Scale, Steps]
    x = np.random.default_rng(1).integers(0, 256, (500, 2))
    sums = x @ weight.T * 0.37 * 0.3
    steps = np.array([0.111, 2.3, 0.111])
    words = np.clip(np.rint(np.rint(sums / steps) * steps / 1.1), 0, 255)
    assert np.abs(decoded(circuit, x * 0.37) - words @ [[1.1], [2.2], [3.3]]).max() < 1e-6


def test_words_of_few_values_come_from_thresholds() -> None:
    """Sums of three bipolar inputs, times -0.5 for one neuron: BipolarQuant gives 1 from 0 on."""
    bipolar = f.MultiThreshold(np.zeros((1, 1)), 2.0, -1.0)
    scaled = f.Affine(np.array([1.0, -0.5]), np.array([0.25, 0.25]))
    weight = np.array([[1, 1, -1], [1, 1, -1]])
    net = network_of(3, entry(3, bipolar), dense("fc", 3, weight, np.ones(2), scaled, bipolar))
    circuit = quantize_exactly(net)
    assert isinstance(circuit.layers[0].activation, Steps)
    raw = np.array([[-1.0, -1, 1], [-1, -1, -1], [-1, 1, 1], [0, 0, 0], [0, 0, -0.1]])
    sums = np.where(raw >= 0, 1.0, -1.0) @ weight.T
    expected = np.where(sums * [1.0, -0.5] + 0.25 >= 0, 1.0, -1.0)
    assert np.array_equal(decoded(circuit, raw), expected)


def test_a_quantizer_of_a_range_that_no_format_has_is_exact() -> None:
    """Words from -127 to 127: a format has 128 or 256 of them, so sums above saturate in the steps."""
    narrow = f.Quantize(0.3, 0.0, -127.0, 127.0)
    weight = np.array([[77, -50]])
    net = network_of(
        2, entry(2, f.Quantize(0.25, 0.0, -128.0, 127.0)), dense("fc", 2, weight, np.array([0.02]), narrow)
    )
    x = np.random.default_rng(2).integers(-128, 128, (400, 2))
    x[:2] = [[-128, 127], [127, -128]]
    ratio = np.float32(np.float32(0.25) * np.float32(0.02)) / np.float32(0.3)
    expected = np.clip(np.rint((x @ weight.T).astype(np.float32) * ratio), -127, 127)
    circuit = quantize_exactly(net)
    assert np.abs(decoded(circuit, x * 0.25) / 0.3 - expected).max() < 1e-9


def residual(ratio: float) -> Network:
    """Quantizers of steps 0.1 and 0.1 * ratio, added, and quantized again; no sum lies at a tie."""
    a = dense("a", 2, np.array([[3, 2]]), np.array([0.07131]), f.Quantize(0.1, 0.0, 0.0, 255.0))
    b = dense("b", 2, np.array([[-1, 4]]), np.array([0.07131]), f.Quantize(0.1 * ratio, 0.0, 0.0, 255.0))
    final = f.Quantize(0.2503, 0.0, 0.0, 255.0)
    add = Layer("add", np.array([0, 2]), np.array([4, 5]), np.ones(2), np.zeros(1), activation=(final,))
    return network_of(2, entry(2, f.Quantize(0.25, 0.0, 0.0, 255.0)), a, b, add)


@pytest.mark.parametrize(("ratio", "weights"), [(1.0, [1, 1]), (1.5, [2, 3]), (0.25, [4, 1])])
def test_a_residual_add_of_words_with_commensurate_scales_is_exact(ratio: float, weights: list[int]) -> None:
    net = residual(ratio)
    circuit = quantize_exactly(net)
    assert circuit.layers[2].weight.tolist() == weights
    raw = np.random.default_rng(4).integers(0, 256, (200, 2)) * 0.25
    expected = np.asarray(net.evaluate(raw))
    assert np.abs(decoded(circuit, raw) - expected).max() < 1e-9


def test_a_residual_add_of_other_scales_is_exact_for_all_pairs_of_words() -> None:
    """Where a sum lies so close to a tie that float32 matters, either of both words is right."""
    circuit = quantize_exactly(residual(2**0.5))
    layer = circuit.layers[2]
    assert isinstance(layer.activation, Rescale)
    reach = [int(one.out_hi[0]) for one in ranges_of(circuit)]
    a, b = np.meshgrid(np.arange(reach[0] + 1), np.arange(reach[1] + 1))
    sums = a * layer.weight[0] + b * layer.weight[1] + layer.bias
    found = np.clip((sums + (1 << (layer.activation.shift - 1))) >> layer.activation.shift, 0, 255)
    real = (0.1 * a + 0.1 * 2**0.5 * b) / 0.2503
    far = np.abs(real - np.floor(real) - 0.5) > 255 * 2.0**-22
    assert far.mean() > 0.999
    assert np.array_equal(found[far], np.clip(np.rint(real), 0, 255)[far])


def test_a_sum_of_words_with_other_scales_is_refused_by_name_where_no_integers_are_known() -> None:
    with pytest.raises(QuantizeError) as found:
        quantize_exactly(residual(2**0.5), executor="double")
    assert str(found.value) == (
        "layer add: adds words whose scales are no whole multiples of one number; calibrate the network instead "
        "(quantize.requantize: shift)"
    )


def test_an_average_of_quantized_words_is_exact() -> None:
    """Nine words times 1/9 of a quantizer of the same step: the sum over 9, half to even."""
    pool = Layer(
        "pool",
        np.array([0, 9]),
        np.arange(9, 18),
        np.full(9, 1 / 9),
        np.zeros(1),
        activation=(f.Quantize(0.5, 0.0, 0.0, 255.0),),
    )
    circuit = quantize_exactly(network_of(9, entry(9, f.Quantize(0.5, 0.0, 0.0, 255.0)), pool))
    x = np.random.default_rng(1).integers(0, 256, (300, 9))
    assert np.array_equal(decoded(circuit, x * 0.5) * 2, np.rint(x.sum(axis=1, keepdims=True) / 9))


def test_classes_with_biases_of_their_own_are_ordered_as_their_scores() -> None:
    weight = np.array([[1, -2], [2, -1], [-1, 1]])
    bias = np.array([0.123, -0.2, 0.31])
    net = network_of(
        2,
        entry(2, f.Quantize(0.5, 0.0, -8.0, 7.0)),
        dense("fc", 2, weight, np.array([0.1, 0.2, 0.15]), bias=bias),
        function="argmax",
    )
    circuit = quantize_exactly(net)
    raw = np.array([[a, b] for a in range(-8, 8) for b in range(-8, 8)]) * 0.5
    scores = raw @ (weight * np.array([[0.1], [0.2], [0.15]])).T + bias
    words = evaluate(circuit, circuit.encode(raw))
    assert np.argmax(words, axis=1).tolist() == np.argmax(scores, axis=1).tolist()


def test_inputs_that_are_integers_already_need_no_quantizer() -> None:
    net = network_of(2, dense("fc", 0, np.array([[1, -3]]), np.array([0.5]), f.Quantize(1.0, 0.0, -8.0, 7.0)))
    circuit = quantize_exactly(net, input_format=FixedPoint(8, 0, signed=False))
    assert decoded(circuit, np.array([[7.0, 2.0], [255.0, 0.0], [3.0, 0.0]])).ravel().tolist() == [0.0, 7.0, 2.0]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            (dense("fc", 0, np.array([[1]]), np.ones(1), f.Quantize(1.0, 0.0, 0.0, 255.0, "down")),),
            "layer fc: inputs are not rounded half to even",
        ),
        (
            (entry(1, f.Quantize(1.0, 0.0, 0.0, 255.0)), dense("fc", 1, np.array([[1]]), np.ones(1), f.Tanh())),
            "layer fc: Tanh without a quantizer",
        ),
        ((entry(1, f.RELU),), "layer entry: reads inputs that no quantizer rounds; give input_format, or"),
    ],
)
def test_a_network_that_is_quantized_in_part_is_refused_by_name(layers: tuple[Layer, ...], message: str) -> None:
    with pytest.raises(QuantizeError) as found:
        quantize_exactly(network_of(1, *layers))
    assert str(found.value).startswith(message)
    assert str(found.value).endswith("calibrate the network instead (quantize.requantize: shift)")


def test_a_network_of_float_weights_did_not_arrive_quantized() -> None:
    assert not is_quantized(network_of(1, entry(1, f.RELU)))
    assert is_quantized(residual(1.0))


def test_sums_within_float32_of_a_tie_are_told() -> None:
    """1e-9 beside the tie at 0.5: float32 cannot tell it from a tie."""
    near = f.Affine(1.0, 0.5 + 1e-9)
    layer = dense("fc", 1, np.array([[1]]), np.ones(1), near, f.Quantize(1.0, 0.0, -8.0, 7.0))
    told: list[str] = []
    quantize_exactly(network_of(1, entry(1, f.Quantize(1.0, 0.0, -8.0, 7.0)), layer), warnings=told)
    assert len(told) == 1
    assert "layer fc" in told[0]


@pytest.mark.parametrize(("greatest", "told"), [(127, False), (32767, True)])
def test_words_of_16_bits_whose_sums_executors_round_in_float32_are_told(greatest: int, told: bool) -> None:
    """ONNX Runtime multiplies and adds words of 8 bits as integers, and wider ones in float32."""
    limits = float(-greatest - 1), float(greatest)
    weight = np.array([[127, -126, 125], [3, 77, -101]])
    layer = dense("fc", 3, weight, np.full(2, 0.0123), f.Quantize(0.0371, 0.0, *limits))
    lines: list[str] = []
    quantize_exactly(network_of(3, entry(3, f.Quantize(0.0567, 0.0, *limits)), layer), warnings=lines)
    assert [line.split(":")[1] for line in lines] == [" layer fc"] * told


@pytest.mark.parametrize(("step", "told"), [(0.25, False), (0.3, True)])
def test_a_sign_of_a_sum_that_is_0_is_told_where_its_terms_are_not_exact_in_float32(step: float, told: bool) -> None:
    """0.3 * 3 - 0.9 is -2e-8 in float32: a threshold at 0 gives another word than the sum of integers."""
    sign = f.MultiThreshold(np.zeros((1, 1)), 2.0, -1.0)
    layer = dense("fc", 2, np.array([[3, -1]]), np.full(1, step), sign)
    lines: list[str] = []
    quantize_exactly(network_of(2, entry(2, f.Quantize(step, 0.0, -8.0, 7.0)), layer), warnings=lines)
    assert [line.split(":")[1] for line in lines] == [" layer fc"] * told


def test_a_selection_of_words_of_one_scale_is_exact_whatever_the_scale_of_its_gate() -> None:
    """Inputs -8 to 7 in steps of 1, 1/2 for bypass and word, 1/4 for the gate; the expected words are numpy's."""

    def quantized(name: str, factor: float, bias: float, step: float) -> Layer:
        weight, quantizer = np.full(1, factor), f.Quantize(step, 0.0, -8.0, 7.0)
        return Layer(
            name, np.arange(2), np.array([0]), weight, np.full(1, bias), activation=(quantizer,), step=np.ones(1)
        )

    layers = quantized("bypass", -1, 0, 0.5), quantized("gate", 1, 1, 0.25), quantized("word", 2, 0, 0.5)
    top = Layer("top", np.array([0, 3]), np.array([1, 2, 3]), np.ones(3), np.zeros(1), gather="select")
    network = Network((Port("x", (1,)),), (*layers, top), (Head("y", np.array([4])),))
    x = np.arange(-8, 8)
    circuit = quantize_exactly(network, input_format=FixedPoint(4, 0, signed=True))
    expected = np.where(x + 1 > 0, np.clip(2 * x, -4, 3.5), np.clip(-x, -4, 3.5))
    assert decoded(circuit, x[:, None]).ravel().tolist() == expected.tolist()
    wrong = replace(network, layers=(quantized("bypass", -1, 0, 0.25), *layers[1:], top))
    with pytest.raises(QuantizeError, match="layer top: the inputs of its selection have different scales"):
        quantize_exactly(wrong, input_format=FixedPoint(4, 0, signed=True))
