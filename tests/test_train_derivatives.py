"""Second derivatives and gradients, against finite differences and autograd."""

import copy

import pytest
import torch
from torch import nn
from train_cases import random_mlp

from netgen.train import Mlp
from netgen.train.derivatives import curvature_of, gradients_of


def _loss(mlp: Mlp, x: torch.Tensor, y: torch.Tensor) -> float:
    with torch.no_grad():
        return float(nn.functional.cross_entropy(mlp(x), y))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_second_derivatives_equal_finite_differences(batch_norm: bool) -> None:
    """(f(w + e) - 2 f(w) + f(w - e)) / e^2 at every weight; e = 1e-4 is far from the kinks of this network."""
    mlp = random_mlp((5, 4, 3, 3), batch_norm=batch_norm, share=0.8)
    x = torch.randn(40, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = torch.arange(40) % 3
    exact = curvature_of(mlp, x)
    middle, e = _loss(mlp, x, y), 1e-4
    for layer, found in zip(mlp.masked, exact, strict=True):
        for k in torch.nonzero(layer.mask).tolist():
            i, j = k
            with torch.no_grad():
                layer.weight[i, j] += e
                above = _loss(mlp, x, y)
                layer.weight[i, j] -= 2 * e
                below = _loss(mlp, x, y)
                layer.weight[i, j] += e
            assert float(found[i, j]) == pytest.approx((above - 2 * middle + below) / e**2, rel=2e-3, abs=2e-6)


def test_gradients_equal_those_of_autograd_for_masked_weights_too() -> None:
    mlp = random_mlp((5, 4, 3), batch_norm=True, share=0.6)
    x = torch.randn(30, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = torch.arange(30) % 3
    found = gradients_of(mlp, x, y)
    on = copy.deepcopy(mlp)
    for layer in on.masked:
        layer.weight.data *= layer.mask
        layer.mask.fill_(1.0)
    nn.functional.cross_entropy(on(x), y).backward()  # type: ignore[no-untyped-call]
    for layer, gradient in zip(on.masked, found, strict=True):
        assert layer.weight.grad is not None
        assert torch.allclose(gradient, layer.weight.grad, atol=1e-12)
