"""The arrays of a network's file: all of a network, and nothing else."""

import numpy as np
import pytest

from netgen.errors import WeightsError
from netgen.ir import functions as f
from netgen.ir.network import Head, Layer, Network, Port
from netgen.ir.network_file import arrays_of, network_from


def a_network() -> Network:
    """Every kind of function, a maximum, a selection, ties, steps, two inputs and two heads."""
    read, ones, zeros = np.array([0, 1, 3]), np.ones(3), np.zeros(2)
    pipeline: f.Composition = (
        f.Affine(np.array([2.0, 3.0]), -1.0),
        f.Clip(-1.0),
        f.Clip(np.array([-4.0, -5.0]), 6.0),
        f.LeakyRelu(np.array([0.1, 0.2])),
        f.Elu(),
        f.Gelu(tanh=True),
        f.Silu(),
        f.HardSigmoid(),
        f.HardSwish(),
        f.Sigmoid(),
        f.Tanh(),
        f.Softplus(2.0, 9.0),
        f.Product((f.Sign(),), (f.Affine(np.array([1.0, 2.0])),)),
        f.Quantize(0.25, 3.0, 0.0, 15.0, "half_up"),
        f.MultiThreshold(np.array([[0.0, 1.0]]), 2.0, -1.0),
    )
    first = Layer(
        "a", read, np.array([0, 1, 2]), np.array([1.5, -2.0, -2.0]), zeros, "sum", pipeline, np.array([0, 1, 1])
    )
    top = Layer("b", read, np.array([3, 0, 4]), ones, zeros, gather="max")
    last = Layer("c", read, np.array([1, 5, 6]), 2 * ones, zeros + 1, step=np.array([2.0, 1.0]))
    select = Layer("d", np.array([0, 3]), np.array([2, 5, 7]), ones, zeros[:1], gather="select")
    heads = Head("y", np.array([[7, 8]]), "softmax", -1), Head("k", np.array([5, 6]), "argmax", 0, keep=True)
    return Network((Port("x", (2,)), Port("z", (1, 1))), (first, top, last, select), heads)


def test_a_network_comes_back_from_its_arrays() -> None:
    network = a_network()
    again = network_from(arrays_of(network))
    x = np.random.default_rng(1).normal(size=(50, 2)), np.random.default_rng(2).normal(size=(50, 1, 1))
    for found, expected in zip(again.evaluate(x), network.evaluate(x), strict=True):
        assert np.array_equal(found, expected)
    assert again.inputs == network.inputs
    one, other = arrays_of(again), arrays_of(network)
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("description", "description: the array is missing; read the model again"),
        ("1.source", "layers[1]: array 1.source is missing; read the model again"),
        ("0.function0.scale", "0.function0.scale: the array is missing; read the model again"),
    ],
)
def test_a_missing_array_is_one_line(name: str, line: str) -> None:
    arrays = arrays_of(a_network())
    del arrays[name]
    with pytest.raises(WeightsError) as caught:
        network_from(arrays)
    assert str(caught.value) == line
