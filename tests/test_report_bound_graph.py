"""The bound of the error of graph networks: above every measured error, and worked by hand."""

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from network_strategies import SMOOTH, networks, samples_of

from netgen.ir import functions as f
from netgen.ir.circuit import evaluate
from netgen.ir.fixed import FixedPoint
from netgen.ir.network import Head, Layer, Network, Port
from netgen.quantize import quantize_network
from netgen.quantize.prepare import prepare
from netgen.report.bound_graph import graph_error_bound


@settings(max_examples=100)
@given(networks(functions=SMOOTH), st.integers(0, 2**32 - 1), st.sampled_from([4, 8, 18]))
def test_no_error_exceeds_the_bound(network: Network, seed: int, width: int) -> None:
    """Inputs lie between -4 and 4 and do not saturate in s8.4; half of them are no multiples of its step."""
    rng = np.random.default_rng(seed)
    form = FixedPoint(8, 4, signed=True)
    circuit = quantize_network(
        network, samples_of(network, 40, rng), input_format=form, weight_width=width, activation_width=width
    )
    bound = graph_error_bound(prepare(network), circuit)
    assume(bound is not None)
    assert bound is not None
    samples = tuple(np.clip(one + rng.uniform(0, 1 / 16, one.shape), -4, 4) for one in samples_of(network, 300, rng))
    words = evaluate(circuit, circuit.encode(network.flat(samples)))
    ends = np.cumsum([head.neuron.size for head in circuit.heads])[:-1]
    parts = np.split(words, ends, axis=1)
    for head, source, found, limit in zip(circuit.heads, network.outputs, parts, bound, strict=True):
        right = np.concatenate([values[:, source.neuron] for values in network.values(samples)])
        assert np.isfinite(limit).all()
        assert (np.abs(head.decode(found) - right).max(axis=0) <= limit + 1e-9).all()


def one_layer(*pipeline: f.Function, weight: float = 0.75) -> Network:
    """y = f(0.75 x)."""
    layer = Layer("fc", np.arange(2), np.array([0]), np.array([weight]), np.zeros(1), activation=pipeline)
    return Network((Port("x", (1,)),), (layer,), (Head("y", np.array([1])),))


def test_the_bound_of_one_layer_is_that_of_its_input() -> None:
    """The weight is exact, so half a step of the input, 1/4, becomes 3/16."""
    circuit = quantize_network(one_layer(), input_format=FixedPoint(4, 1, signed=True), weight_width=8)
    bound = graph_error_bound(one_layer(), circuit)
    assert bound is not None
    assert bound[0].tolist() == [3 / 16]


def test_functions_that_jump_have_no_bound_but_the_range_of_their_words() -> None:
    """Sign gives -1 to 1, and words of 2 bits -2 to 1: no error exceeds 3."""
    circuit = quantize_network(one_layer(f.Sign()), input_format=FixedPoint(4, 1, signed=True))
    bound = graph_error_bound(one_layer(f.Sign()), circuit)
    assert bound is not None
    assert bound[0].tolist() == [3.0]


def test_a_scale_after_limits_counts_as_the_weight_that_it_becomes() -> None:
    """1.03 clip(x, -1, 1) becomes clip(1.03 x), and 1.03 is rounded to 1, so the error at 1 exceeds 0.03."""
    network = one_layer(f.Clip(-1.0, 1.0), f.Affine(1.03), weight=1.0)
    form = FixedPoint(8, 6, signed=True)
    circuit = quantize_network(network, input_format=form, weight_width=4, activation_width=12)
    assert graph_error_bound(network, circuit) is None
    bound = graph_error_bound(prepare(network), circuit)
    assert bound is not None
    x = np.linspace(-1, 1, 999)[:, None]
    error = np.abs(circuit.heads[0].decode(evaluate(circuit, circuit.encode(x))) - network.head_values(x)).max()
    assert 0.03 < error <= bound[0][0] < 0.08


def test_a_gate_that_may_flip_adds_the_distance_of_word_and_bypass() -> None:
    """x, the gate, is within 1/4 of its word, -8.25 to 7.75; word 2 x, bypass -x, and all words but x's are exact.

    Where the gate is certain the error is that of the word, 1/2. Else the circuit may give 2 x, at least -16.5 - 0.5,
    in place of -x, at most 8.25; the intervals do not know that it is the same x.
    """
    layers = (
        Layer("bypass", np.arange(2), np.array([0]), -np.ones(1), np.zeros(1)),
        Layer("gate", np.arange(2), np.array([0]), np.ones(1), np.zeros(1)),
        Layer("word", np.arange(2), np.array([0]), 2 * np.ones(1), np.zeros(1)),
        Layer("top", np.array([0, 3]), np.array([1, 2, 3]), np.ones(3), np.zeros(1), gather="select"),
    )
    network = Network((Port("x", (1,)),), layers, (Head("y", np.array([4])),))
    circuit = quantize_network(network, input_format=FixedPoint(5, 1, signed=True))
    bound = graph_error_bound(prepare(network), circuit)
    assert bound is not None
    always = Layer("gate", np.arange(2), np.array([0]), np.ones(1), np.full(1, 99.0))
    certain = replace(network, layers=(layers[0], always, *layers[2:]))
    sure = graph_error_bound(prepare(certain), quantize_network(certain, input_format=FixedPoint(5, 1, signed=True)))
    assert sure is not None
    assert (sure[0].tolist(), bound[0].tolist()) == ([0.5], [25.25])


def test_a_scale_of_a_maximum_is_a_function_of_both() -> None:
    """2 max(x): half a step of the input, 1/4, becomes 1/2; half the distance of the words, 1, may be added."""
    layer = Layer("top", np.arange(2), np.array([0]), np.ones(1), np.zeros(1), "max", (f.Affine(2.0),))
    network = Network((Port("x", (1,)),), (layer,), (Head("y", np.array([1])),))
    circuit = quantize_network(network, input_format=FixedPoint(4, 1, signed=True), ranges={"top": (-8, 7)})
    bound = graph_error_bound(network, circuit)
    assert bound is not None
    assert 0.5 <= bound[0][0] <= 1.0


def test_layers_that_do_not_correspond_have_no_bound() -> None:
    circuit = quantize_network(one_layer(), input_format=FixedPoint(4, 1, signed=True))
    assert graph_error_bound(one_layer(f.Affine(2.0)), circuit) is None
