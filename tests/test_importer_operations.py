"""Operations on tensors of neurons: PyTorch, in double precision, computes the expected values."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own abbreviation

from netgen.errors import ModelError
from netgen.importer import operations as ops
from netgen.importer.builder import Builder
from netgen.importer.signals import NO_NEURON, ConstantTensor, Signals, Tensor
from netgen.ir.fixed import Reals
from netgen.ir.functions import RELU, Composition, LeakyRelu, Sigmoid
from netgen.ir.network import Network

Operation = Callable[[Builder, Signals], Tensor]
Reference = Callable[[torch.Tensor], torch.Tensor]

SQUARE = {"stride": [2, 3], "padding": [(1, 1), (1, 1)]}


def numbers(*shape: int, seed: int = 1) -> Reals:
    return np.random.default_rng(seed).normal(size=shape)


def tensor(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.from_numpy(numbers(*shape, seed=seed))


def constant(*shape: int, seed: int = 1) -> ConstantTensor:
    return ConstantTensor(numbers(*shape, seed=seed))


def network_of(shape: tuple[int, ...], operation: Operation) -> Network:
    builder = Builder()
    x = builder.input("x", (1, *shape))
    builder.output("y", operation(builder, x))
    return builder.finish()


CASES: dict[str, tuple[tuple[int, ...], Operation, Reference]] = {
    "convolution of one axis": (
        (4, 9),
        lambda b, x: ops.convolve(b, "c", x, constant(6, 4, 3), stride=[2], padding=[(1, 1)], dilation=[2]),
        lambda x: F.conv1d(x, tensor(6, 4, 3), stride=2, padding=1, dilation=2),
    ),
    "convolution in groups": (
        (4, 9, 8),
        lambda b, x: ops.convolve(
            b,
            "c",
            x,
            constant(6, 2, 3, 2),
            constant(6),
            stride=[2, 1],
            padding=[(1, 1), (2, 2)],
            dilation=[1, 2],
            groups=2,
        ),
        lambda x: F.conv2d(x, tensor(6, 2, 3, 2), tensor(6), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
    ),
    "convolution of three axes": (
        (2, 3, 4, 5),
        lambda b, x: ops.convolve(
            b, "c", x, constant(3, 2, 2, 2, 2), stride=[1] * 3, padding=[(0, 0)] * 3, dilation=[1] * 3
        ),
        lambda x: F.conv3d(x, tensor(3, 2, 2, 2, 2)),
    ),
    "convolution with uneven padding": (
        (2, 5, 5),
        lambda b, x: ops.convolve(
            b, "c", x, constant(3, 2, 2, 2), stride=[1, 1], padding=[(0, 1), (2, 0)], dilation=[1, 1]
        ),
        lambda x: F.conv2d(F.pad(x, (2, 0, 0, 1)), tensor(3, 2, 2, 2)),
    ),
    "transposed convolution": (
        (4, 5, 6),
        lambda b, x: ops.convolve_transposed(
            b,
            "c",
            x,
            constant(4, 3, 3, 2),
            constant(6),
            stride=[2, 3],
            padding=[(1, 1), (0, 0)],
            output_padding=[1, 0],
            dilation=[1, 2],
            groups=2,
        ),
        lambda x: F.conv_transpose2d(
            x,
            tensor(4, 3, 3, 2),
            tensor(6),
            stride=(2, 3),
            padding=(1, 0),
            output_padding=(1, 0),
            dilation=(1, 2),
            groups=2,
        ),
    ),
    "transposed convolution whose padding exceeds the kernel": (
        (2, 9),
        lambda b, x: ops.convolve_transposed(
            b, "c", x, constant(2, 3, 2), stride=[1], padding=[(3, 3)], output_padding=[0], dilation=[1]
        ),
        lambda x: F.conv_transpose1d(x, tensor(2, 3, 2), padding=3),
    ),
    "maximum pool": (
        (2, 7, 8),
        lambda b, x: ops.max_pool(
            b, "m", x, kernel=[3, 2], stride=[2, 2], padding=[(1, 1), (0, 0)], dilation=[1, 2], ceil_mode=True
        ),
        lambda x: F.max_pool2d(x, (3, 2), (2, 2), (1, 0), (1, 2), ceil_mode=True),
    ),
    "maximum pool of a window that begins at the last value": (
        (2, 1),
        lambda b, x: ops.max_pool(b, "m", x, kernel=[2], stride=[2], padding=[(0, 0)], dilation=[1], ceil_mode=True),
        lambda x: F.max_pool1d(x, 2, ceil_mode=True),
    ),
    "average pool of a window that begins at the last value": (
        (2, 2, 3),
        lambda b, x: ops.average_pool(
            b, "m", x, kernel=[3, 5], stride=[3, 3], padding=[(0, 0), (0, 0)], ceil_mode=True
        ),
        lambda x: F.avg_pool2d(x, (3, 5), 3, ceil_mode=True),
    ),
    "maximum pool of zeros around the input": (
        (2, 5),
        lambda b, x: ops.max_pool(
            b, "m", x.padded([(0, 0), (0, 0), (2, 2)], 0.0), kernel=[2], stride=[2], padding=[(0, 0)], dilation=[1]
        ),
        lambda x: F.max_pool1d(F.pad(x, (2, 2)), 2),
    ),
    **{
        f"average pool, ceil mode {ceil}, padding counted {counted}": (
            (2, 7, 8),
            lambda b, x, ceil=ceil, counted=counted: ops.average_pool(  # type: ignore[misc]  # mypy infers no defaults
                b,
                "m",
                x,
                kernel=[3, 2],
                stride=[2, 3],
                padding=[(1, 1), (1, 1)],
                ceil_mode=ceil,
                count_include_pad=counted,
            ),
            lambda x, ceil=ceil, counted=counted: F.avg_pool2d(x, (3, 2), (2, 3), (1, 1), ceil, counted),  # type: ignore[misc]
        )
        for ceil in (False, True)
        for counted in (False, True)
    },
    "average pool with a divisor": (
        (2, 6, 6),
        lambda b, x: ops.average_pool(b, "m", x, kernel=[2, 2], stride=[2, 2], padding=[(0, 0)] * 2, divisor=3),
        lambda x: F.avg_pool2d(x, 2, divisor_override=3),
    ),
    "adaptive average pool": (
        (2, 7, 8),
        lambda b, x: ops.adaptive_pool(b, "m", x, [3, 5]),
        lambda x: F.adaptive_avg_pool2d(x, (3, 5)),
    ),
    "adaptive average pool to more values than there are": (
        (2, 3),
        lambda b, x: ops.adaptive_pool(b, "m", x, [7]),
        lambda x: F.adaptive_avg_pool1d(x, 7),
    ),
    "adaptive maximum pool": (
        (2, 7, 8),
        lambda b, x: ops.adaptive_pool(b, "m", x, [3, 5], "max"),
        lambda x: F.adaptive_max_pool2d(x, (3, 5)),
    ),
    "matrix product at several positions": (
        (2, 7, 8),
        lambda b, x: ops.multiply_matrix(b, "m", x, constant(8, 3), constant(3)),
        lambda x: x @ tensor(8, 3) + tensor(3),
    ),
    "mean of several axes": ((2, 7, 8), lambda b, x: ops.mean(b, "m", x, [-1, 1]), lambda x: x.mean((1, 3))),
    "sum that keeps its axis": (
        (2, 7),
        lambda b, x: ops.total(b, "m", x, [2], keepdims=True),
        lambda x: x.sum(2, keepdim=True),
    ),
    "functions with a parameter for each channel": (
        (2, 7),
        lambda b, x: ops.apply_functions(b, "p", x, (LeakyRelu(np.array([0.1, 0.2])), Sigmoid()), 1),
        lambda x: torch.sigmoid(F.prelu(x, torch.tensor([0.1, 0.2], dtype=torch.float64))),
    ),
    "functions of known numbers among neurons": (
        (2, 7),
        lambda b, x: ops.apply_functions(b, "p", x.padded([(0, 0), (0, 0), (1, 2)], -3.0), (LeakyRelu(0.5),)),
        lambda x: F.leaky_relu(F.pad(x, (1, 2), value=-3.0), 0.5),
    ),
    "functions of an element that occurs twice": (
        (2, 1),
        lambda b, x: ops.apply_functions(b, "p", x.moved(lambda a: np.repeat(a, 3, axis=2)), (RELU,)),
        lambda x: F.relu(x.expand(-1, 2, 3)),
    ),
    "batch norm": (
        (3, 4),
        lambda b, x: ops.batch_norm(
            b,
            "n",
            x,
            scale=numbers(3, seed=2),
            offset=numbers(3, seed=3),
            mean=numbers(3, seed=4),
            variance=numbers(3, seed=5) ** 2,
            epsilon=0.1,
        ),
        lambda x: F.batch_norm(
            x, tensor(3, seed=4), tensor(3, seed=5) ** 2, tensor(3, seed=2), tensor(3, seed=3), eps=0.1
        ),
    ),
    "difference to a known tensor that is broadcast": (
        (2, 7),
        lambda b, x: ops.add(b, "a", x, constant(2, 1), -2.0),
        lambda x: x - 2 * tensor(2, 1),
    ),
    "sum of two signals that are broadcast": (
        (2, 7),
        lambda b, x: ops.add(b, "a", x, x.moved(lambda a: a[:, :1, :1]), 3.0),
        lambda x: x + 3 * x[:, :1, :1],
    ),
    "known tensor divided by a known tensor, times a signal": (
        (2, 7),
        lambda b, x: ops.multiply(b, "m", ops.divide(b, "d", constant(7), constant(7, seed=2)), x),
        lambda x: tensor(7) / tensor(7, seed=2) * x,
    ),
    "signal divided by a known tensor": (
        (2, 7),
        lambda b, x: ops.divide(b, "m", x, constant(7)),
        lambda x: x / tensor(7),
    ),
    "product of two functions of the same signal": (
        (2, 7),
        lambda b, x: ops.multiply(
            b, "m", ops.multiply(b, "h", x, constant(7)), ops.apply_functions(b, "s", x, (Sigmoid(),))
        ),
        lambda x: x * tensor(7) * torch.sigmoid(x),
    ),
    "maximum with a known tensor": (
        (2, 7),
        lambda b, x: ops.maximum(b, "m", constant(7), x),
        lambda x: torch.maximum(x, tensor(7)),
    ),
    "minimum with a known tensor": (
        (2, 7),
        lambda b, x: ops.minimum(b, "m", x, constant(2, 1)),
        lambda x: torch.minimum(x, tensor(2, 1)),
    ),
    "maximum of two signals": (
        (2, 7),
        lambda b, x: ops.maximum(b, "m", x, x.moved(lambda a: np.flip(a, 2))),
        lambda x: torch.maximum(x, x.flip(2)),
    ),
    "minimum of two signals": (
        (2, 7),
        lambda b, x: ops.minimum(b, "m", x, x.moved(lambda a: a[:, :, :1])),
        lambda x: torch.minimum(x, x[:, :, :1]),
    ),
    "an output that is partly known": (
        (2, 3),
        lambda _, x: x.padded([(0, 0), (0, 0), (1, 1)], 2.5),
        lambda x: F.pad(x, (1, 1), value=2.5),
    ),
    "the input as output": ((2, 3), lambda _, x: x.moved(lambda a: a.swapaxes(1, 2)), lambda x: x.swapaxes(1, 2)),
}


@pytest.mark.parametrize("case", CASES)
def test_an_operation_computes_what_pytorch_computes(case: str) -> None:
    shape, operation, reference = CASES[case]
    samples = tensor(3, *shape, seed=9)
    found = network_of(shape, operation).evaluate(samples.numpy())
    np.testing.assert_allclose(np.asarray(found), reference(samples).numpy(), rtol=1e-12, atol=1e-13)


def test_a_kernel_entry_has_one_parameter_at_all_positions() -> None:
    network = network_of(
        (2, 5), lambda b, x: ops.convolve(b, "c", x, constant(3, 2, 2), stride=[1], padding=[(1, 0)], dilation=[1])
    )
    (layer,) = network.layers
    assert layer.parameter is not None
    for number in range(12):  # 3 x 2 x 2 entries
        assert len(set(layer.weight[layer.parameter == number])) == 1
    assert set(layer.parameter) == set(range(12))
    assert layer.wires == 3 * 2 * (5 + 4)  # the first position has half its entries in the padding


def test_a_neuron_with_known_weights_only_is_a_known_number() -> None:
    builder = Builder()
    x = builder.input("x", (1, 3))
    weight = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    found = ops.multiply_matrix(builder, "fc", x, ConstantTensor(weight), ConstantTensor(np.array([0.5, 7.0])))
    assert found.neuron.tolist() == [[3, NO_NEURON]]
    assert found.value.tolist() == [[0.0, 7.0]]
    assert builder.layers[0].source.tolist() == [0, 1]


def test_the_step_of_quantized_weights_is_the_layers_where_a_neuron_has_one() -> None:
    weight = np.array([[1.0, 0.5], [2.0, 0.25]])

    def step_with(step: list[list[float]]) -> list[float] | None:
        network = network_of((2,), lambda b, x: ops.multiply_matrix(b, "fc", x, ConstantTensor(weight, np.array(step))))
        found = network.layers[0].step
        return None if found is None else found.tolist()

    assert step_with([[1.0, 0.25]]) == [1.0, 0.25]
    assert step_with([[0.25, 0.25], [1.0, 0.25]]) is None


RELUS: Composition = (RELU,)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (
            lambda b, x: ops.multiply(b, "gate", x, ops.apply_functions(b, "r", x.moved(lambda a: a[:, ::-1]), RELUS)),
            "gate: a product of two signals; only functions of the same single value, such as x * sigmoid(x), can be "
            "multiplied; use a weighted sum or a fixed gate instead",
        ),
        (lambda b, x: ops.divide(b, "norm", x, x), "norm: division by a signal; divide by a constant instead"),
        (lambda b, x: ops.divide(b, "norm", x, ConstantTensor(np.zeros(3))), "norm: division by 0"),
        (
            lambda b, x: ops.multiply_matrix(b, "fc", x, constant(4, 2)),
            "fc: a matrix of shape (4, 2) for an input of shape (1, 3)",
        ),
        (
            lambda b, x: ops.max_pool(
                b, "pool", x.moved(lambda a: a[None]), kernel=[4], stride=[1], padding=[(0, 0)], dilation=[1]
            ),
            "pool: a kernel of 4 with dilation 1 on 3 padded values",
        ),
        (
            lambda b, x: ops.average_pool(
                b, "pool", x.moved(lambda a: a[None]), kernel=[7], stride=[4], padding=[(0, 0)], ceil_mode=True
            ),
            "pool: a kernel of 7 with dilation 1 on 3 padded values",
        ),
        (
            lambda _, x: x.moved(lambda a: a[0]),
            "output y has shape (3,) for one sample; its first axis must be the batch's",
        ),
    ],
)
def test_what_no_layer_can_express_is_refused_by_name(operation: Operation, message: str) -> None:
    with pytest.raises(ModelError) as refusal:
        network_of((3,), operation)
    assert str(refusal.value) == message
