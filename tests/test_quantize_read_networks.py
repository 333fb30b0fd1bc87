"""Which way a network that was read is quantized."""

import numpy as np
import pytest

from netgen.errors import QuantizeError
from netgen.ir import functions as f
from netgen.ir.circuit import evaluate
from netgen.ir.network import Head, Layer, Network, Port
from netgen.quantize import quantize_read
from netgen.spec.sections import QuantizeSpec


def quantized(*, second: f.Composition) -> Network:
    """One input, a quantizer of steps 1/2, and a weight 3 * 0.31 before another function."""
    entry = Layer(
        "entry", np.arange(2), np.array([0]), np.ones(1), np.zeros(1), activation=(f.Quantize(0.5, 0, -8, 7),)
    )
    fc = Layer(
        "fc", np.arange(2), np.array([1]), np.array([0.93]), np.zeros(1), activation=second, step=np.array([0.31])
    )
    return Network((Port("x", (1,)),), (entry, fc), (Head("y", np.array([2])),))


def test_what_arrives_quantized_keeps_its_integers_or_is_calibrated_where_asked() -> None:
    network = quantized(second=(f.Quantize(0.7, 0.0, -8.0, 7.0),))
    samples = np.linspace(-4, 3.5, 40)[:, None]
    exact = quantize_read(network, samples, QuantizeSpec())
    found = exact.circuit.heads[0].decode(evaluate(exact.circuit, exact.circuit.encode(samples)))
    assert np.abs(found - np.asarray(network.evaluate(samples))).max() < 1e-12
    assert exact.notes == ()
    shifted = quantize_read(network, samples, QuantizeSpec(requantize="shift"))
    assert shifted.notes == (
        "quantize: the network arrived quantized; requantize: shift made steps of powers of two, the circuit is "
        "another function; requantize: exact keeps the network's",
    )
    assert shifted.circuit.input_rounding is None


def test_a_network_that_is_quantized_in_part_is_refused_unless_it_is_calibrated() -> None:
    network = quantized(second=(f.Tanh(),))
    with pytest.raises(QuantizeError, match="layer fc: Tanh without a quantizer; calibrate the network instead"):
        quantize_read(network, np.zeros((1, 1)), QuantizeSpec())
    assert quantize_read(network, np.zeros((1, 1)), QuantizeSpec(requantize="shift")).notes


def test_features_that_are_small_beside_the_largest_are_told() -> None:
    """At 8 bits and up to 200 a step is 1; 0.01 k varies by 0.99 steps for k from 0 to 99, and 2 k + 1/3 by 198."""
    k = np.arange(100)
    samples = np.stack([2 * k + 1 / 3, 0.01 * k], axis=1)
    sums = Layer("fc", np.array([0, 2]), np.array([0, 1]), np.array([0.01, 1.0]), np.zeros(1))
    network = Network((Port("x", (2,)),), (sums,), (Head("y", np.array([2])),))
    (line,) = quantize_read(network, samples, QuantizeSpec()).notes
    assert line == (
        "data: 1 of 2 features vary by less than 2 steps of the 8-bit input word in 9 of 10 samples (numbers 1, from "
        "0), so the hardware hardly sees them; give them standardized, (x - mean) / std, instead of network.mean and "
        "std, or raise quantize.input_width (8)"
    )
    assert quantize_read(network, samples / samples.std(axis=0), QuantizeSpec()).notes == ()
    assert quantize_read(network, samples, QuantizeSpec(input_width=14)).notes == ()


def test_samples_beyond_the_stated_range_of_the_inputs_count_as_its_end() -> None:
    """One sample of 100 among values up to 1 would make the words of a layer 128 times as coarse."""
    sums = Layer("fc", np.arange(2), np.array([0]), np.array([0.7]), np.zeros(1), activation=(f.RELU,))
    out = Layer("out", np.arange(2), np.array([1]), np.ones(1), np.zeros(1))
    network = Network((Port("x", (1,)),), (sums, out), (Head("y", np.array([2])),))
    samples = np.linspace(0, 1, 30)[:, None]
    spec = QuantizeSpec(input_range=(0, 1), formats="minmax", weight_width=8, activation_width=8)
    circuit = quantize_read(network, np.concatenate([samples, [[100.0]]]), spec).circuit
    assert str(circuit.layers[0].output) == "u8.8"
    found = circuit.heads[0].decode(evaluate(circuit, circuit.encode(samples)))
    assert np.abs(found - 0.7 * samples).max() < 2 / 256
