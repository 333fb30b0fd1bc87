"""Which of two classes one output means: a probability decides at 0.5, any other value at 0."""

import numpy as np
import pytest
import torch
from torch import nn

import netgen
from netgen.flow.verify_read import classes_of, middle_of
from netgen.ir.fixed import Reals
from netgen.ir.network import Network
from netgen.quantize import quantize_network

X: Reals = np.random.default_rng(0).normal(size=(200, 3))


def read(*tail: nn.Module, outputs: int = 1) -> Network:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, outputs), *tail).double().eval()
    return netgen.read(module, example=X[:1])


@pytest.mark.parametrize(
    ("tail", "middle"),
    [
        ((nn.Sigmoid(),), 0.5),
        ((nn.Hardsigmoid(),), 0.5),
        ((), 0.0),
        ((nn.Tanh(),), 0.0),
        ((nn.ReLU(),), 0.0),
        ((nn.ReLU6(),), 0.0),
    ],
)
def test_the_middle_of_an_output_is_half_for_probabilities_and_0_otherwise(
    tail: tuple[nn.Module, ...], middle: float
) -> None:
    network = read(*tail)
    assert middle_of(network) == middle
    assert middle_of(quantize_network(network, X)) == middle


def test_one_output_decides_by_the_middle_and_several_by_the_greatest() -> None:
    assert classes_of(np.array([[0.4], [0.6]]), read().outputs, 0.5).tolist() == [0, 1]
    assert classes_of(np.array([[0.4], [-0.6]]), read().outputs, 0.0).tolist() == [1, 0]
    assert classes_of(np.array([[0.4, 0.1], [-0.6, 0.2]]), read(outputs=2).outputs, 0.5).tolist() == [0, 1]
