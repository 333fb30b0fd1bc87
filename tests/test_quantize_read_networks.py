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
