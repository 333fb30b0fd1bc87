"""Channels scaled by powers of two: the network stays the same, bit for bit, and rounding costs less."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_strategies import networks, samples_of

from netgen.errors import QuantizeError
from netgen.ir import functions as f
from netgen.ir.fixed import Reals
from netgen.ir.network import Head, Layer, Network, Port
from netgen.quantize import quantize_network
from netgen.quantize.equalize import equalized
from netgen.quantize.prepare import prepare
from netgen.report import fidelity

SCALING = ("identity", "relu", "leaky", "tanh")


def heads_of(network: Network, samples: tuple[Reals, ...]) -> list[npt.NDArray[np.generic]]:
    found = network.evaluate(samples)
    return list(found) if isinstance(found, tuple) else [found]


@settings(max_examples=150)
@given(networks(functions=SCALING), st.integers(0, 2**32 - 1))
def test_an_equalized_network_computes_the_same_bit_for_bit(network: Network, seed: int) -> None:
    """Whatever the mean squares are said to be."""
    rng = np.random.default_rng(seed)
    network, samples = prepare(network), samples_of(network, 20, rng)
    scaled = equalized(network, rng.lognormal(0, 5, network.neurons))
    for one, other in zip(heads_of(network, samples), heads_of(scaled, samples), strict=True):
        assert np.array_equal(one, other)


def two_channels(*hidden: f.Function, weight: float = 1.0) -> Network:
    """y = f(x0) + weight f(16 x1)."""
    first = Layer("hidden", np.arange(3), np.arange(2), np.array([1.0, 16.0]), np.zeros(2), activation=hidden)
    out = Layer("out", np.array([0, 2]), np.array([2, 3]), np.array([1.0, weight]), np.zeros(1))
    return Network((Port("x", (2,)),), (first, out), (Head("y", np.array([4])),))


def test_the_scale_is_the_fourth_root_of_squared_weights_over_squared_values() -> None:
    """Channel 1 has values 16 times as large, and weights 1/16: their fourth root is 1/16, around the median 1/4."""
    scaled = equalized(two_channels(f.RELU, weight=1 / 16), np.array([1.0, 1.0, 1.0, 256.0, 1.0]))
    hidden, out = scaled.layers
    assert hidden.weight.tolist() == [4.0, 4.0]
    assert out.weight.tolist() == [0.25, 0.25]


def test_neurons_whose_function_does_more_than_scale_stay_as_they_are() -> None:
    network = two_channels(f.Tanh(), weight=1 / 16)
    scaled = equalized(network, np.array([1.0, 1.0, 1.0, 256.0, 1.0]))
    assert [layer.weight.tolist() for layer in scaled.layers] == [layer.weight.tolist() for layer in network.layers]


def test_a_channel_of_shared_weights_is_scaled_as_one_also_through_a_maximum() -> None:
    """Two channels of a kernel of one entry at two positions, a maximum of each, and weights that read the maxima."""
    parameter = np.array([0, 0, 1, 1])
    conv = Layer("conv", np.arange(5), np.array([0, 1, 0, 1]), np.array([1.0, 1.0, 16.0, 16.0]), np.zeros(4),
                 activation=(f.RELU,), parameter=parameter)  # fmt: skip
    pool = Layer("pool", np.array([0, 2, 4]), np.array([2, 3, 4, 5]), np.ones(4), np.zeros(2), gather="max")
    out = Layer("out", np.array([0, 2]), np.array([6, 7]), np.array([1.0, 1 / 16]), np.zeros(1))
    network = Network((Port("x", (2,)),), (conv, pool, out), (Head("y", np.array([8])),))
    scaled = equalized(network, np.array([1.0, 1.0, 1.0, 1.0, 256.0, 256.0, 1.0, 256.0, 1.0]))
    assert scaled.layers[0].weight.tolist() == [4.0, 4.0, 4.0, 4.0]
    assert scaled.layers[1].weight.tolist() == [1.0] * 4
    assert scaled.layers[2].weight.tolist() == [0.25, 0.25]


def test_equalized_channels_of_very_different_range_lose_less() -> None:
    """Values up to 1 beside values up to 16, of the same weight in the output: the former gain bits."""
    x = np.random.default_rng(0).uniform(0, 1, (500, 2))
    network = two_channels(f.RELU, weight=1 / 16)
    ratios = []
    for equalize in (False, True):
        circuit = quantize_network(network, x, input_width=16, activation_width=4, equalize=equalize)
        (head,) = fidelity(network, circuit, x)
        assert head.snr is not None
        ratios.append(head.snr)
    assert ratios[1] > ratios[0] + 10


def test_ranges_that_are_stated_for_layers_cannot_be_equalized() -> None:
    with pytest.raises(QuantizeError, match=r"^ranges: equalize changes the values of layer 'hidden'; give samples"):
        quantize_network(two_channels(), ranges={"x": (0, 1), "hidden": (0, 1)}, equalize=True)
