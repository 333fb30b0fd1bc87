"""Second derivatives and gradients of perceptrons, against finite differences and autograd."""

import pytest
import torch
from torch import Tensor, nn
from train_cases import random_perceptron

from netgen.nn.trainable import TrainableNetwork
from netgen.train.derivatives import curvature_of, loss_gradients


def _loss(network: TrainableNetwork, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return float(nn.functional.cross_entropy(network(x), y))


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("share", [0.8, 0.2])
def test_second_derivatives_equal_finite_differences(batch_norm: bool, share: float) -> None:
    """(f(w + e) - 2 f(w) + f(w - e)) / e^2 at every weight, of many wires and of few, which are computed otherwise.

    e = 1e-4 is far from the kinks of this network.
    """
    network = random_perceptron((5, 4, 3, 3), batch_norm=batch_norm, share=share)
    x = torch.randn(40, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = torch.arange(40) % 3
    exact = curvature_of(network, x)
    middle, e = _loss(network, x, y), 1e-4
    for layer, found in zip(network.sums, exact, strict=True):
        for k in range(len(layer.weight)):
            with torch.no_grad():
                layer.weight[k] += e
                above = _loss(network, x, y)
                layer.weight[k] -= 2 * e
                below = _loss(network, x, y)
                layer.weight[k] += e
            assert float(found[k]) == pytest.approx((above - 2 * middle + below) / e**2, rel=2e-3, abs=2e-6)


def test_gradients_by_sums_and_values_give_those_of_autograd_by_the_weights() -> None:
    network = random_perceptron((5, 4, 3), batch_norm=True, share=0.6)
    x = torch.randn(30, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = torch.arange(30) % 3
    values, gradients = loss_gradients(network, x, y)
    nn.functional.cross_entropy(network(x), y).backward()  # type: ignore[no-untyped-call]
    across, number = torch.cat(values), torch.from_numpy
    for layer, by_sums in zip(network.sums, gradients, strict=True):
        assert layer.weight.grad is not None
        found = (by_sums[number(layer.target)] * across[number(layer.source)]).sum(dim=1)
        assert torch.allclose(found, layer.weight.grad, atol=1e-12)
