"""The float network: layers of compressed rows, and what each activation function computes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from netgen.errors import WeightsError
from netgen.ir import functions as f
from netgen.ir.dense import DenseLayer, DenseNetwork, network_of
from netgen.ir.fixed import Reals
from netgen.ir.network import Head, Layer, Network, Port

X = np.linspace(-9, 9, 1001).reshape(-1, 1)


@pytest.mark.parametrize(
    ("function", "module"),
    [
        (f.RELU, nn.ReLU()),
        (f.Clip(0.0, 6.0), nn.ReLU6()),
        (f.Clip(-1.0, 1.0), nn.Hardtanh()),
        (f.LeakyRelu(0.2), nn.LeakyReLU(0.2)),
        (f.Elu(0.7), nn.ELU(0.7)),
        (f.Elu(1.6732632423543772, 1.0507009873554805), nn.SELU()),
        (f.Gelu(), nn.GELU()),
        (f.Gelu(tanh=True), nn.GELU("tanh")),
        (f.Silu(), nn.SiLU()),
        (f.HardSigmoid(), nn.Hardsigmoid()),
        (f.HardSwish(), nn.Hardswish()),
        (f.Sigmoid(), nn.Sigmoid()),
        (f.Tanh(), nn.Tanh()),
        (f.Softplus(2.0, 5.0), nn.Softplus(2.0, 5.0)),
        (f.Product((), (f.Sigmoid(),)), nn.SiLU()),
    ],
)
def test_a_function_is_that_of_pytorch(function: f.Function, module: nn.Module) -> None:
    expected = module(torch.from_numpy(X.copy())).numpy()
    np.testing.assert_allclose(f.apply(function, X), expected, rtol=1e-14, atol=1e-14)


def test_quantize_rounds_halves_as_it_says() -> None:
    halves = np.array([[-1.5, -0.5, 0.5, 1.5, 2.5]])
    for rounding, expected in {
        "half_even": [-2, 0, 0, 2, 2],
        "half_up": [-1, 0, 1, 2, 3],
        "half_away": [-2, -1, 1, 2, 3],
        "down": [-2, -1, 0, 1, 2],
        "up": [-1, 0, 1, 2, 3],
        "zero": [-1, 0, 0, 1, 2],
    }.items():
        function = f.Quantize(1.0, 0.0, -8.0, 7.0, rounding)  # type: ignore[arg-type]
        assert f.apply(function, halves).tolist() == [expected], rounding


def test_a_threshold_is_reached_by_an_equal_value() -> None:
    """Row 0 has thresholds 0 and 2, row 1 has 1 and 1: values count those that are at most as large."""
    function = f.MultiThreshold(np.array([[0.0, 2.0], [1.0, 1.0]]), 2.0, -1.0)
    assert f.apply(function, np.array([[0.0, 1.0], [-0.1, 0.9], [2.0, 5.0]])).tolist() == [[1, 3], [-1, -1], [3, 3]]


def a_residual() -> Network:
    """y = relu(2 a - b + 1) + a, maximum of y and b; worked by hand below."""
    hidden = Layer(
        "fc", np.array([0, 2]), np.array([0, 1]), np.array([2.0, -1.0]), np.array([1.0]), activation=(f.RELU,)
    )
    add = Layer("add", np.array([0, 2]), np.array([0, 2]), np.ones(2), np.zeros(1))
    top = Layer("top", np.array([0, 2]), np.array([1, 3]), np.ones(2), np.zeros(1), gather="max")
    return Network((Port("x", (2,)),), (hidden, add, top), (Head("y", np.array([3])), Head("top", np.array([4]))))


def test_layers_read_any_earlier_neuron() -> None:
    y, top = a_residual().evaluate(np.array([[1.0, 5.0], [2.0, 1.0]]))
    assert y.tolist() == [[1.0], [6.0]]
    assert top.tolist() == [[5.0], [6.0]]


def test_a_gate_selects_word_or_bypass() -> None:
    """Neurons (a, g, w): w where g > 0, else a; and without a bypass w or 0; for g of 1, 0 and -1."""
    rows = np.array([0, 3, 5]), np.array([0, 1, 2, 1, 2])
    layer = Layer("top", *rows, np.ones(5), np.zeros(2), gather="select")
    network = Network((Port("x", (3,)),), (layer,), (Head("y", np.array([3, 4])),))
    found = network.evaluate(np.array([[5.0, 1.0, 7.0], [5.0, 0.0, 7.0], [5.0, -1.0, 7.0]]))
    assert np.array_equal(found, [[7.0, 7.0], [5.0, 0.0], [5.0, 0.0]])
    with pytest.raises(WeightsError, match=r"^layer top: the sources of a selection must rise: bypass, gate, word$"):
        replace(layer, source=np.array([0, 2, 1, 1, 2]))


def test_a_layer_cannot_read_itself() -> None:
    own = Layer("fc", np.array([0, 1]), np.array([2]), np.ones(1), np.zeros(1))
    with pytest.raises(WeightsError, match="layer fc: reads a neuron that is not before it"):
        Network((Port("x", (2,)),), (own,), (Head("y", np.array([2])),))


@pytest.mark.parametrize("numbers", [[0, 1, 1], [10**12, -7, -7]])
def test_wires_of_one_parameter_have_one_weight(numbers: list[int]) -> None:
    wires = np.array([0, 2, 3]), np.array([0, 1, 1])
    Layer("fc", *wires, np.array([3, 0.5, 0.5]), np.zeros(2), parameter=np.array(numbers))
    with pytest.raises(WeightsError) as told:
        Layer("fc", *wires, np.array([3, 0.5, 0.25]), np.zeros(2), parameter=np.array(numbers))
    assert str(told.value) == (
        f"layer fc: weights 0.5 and 0.25 of parameter {numbers[1]}; wires that share a parameter have one weight"
    )


def test_a_perceptron_is_the_same_function_as_a_network() -> None:
    rng = np.random.default_rng(1)
    weights: list[Reals] = [rng.normal(size=(4, 3)), rng.normal(size=(2, 4))]
    masks = [rng.random(w.shape) < 0.6 for w in weights]
    bias = [rng.normal(size=4), rng.normal(size=2)]
    dense = DenseNetwork(
        (DenseLayer(weights[0], bias[0], masks[0], "relu"), DenseLayer(weights[1], bias[1], masks[1], "identity"))
    )
    x = rng.normal(size=(5, 3))
    hidden = np.maximum(x @ (weights[0] * masks[0]).T + bias[0], 0)
    expected = hidden @ (weights[1] * masks[1]).T + bias[1]
    np.testing.assert_allclose(np.asarray(network_of(dense).evaluate(x)), expected, rtol=1e-13)
    assert network_of(dense).wires == sum(int(mask.sum()) for mask in masks)
