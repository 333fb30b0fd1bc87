"""Perceptrons between PyTorch's layers, networks of wires, and matrices."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from train_cases import move, perceptron, random_perceptron

from netgen.ir.fixed import FixedPoint
from netgen.train import Shaped, curvature_in, dense_network_of, perceptron_of, perceptron_of_state, predict
from netgen.train.derivatives import curvature_of

SIZES = (5, 7, 4, 3)


def _shaped() -> Shaped:
    shaped = Shaped.perceptron(SIZES, batch_norm=True, seed=3)
    for norm in (shaped.norm1, shaped.norm2):
        assert isinstance(norm, nn.BatchNorm1d)
        move(norm, torch.Generator().manual_seed(1))
    return shaped


@pytest.mark.parametrize("training", [False, True])
def test_a_network_of_wires_computes_what_pytorchs_layers_compute(training: bool) -> None:
    """In training too, where normalization is by the batch, and moves the means and variances."""
    shaped = _shaped().train(training)
    network = perceptron_of(shaped).train(training)
    x = torch.randn(20, 5, generator=torch.Generator().manual_seed(2))
    for _ in range(2):
        assert torch.allclose(network(x), shaped(x), atol=1e-5)
    norm = network.sums[0].norm
    assert norm is not None
    assert isinstance(shaped.norm1, nn.BatchNorm1d)
    for own, wanted in zip(norm.buffers(), shaped.norm1.buffers(), strict=True):
        assert torch.allclose(own, wanted, atol=1e-5)


def test_matrices_with_batch_norm_folded_compute_the_same_and_keep_the_shape() -> None:
    network = random_perceptron(SIZES, batch_norm=True, share=0.6)
    x = torch.randn(20, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    dense = dense_network_of(network)
    assert dense.sizes == SIZES
    assert dense.weights_left == network.wires
    assert np.allclose(predict(dense, x.numpy()), network(x).detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("made", [partial(Shaped.perceptron, batch_norm=False, seed=1), perceptron])
def test_hidden_results_are_rounded_in_training_if_the_network_has_formats(made: partial[nn.Module]) -> None:
    """With one bit in steps of 1 a sum of 0.5 or more gives 1; the gradient is 1 from -0.5 up to 1.5."""
    network = made((1, 1, 1), rounding=[FixedPoint(1, 0, signed=False)])
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)
    x = torch.tensor([[-0.6], [-0.4], [0.4], [0.5], [1.4], [1.6]], requires_grad=True)
    network(x).sum().backward()
    assert network(x)[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert x.grad is not None
    assert x.grad[:, 0].tolist() == [0, 1, 1, 1, 1, 0]


def test_matrices_of_a_network_whose_results_are_rounded_rectify() -> None:
    dense = dense_network_of(perceptron((2, 3, 2), rounding=[FixedPoint(2, 1, signed=False)]))
    assert [layer.activation for layer in dense.layers] == ["relu", "identity"]


def test_weights_that_are_given_as_zero_are_pruned_and_count_in_the_dense_network() -> None:
    weight = torch.tensor([[0.5, 0.0], [0.0, 2.0]])
    state = {"linears.0.weight": weight, "linears.0.bias": torch.tensor([1.0, 2.0])}
    network = perceptron_of_state(state)
    assert (network.wires, network.like.wires) == (2, 4)
    assert network.eval()(torch.tensor([[2.0, 3.0]])).tolist() == [[2.0, 8.0]]


@pytest.mark.parametrize("rounding", [(), (FixedPoint(6, 3, signed=False),) * 2])
def test_curvature_of_matrices_is_that_of_the_wires(rounding: tuple[FixedPoint, ...]) -> None:
    """In matrices of the whole network, 0 where there is no wire."""
    network = random_perceptron(SIZES, batch_norm=False, share=0.7)
    x = torch.randn(30, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    dense = dense_network_of(network)
    found = curvature_in(dense, x.numpy(), rounding=rounding)
    for layer, part in zip(dense.layers, found, strict=True):
        assert part.shape == layer.weight.shape
        assert not part[~layer.mask].any()
    if not rounding:
        wanted = curvature_of(network, x)
        for layer, part, own in zip(dense.layers, found, wanted, strict=True):
            assert np.allclose(part[layer.mask], own)
