"""Joined layers compute what the layers computed before; the expected value is the network before the pass."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from netgen.importer import operations as ops
from netgen.importer.builder import Builder
from netgen.importer.fuse import (
    fold_into_readers,
    fold_into_weights,
    fuse,
    inline_sums,
    join_elementwise,
    join_limits,
    live,
)
from netgen.importer.signals import ConstantTensor, Signals, signals_of
from netgen.ir.functions import RELU, Affine, Clip, Composition, LeakyRelu, Quantize, Tanh, apply_all, check_pipeline
from netgen.ir.network import Network

PASSES: list[Callable[[Network], Network]] = [
    fold_into_readers,
    fold_into_weights,
    fuse,
    inline_sums,
    join_elementwise,
    join_limits,
    live,
]


class Drawn:
    """A random network of the operations that readers use, on tensors of (1, channels, positions)."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.builder = Builder()
        self.tensors = [self.builder.input(f"x{k}", (1, 2, 5)) for k in range(self.rng.integers(1, 3))]

    def network(self) -> Network:
        for index in range(int(self.rng.integers(2, 9))):
            self.tensors.append(
                self.operation(f"op{index}", self.tensors[-1 - int(self.rng.geometric(0.6) - 1) % len(self.tensors)])
            )
        for index in range(int(self.rng.integers(1, 3))):
            self.builder.output(f"y{index}", self.tensors[-1 - index])
        return self.builder.finish()

    def operation(self, name: str, x: Signals) -> Signals:
        rng, b = self.rng, self.builder
        channels, positions = x.shape[1:]
        match int(rng.integers(11)):
            case 0 | 1:
                weight = ConstantTensor(rng.normal(size=(2, channels, 2)) * (rng.random((2, channels, 2)) < 0.8))
                bias = ConstantTensor(rng.normal(size=2))
                return ops.convolve(b, name, x, weight, bias, stride=[1], padding=[(1, 0)], dilation=[1])
            case 2:
                pipeline: Composition = (RELU, LeakyRelu(rng.random(channels)), Tanh())[int(rng.integers(3)) :][:1]
                return signals_of(ops.apply_functions(b, name, x, pipeline, 1))
            case 3:
                return norm(b, name, x, seed=int(rng.integers(100)))
            case 4:
                return signals_of(ops.add(b, name, x, next(t for t in reversed(self.tensors) if t.shape == x.shape)))
            case 5:
                return ops.average_pool(b, name, x, kernel=[2], stride=[1], padding=[(1, 0)])
            case 6:
                return ops.max_pool(b, name, x, kernel=[2], stride=[1], padding=[(0, 1)], dilation=[1])
            case 7:
                step = ConstantTensor(np.round(rng.normal(size=(positions, 5)) * 4) / 4, np.array(0.25))
                quantized = ops.apply_functions(b, f"{name}.quantize", x, (Quantize(0.5, 0.0, -8.0, 7.0),))
                return ops.multiply_matrix(b, name, signals_of(quantized), step)
            case 8:
                return signals_of(ops.multiply(b, name, x, ConstantTensor(rng.normal(size=(channels, positions)))))
            case 9:
                kernel = ConstantTensor(rng.integers(-3, 4, size=(channels, 1, 1)) / 2, np.array(0.5))
                return ops.convolve(b, name, x, kernel, stride=[1], padding=[(0, 0)], dilation=[1], groups=channels)
            case _:
                return x.moved(lambda array: np.roll(array, 1, axis=2)[:, ::-1])


def outputs(network: Network, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    found = network.evaluate(tuple(rng.normal(size=(6, *port.shape)) for port in network.inputs))
    return list(found) if isinstance(found, tuple) else [found]


@pytest.mark.parametrize("change", PASSES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("seed", range(40))
def test_a_pass_leaves_all_outputs_as_they_were(change: Callable[[Network], Network], seed: int) -> None:
    network = Drawn(seed).network()
    for before, after in zip(outputs(network), outputs(change(network)), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(40))
def test_wires_of_one_parameter_keep_equal_weights(seed: int) -> None:
    for layer in fuse(Drawn(seed).network()).layers:
        if layer.parameter is None:
            continue
        _, first, of = np.unique(layer.parameter, return_index=True, return_inverse=True)
        np.testing.assert_array_equal(layer.weight, layer.weight[first][of])


@pytest.mark.parametrize("seed", range(40))
def test_layers_with_a_step_keep_their_weights(seed: int) -> None:
    network = Drawn(seed).network()
    before = {layer.name: layer for layer in live(network).layers if layer.step is not None}
    after = {layer.name: layer for layer in fuse(network).layers if layer.step is not None}
    assert before.keys() == after.keys()
    for name, layer in before.items():
        np.testing.assert_array_equal(after[name].weight, layer.weight)


def built(shape: tuple[int, ...], operations: Callable[[Builder, Signals], Signals]) -> Network:
    builder = Builder()
    x = builder.input("x", (1, *shape))
    builder.output("y", operations(builder, x))
    return builder.finish()


def numbers(*shape: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def convolution(b: Builder, name: str, x: Signals, channels: int = 3) -> Signals:
    weight = ConstantTensor(numbers(channels, x.shape[1], 3))
    return ops.convolve(b, name, x, weight, None, stride=[1], padding=[(1, 1)], dilation=[1])


def norm(b: Builder, name: str, x: Signals, seed: int = 2) -> Signals:
    scale, offset, mean, spread = numbers(4, x.shape[1], seed=seed)
    normed = ops.batch_norm(
        b, name, x, scale=scale, offset=offset, mean=mean, variance=spread**2, epsilon=0.1, channel_axis=1
    )
    return signals_of(normed)


def joined(network: Network) -> list[tuple[str, list[str]]]:
    """Names of layers and kinds of their functions."""
    return [(layer.name, [type(function).__name__ for function in layer.activation]) for layer in network.layers]


def relu(b: Builder, name: str, x: Signals) -> Signals:
    return signals_of(ops.apply_functions(b, name, x, (RELU,)))


def test_a_convolution_with_batch_norm_and_relu_becomes_one_layer() -> None:
    network = built((2, 6), lambda b, x: relu(b, "relu", norm(b, "norm", convolution(b, "conv", x))))
    (layer,) = fuse(network).layers
    (before, *_) = network.layers
    assert joined(fuse(network)) == [("conv", ["Clip"])]
    assert layer.parameter is not None
    np.testing.assert_array_equal(layer.parameter, before.parameter)  # each channel has one scale: entries stay tied


def test_a_batch_norm_after_relu_folds_into_the_layer_that_reads_it() -> None:
    network = fuse(
        built((2, 6), lambda b, x: convolution(b, "two", norm(b, "norm", relu(b, "relu", convolution(b, "one", x)))))
    )
    assert joined(network) == [("one", ["Clip"]), ("two", [])]


def test_scaled_inputs_fold_into_the_first_layer() -> None:
    network = fuse(
        built(
            (2, 6),
            lambda b, x: convolution(
                b, "conv", signals_of(ops.multiply(b, "scale", x, ConstantTensor(np.array(1 / 255))))
            ),
        )
    )
    assert [layer.name for layer in network.layers] == ["conv"]


def test_a_residual_add_joins_the_convolution_that_it_reads() -> None:
    def block(b: Builder, x: Signals) -> Signals:
        skip = relu(b, "relu", convolution(b, "one", x))
        return relu(b, "last", signals_of(ops.add(b, "add", norm(b, "norm", convolution(b, "two", skip)), skip)))

    network = fuse(built((2, 6), block))
    assert joined(network) == [("one", ["Clip"]), ("two", ["Clip"])]
    two = network.layers[1]
    assert two.wires == 3 * (3 * 3 * 6 - 3 * 2)  # the skip of each neuron adds to the wire of a kernel's centre
    assert two.parameter is not None
    assert len(set(two.parameter)) == 3 * 3 * 3  # entries at the centre of the own channel are others, but tied


def test_an_average_of_a_convolution_becomes_one_layer_of_sums_with_tied_wires() -> None:
    def pooled(b: Builder, x: Signals) -> Signals:
        return ops.average_pool(b, "pool", convolution(b, "conv", x), kernel=[2], stride=[2], padding=[(0, 0)])

    (layer,) = fuse(built((2, 8), pooled)).layers
    assert (layer.name, layer.wires) == ("conv", 3 * 2 * (3 + 4 + 4 + 3))
    assert layer.parameter is not None
    assert len(set(layer.parameter)) == 3 * 2 * 4  # a window of 2 on a kernel of 3 reads 4 positions


def test_a_layer_that_several_read_keeps_its_functions_to_itself() -> None:
    def two(b: Builder, x: Signals) -> Signals:
        shared = convolution(b, "conv", x)
        return Signals.joined(
            [relu(b, "relu", shared), signals_of(ops.apply_functions(b, "tanh", shared, (Tanh(),)))], axis=1
        )

    assert [layer.name for layer in fuse(built((2, 6), two)).layers] == ["conv", "relu", "tanh"]


def test_an_affine_before_a_layer_of_steps_stays_in_the_pipeline() -> None:
    def quantized(b: Builder, x: Signals) -> Signals:
        weight = ConstantTensor(np.ones((6, 2)), np.array(1.0))
        return ops.multiply_matrix(b, "fc", norm(b, "norm", relu(b, "relu", x)), weight)

    network = fuse(built((2, 6), quantized))
    assert [layer.name for layer in network.layers] == ["relu", "fc"]
    assert isinstance(network.layers[0].activation[-1], Affine)


def test_the_functions_of_a_chain_are_joined_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one after the other: each function is then checked as often as its chain is long."""
    checked = 0

    def counted(pipeline: Composition, neurons: int, place: str) -> None:
        nonlocal checked
        checked += len(pipeline)
        check_pipeline(pipeline, neurons, place)

    def chain(builder: Builder, x: Signals) -> Signals:
        for _ in range(200):
            x = builder.apply("tanh", x, (Tanh(),))
        return x

    network = built((3,), chain)
    monkeypatch.setattr("netgen.ir.network.check_pipeline", counted)
    assert len(fuse(network).layers) == 1
    assert checked <= 10 * 200


def test_neurons_that_no_output_needs_are_removed() -> None:
    def sliced(b: Builder, x: Signals) -> Signals:
        convolution(b, "unused", x)
        return convolution(b, "conv", x).moved(lambda array: array[:, :1, 2:3])

    network = live(built((2, 6), sliced))
    assert [(layer.name, len(layer)) for layer in network.layers] == [("conv", 1)]
    assert network.features == 12


ROUND = Quantize(0.5, 0.0, -np.inf, np.inf)


@pytest.mark.parametrize("pipeline", [(ROUND, Clip(-1.0, 2.5)), (Clip(-1.0, 2.5), ROUND)], ids=["after", "before"])
def test_limits_beside_rounding_become_one_quantizer(pipeline: Composition) -> None:
    """Limits of -1 and 2.5 are -2 and 5 steps of 0.5."""
    network = join_limits(built((9,), lambda b, x: signals_of(ops.apply_functions(b, "q", x, pipeline))))
    (quantizer,) = network.layers[0].activation
    assert isinstance(quantizer, Quantize)
    assert (quantizer.step, quantizer.lo, quantizer.hi) == (0.5, -2, 5)
    values = np.linspace(-4, 4, 65)[:, np.newaxis]
    np.testing.assert_array_equal(apply_all((quantizer,), values), apply_all(pipeline, values))


def test_limits_between_two_steps_stay_as_they_are() -> None:
    network = built((9,), lambda b, x: signals_of(ops.apply_functions(b, "q", x, (ROUND, Clip(-1.0, 2.3)))))
    assert join_limits(network) is network
