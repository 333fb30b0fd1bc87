"""A network that is rounded part by part: float at first, the circuit at last, and by hand in between."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from network_strategies import SMOOTH, networks, samples_of

from netgen.ir import functions as f
from netgen.ir.circuit import evaluate
from netgen.ir.fixed import Reals
from netgen.ir.network import Head, Layer, Network, Port
from netgen.quantize import quantize_read
from netgen.quantize.partly_rounded import Part, partly_rounded
from netgen.quantize.read_networks import round_read
from netgen.spec.sections import QuantizeSpec


@settings(max_examples=60)
@given(networks(functions=SMOOTH), st.integers(0, 2**32 - 1))
def test_with_nothing_rounded_it_is_the_network_and_with_all_parts_the_circuit(network: Network, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spec = QuantizeSpec(weight_width=5, activation_width=5)
    calibration, raw = (network.flat(samples_of(network, count, rng)) for count in (40, 6))
    steps = list(partly_rounded(round_read(network, calibration, spec), raw))
    columns = np.concatenate([head.neuron.ravel() for head in network.outputs])
    ports = tuple(np.split(raw, np.cumsum([port.size for port in network.inputs])[:-1], axis=1))
    right = np.concatenate([values[:, columns] for values in network.values(ports)])
    assert steps[0][0] is None
    assert np.allclose(steps[0][1], right, rtol=1e-12, atol=1e-12)
    circuit = quantize_read(network, calibration, spec).circuit
    scores = evaluate(circuit, circuit.encode(raw))
    ends = np.cumsum([head.neuron.size for head in circuit.heads])[:-1]
    words = np.split(scores, ends, axis=1)
    found = [head.decode(own).reshape(len(raw), -1) for head, own in zip(circuit.heads, words, strict=True)]
    assert np.array_equal(steps[-1][1], np.concatenate(found, axis=1))


def two_layers() -> Network:
    """y = 0.5 relu(0.7 x)."""
    one: Reals = np.array([0.7])
    hidden = Layer("hidden", np.arange(2), np.array([0]), one, np.zeros(1), activation=(f.RELU,))
    out = Layer("out", np.arange(2), np.array([1]), np.array([0.5]), np.zeros(1))
    return Network((Port("x", (1,)),), (hidden, out), (Head("y", np.array([2])),))


def test_each_part_is_rounded_after_the_one_before_it() -> None:
    """Inputs of 3 bits are thirds rounded to quarters; 0.7 is a weight 3/4 of 3 bits; words of 2 bits reach 3/4.

    x = 1/3: 0.5 * 0.7 / 3; then 1/4 for x; then 3/4 for 0.7; then 3/16 becomes 1/4. The weight 0.5 is exact.
    """
    calibration = np.array([[0.0], [1 / 3], [1.0]])
    spec = QuantizeSpec(input_width=3, weight_width=3, activation_width=2, bias_correction=False, formats="minmax")
    steps = list(partly_rounded(round_read(two_layers(), calibration, spec), calibration[1:2]))
    assert [part for part, _ in steps] == [
        None,
        Part("inputs"),
        Part("weights", "hidden"),
        Part("activations", "hidden"),
    ]
    found = [float(values[0, 0]) for _, values in steps]
    assert np.allclose(found, [0.35 / 3, 0.35 / 4, 3 / 32, 1 / 8], rtol=1e-15)
