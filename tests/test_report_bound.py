"""netgen.report.bound: no input drives circuit and float network further apart than the bound says."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netgen.errors import CheckError
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.dense import DenseActivation, DenseLayer, DenseNetwork
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.simplify import simplify
from netgen.report.bound import error_bound


def quantized(network: DenseNetwork, widths: list[FixedPoint], given_input: FixedPoint, scale: Reals) -> Circuit:
    """Weights and biases rounded to the nearest step; `widths` are weight and output formats in turn."""
    layers, frac = [], given_input.frac
    for depth, layer in enumerate(network.layers):
        weight, output = widths[2 * depth], widths[2 * depth + 1]
        last = depth == len(network.layers) - 1
        layers.append(
            ChainLayer(
                weight=weight.encode(layer.weight),
                bias=np.rint(np.ldexp(layer.bias, frac + weight.frac)).astype(np.int64),
                weight_format=weight,
                activation=layer.activation,
                output=None if last else output,
            )
        )
        frac = output.frac
    return chain(given_input, scale, tuple(layers))


def forward(network: DenseNetwork, features: Reals) -> Reals:
    """The float network, as PyTorch would compute it, on scaled features."""
    values = features
    for layer in network.layers:
        values = values @ layer.weight.T + layer.bias
        values = np.maximum(values, 0) if layer.activation == "relu" else values
    return values


def distance(network: DenseNetwork, circuit: Circuit, features: Reals) -> Reals:
    """Greatest distance of the scores, per output."""
    words = evaluate(circuit, circuit.input.encode(features))
    error = np.abs(np.ldexp(words.astype(float), -circuit.layers[-1].frac) - forward(network, features))
    result: Reals = error.max(axis=0)
    return result


formats = st.builds(FixedPoint, st.integers(1, 8), st.integers(-1, 8), st.booleans())
activations: st.SearchStrategy[DenseActivation] = st.sampled_from(["relu", "identity"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[DenseNetwork, Circuit, int]:
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=5))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    layers, widths = [], []
    for n_in, n_out in itertools.pairwise(sizes):
        weight = rng.normal(size=(n_out, n_in)) * 2.0 ** draw(st.integers(-3, 2))
        mask = rng.random((n_out, n_in)) < draw(st.sampled_from([0.3, 1.0]))
        layers.append(DenseLayer(weight, rng.normal(size=n_out), mask, draw(activations)))
        widths += [draw(formats), draw(formats)]
    scale = np.ldexp(1.0, rng.integers(-3, 4, size=sizes[0]))
    network = DenseNetwork(tuple(layers))
    circuit = quantized(network, widths, draw(formats), scale)
    return network, draw(st.sampled_from([circuit, simplify(circuit)])), seed


def inputs(circuit: Circuit, seed: int, reach: float) -> Reals:
    """Features over `reach` times the input format's range, half a step around it included, and all its corners."""
    rng = np.random.default_rng(seed)
    lo, hi = (circuit.input.lo - 0.5) * circuit.input.step, (circuit.input.hi + 0.5) * circuit.input.step
    middle, half = (lo + hi) / 2, (hi - lo) / 2 * reach
    corners = rng.choice([-1.0, 1.0], size=(200, circuit.sizes[0]))
    inside = rng.uniform(-1.0, 1.0, size=(200, circuit.sizes[0]))
    features: Reals = middle + half * np.concatenate([corners, inside])
    return features


@given(cases())
def test_no_input_of_the_format_passes_the_bound(case: tuple[DenseNetwork, Circuit, int]) -> None:
    """The allowance of 1e-9 is for float64 itself: some 1e3 additions of relative error 1.2e-16 each, with room."""
    network, circuit, seed = case
    bound = error_bound(network, circuit)
    assert (distance(network, circuit, inputs(circuit, seed, 1.0)) <= bound * (1 + 1e-9) + 1e-9).all()


@given(cases(), st.floats(1.0, 8.0))
def test_inputs_that_saturate_stay_within_a_bound_of_features_beyond_the_format(
    case: tuple[DenseNetwork, Circuit, int], reach: float
) -> None:
    network, circuit, seed = case
    features = inputs(circuit, seed, reach)
    bound = error_bound(network, circuit, features)
    assert (distance(network, circuit, features) <= bound * (1 + 1e-9) + 1e-9).all()


def one_layer(weight: float, step_weight: int, bias: int, *, real_bias: float) -> tuple[DenseNetwork, Circuit]:
    """One weight on one input of format u3.0, the weight in steps of 1/4, the bias likewise."""
    network = DenseNetwork((DenseLayer(np.array([[weight]]), np.array([real_bias]), np.array([[True]]), "identity"),))
    layer = ChainLayer(np.array([[step_weight]]), np.array([bias]), FixedPoint(4, 2, signed=True), "identity", None)
    return network, chain(FixedPoint(3, 0, signed=False), np.ones(1), (layer,))


def test_one_layer_has_the_bound_worked_by_hand() -> None:
    """W = 0.7, Wq = 3/4, b = 0.2, bq = 1/4; x in [-0.5, 7.5], rounding +-0.5.

    0.75 * 0.5 + (0.75 - 0.7) * 7.5 + (0.25 - 0.2) = 0.375 + 0.375 + 0.05 = 0.8 upwards.
    """
    network, circuit = one_layer(0.7, 3, 1, real_bias=0.2)
    assert error_bound(network, circuit) == pytest.approx([0.8], rel=1e-12)


def test_the_bound_of_exact_weights_is_reached() -> None:
    """Weights and bias are exact, so the only error is half a step of input, times 3/4: x = 2.5 becomes 3."""
    network, circuit = one_layer(0.75, 3, 1, real_bias=0.25)
    assert error_bound(network, circuit).tolist() == [0.375]
    assert distance(network, circuit, np.array([[2.5]])).tolist() == [0.375]


def two_layers(
    weight: int, bias: tuple[int, int], real_bias: tuple[float, float], activation: DenseActivation, between: FixedPoint
) -> tuple[DenseNetwork, Circuit]:
    """Input u3.0, weights `weight` and 1, exact; scores are not rounded."""
    unit, last = FixedPoint(2, 0, signed=True), np.array([[1]])
    first = np.array([[weight]])
    kept = np.array([[True]])
    network = DenseNetwork(
        (
            DenseLayer(first / 1, np.array([real_bias[0]]), kept, activation),
            DenseLayer(last / 1, np.array([real_bias[1]]), kept, "identity"),
        )
    )
    circuit = chain(
        FixedPoint(3, 0, signed=False),
        np.ones(1),
        (
            ChainLayer(first, np.array([bias[0]]), unit, activation, between),
            ChainLayer(last, np.array([bias[1]]), unit, "identity", None),
        ),
    )
    return network, circuit


def test_saturation_above_is_bounded_by_the_greatest_excess() -> None:
    """ReLU of x in [-0.5, 7.5], exact, saturates at 3 (u2.0): 7.5 - 3 = 4.5 at worst, and x = 7.5 attains it."""
    network, circuit = two_layers(1, (0, 0), (0.0, 0.0), "relu", FixedPoint(2, 0, signed=False))
    assert error_bound(network, circuit).tolist() == [4.5]
    assert distance(network, circuit, np.array([[7.5]])).tolist() == [4.5]


def test_saturation_below_is_bounded_by_the_greatest_excess() -> None:
    """-x in [-7.5, 0.5], exact, saturates at -2 (s2.0): 7.5 - 2 = 5.5 at worst, and x = 7.5 attains it."""
    network, circuit = two_layers(-1, (0, 0), (0.0, 0.0), "identity", FixedPoint(2, 0, signed=True))
    assert error_bound(network, circuit).tolist() == [5.5]
    assert distance(network, circuit, np.array([[7.5]])).tolist() == [5.5]


def test_relu_shrinks_an_error_to_0_where_both_are_negative() -> None:
    """b = -1 but bq = 0 lifts the circuit by 0.5 to 1.5, and ReLU makes that 0 to 1.5.

    The second bias, 1 but 0 in the circuit, takes 1 away: -1 to 0.5. x = 7 attains 1, both ReLUs being 0 there.
    """
    network, circuit = two_layers(-1, (0, 0), (-1.0, 1.0), "relu", FixedPoint(3, 0, signed=False))
    assert error_bound(network, circuit).tolist() == [1.0]
    assert distance(network, circuit, np.array([[7.0]])).tolist() == [1.0]


def test_a_network_of_another_shape_is_refused() -> None:
    _, circuit = one_layer(0.7, 3, 1, real_bias=0.2)
    other = DenseNetwork((DenseLayer(np.ones((1, 2)), np.zeros(1), np.ones((1, 2), dtype=bool), "identity"),))
    with pytest.raises(CheckError) as caught:
        error_bound(other, circuit)
    assert str(caught.value) == (
        "a circuit 1-1 and a network 2-1; compare a circuit with the network it was quantized from"
    )
