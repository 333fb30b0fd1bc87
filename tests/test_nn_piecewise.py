"""Piecewise linear functions whose shape is trained."""

import numpy as np
import pytest
import torch
from torch import nn

import netgen
from netgen.ir.functions import PiecewiseLinear, apply
from netgen.ir.slopes import range_after, slope_of
from netgen.nn.functions import apply_composition
from netgen.nn.piecewise import TrainedFunction, piecewise_linear
from netgen.nn.trainable import TrainableNetwork


def _random(neurons: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    knots = torch.tensor([[-1.5, -0.25, 0.0, 2.0]], dtype=torch.float64)
    values = [torch.randn(*shape, dtype=torch.float64, generator=generator) for shape in ((neurons, 50), (neurons, 4))]
    return values[0] * 2, knots, values[1], torch.randn(neurons, 1, dtype=torch.float64, generator=generator)


def test_a_function_is_the_line_through_its_corners() -> None:
    """Slope -1 up to 0, then 2 up to 1, then 0.5: by hand f(-3) = 3, f(0) = 0, f(0.5) = 1, f(1) = 2, f(3) = 3."""
    function = PiecewiseLinear(np.array([[0.0, 1.0]]), np.array([[3.0, -1.5]]), -1.0)
    x = np.array([[-3.0], [0.0], [0.5], [1.0], [3.0]])
    assert apply(function, x)[:, 0].tolist() == [3.0, 0.0, 1.0, 2.0, 3.0]
    assert apply_composition((function,), torch.from_numpy(x.T.copy()))[0].tolist() == [3.0, 0.0, 1.0, 2.0, 3.0]


def test_the_compiled_function_and_its_gradients_are_those_of_pytorch() -> None:
    x, knots, bends, slope = (part.requires_grad_(k != 1) for k, part in enumerate(_random(3)))
    plain = x * slope
    for k in range(4):
        plain = plain + bends[:, k : k + 1] * torch.relu(x - knots[0, k])
    found = piecewise_linear(x, knots, bends, slope)
    weight = torch.randn(3, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(found, plain, rtol=1e-12, atol=1e-12)
    own = torch.autograd.grad((found * weight).sum(), [x, bends, slope])
    right = torch.autograd.grad((plain * weight).sum(), [x, bends, slope])
    for a, b in zip(own, right, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shared", [True, False])
def test_a_value_at_a_knot_passes_the_gradient_by_the_slope_at_its_left(shared: bool) -> None:
    """As ReLU does: slope 1 up to -2, 2 up to 0, 5 beyond, of knots for all neurons or for each."""
    x = torch.tensor([[-2.0, 0.0, 1.0]] * 2, requires_grad=True)
    knots = torch.tensor([[-2.0, 0.0]]).repeat(1 if shared else 2, 1)
    found = piecewise_linear(x, knots, torch.tensor([[1.0, 3.0]] * 2), torch.ones(2, 1))
    assert found.tolist() == [[-2.0, 2.0, 7.0]] * 2
    assert torch.autograd.grad(found.sum(), x)[0].tolist() == [[1.0, 2.0, 5.0]] * 2


def test_trained_functions_begin_as_relu() -> None:
    x = torch.linspace(-4, 4, 33)[None].repeat(2, 1)
    torch.testing.assert_close(TrainedFunction(2)(x), torch.relu(x))


@pytest.mark.parametrize("seed", range(5))
def test_slopes_and_ranges_hold_for_every_value_of_an_interval(seed: int) -> None:
    _, knots, bends, slope = _random(4, seed)
    function = PiecewiseLinear(knots.numpy(), bends.numpy(), slope.numpy()[:, 0])
    lo, hi = np.array([-3.0, -1.0, 0.1, -2.0]), np.array([3.0, 0.5, 4.0, -1.6])
    x = np.linspace(lo, hi, 2001)
    y = apply(function, x)
    least, most = range_after((function,), lo, hi)
    np.testing.assert_allclose(least, y.min(axis=0), atol=0.02)
    np.testing.assert_allclose(most, y.max(axis=0), atol=0.02)
    assert (np.abs(np.diff(y, axis=0)) <= slope_of((function,), lo, hi) * np.diff(x, axis=0) + 1e-12).all()


def test_a_trained_network_and_its_functions_say_the_same() -> None:
    torch.manual_seed(2)
    source = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    module = TrainableNetwork(netgen.read(source, example=torch.rand(2, 6)), torch.float64)
    x = torch.from_numpy(np.random.default_rng(1).uniform(size=(20, 6)))
    before = module(x)
    module.train_functions()
    torch.testing.assert_close(module(x), before)
    with torch.no_grad():
        for layer in module.parts:
            if layer.trained is not None:
                layer.trained.bends.add_(torch.randn_like(layer.trained.bends))
                layer.trained.slope.add_(0.5)
    assert not torch.allclose(module(x), before)
    assert np.allclose(module.network().evaluate(x.numpy()), module(x).detach().numpy(), rtol=1e-9, atol=1e-9)
