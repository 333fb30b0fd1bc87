"""Any network as a module of wires, against the PyTorch modules that it was read from."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netgen
from netgen.errors import TrainError
from netgen.ir.arrays import Bools
from netgen.ir.network import Head, Layer, Network, Port
from netgen.nn.trainable import TrainableNetwork
from netgen.train.brain_surgeon import BrainSurgeon
from netgen.train.derivatives import curvature_of
from netgen.train.removal import _keep_wires, remove_parameters


class Residual(nn.Module):
    """A convolution, one with a skip over it, a maximum and a linear layer: every way of reading earlier neurons."""

    def __init__(self, function: nn.Module | None = None) -> None:
        super().__init__()
        self.entry = nn.Conv2d(1, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.inner = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(27, 4)
        self.function = function or nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Scores (n, 4) of features (n, 36)."""
        entry = self.function(self.norm(self.entry(x.view(-1, 1, 6, 6))))
        scores: Tensor = self.head(self.pool(torch.relu(self.inner(entry) + entry)).flatten(1))
        return scores


def _model(function: nn.Module | None = None) -> Residual:
    torch.manual_seed(2)
    model = Residual(function)
    with torch.no_grad():
        for tensor in (model.norm.weight, model.norm.bias, model.norm.running_mean):
            assert tensor is not None
            tensor.uniform_(-0.5, 1.0)
    return model.eval()


def _features(count: int = 40) -> Tensor:
    return torch.rand(count, 36, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


@cache
def _read() -> Network:
    return netgen.read(_model(), example=_features(2).float())


def _trainable(model: nn.Module | None = None, *, untied: bool) -> TrainableNetwork:
    network = _read() if model is None else netgen.read(model, example=_features(2).float())
    made = TrainableNetwork(network).double().eval()
    if untied:
        made.untie()
    return made


def _some(network: TrainableNetwork, share: float) -> list[Bools]:
    rng = np.random.default_rng(1)
    return [rng.random(len(layer.weight)) < share for layer in network.sums]


@pytest.mark.parametrize("untied", [False, True])
@pytest.mark.parametrize("function", [nn.ReLU(), nn.Hardtanh(-0.4, 0.6), nn.LeakyReLU(0.2), nn.GELU(), nn.Hardswish()])
def test_the_module_computes_what_its_source_computes(function: nn.Module, untied: bool) -> None:
    model = _model(function)
    made = _trainable(model, untied=untied)
    assert torch.allclose(made(_features()), model.double()(_features()), atol=1e-9)


@pytest.mark.parametrize("function", [nn.ReLU(), nn.Tanh(), nn.ELU(0.7), nn.Sigmoid(), nn.Softplus(2.0), nn.SiLU()])
def test_gradients_of_tied_weights_are_those_of_the_kernel(function: nn.Module) -> None:
    """The inner convolution has no normalization, so its weights are parameters of both; its skip adds 1 to some."""
    model = _model(function)
    made = _trainable(model, untied=False)
    y = torch.arange(40) % 4
    nn.functional.cross_entropy(made(_features()), y).backward()  # type: ignore[no-untyped-call]
    model.double()
    nn.functional.cross_entropy(model(_features()), y).backward()  # type: ignore[no-untyped-call]
    inner = next(layer for layer in made.sums if layer.like.name == "inner")
    assert inner.weight.grad is not None
    assert model.inner.weight.grad is not None
    found, wanted = (torch.sort(grad.flatten()).values for grad in (inner.weight.grad, model.inner.weight.grad))
    assert torch.allclose(found, wanted, atol=1e-9)


def test_normalization_that_is_inserted_changes_no_score() -> None:
    made = _trainable(untied=True)
    before = made(_features()).detach()
    made.normalize(_features(25))
    assert sum(layer.norm is not None for layer in made.sums) == 2
    assert torch.allclose(made.eval()(_features()), before, atol=1e-12)
    assert np.allclose(made.network().evaluate(_features().numpy()), before, atol=1e-12)


@pytest.mark.parametrize("untied", [False, True])
@pytest.mark.parametrize("normalized", [False, True])
def test_removed_wires_leave_the_scores_of_weights_set_to_zero(untied: bool, normalized: bool) -> None:
    """Dead neurons, constants and the wires of maxima included; several shares, down to few wires."""
    for share in (0.5, 0.2, 0.1):
        made = _trainable(untied=untied)
        if normalized:
            made.normalize(_features(30))
        kept = _some(made, share)
        for layer, mask in zip(made.sums, kept, strict=True):
            layer.weight.data[torch.from_numpy(~mask)] = 0
        before = made.eval()(_features()).detach()
        remove_parameters(made, kept)
        assert torch.allclose(made(_features()), before, atol=1e-12)
        assert torch.allclose(made(_features()[:, made.columns]), before, atol=1e-12)
        network = made.network()
        assert network.wires == made.wires
        assert np.allclose(network.evaluate(_features().numpy()), before, atol=1e-12)


@pytest.mark.parametrize("parameter", [[1, 0], [1, 0, 0]])
def test_weights_with_a_wire_each_may_be_numbered_in_any_order(parameter: list[int]) -> None:
    """2 * 3 + 10 * 5 = 56, whatever the numbers of the two parameters; also once a third wire is pruned."""
    m = len(parameter)
    weight = np.array([2.0, 10.0, 10.0])[:m]
    layer = Layer("one", np.array([0, m]), np.arange(m), weight, np.zeros(1), parameter=np.array(parameter))
    made = TrainableNetwork(Network((Port("x", (m,)),), (layer,), (Head("y", np.array([m])),))).double().eval()
    _keep_wires(made.sums[0], np.arange(m) < 2, None)
    made.renew()
    assert made(torch.tensor([[3.0, 5.0, 7.0][:m]], dtype=torch.float64)).tolist() == [[56.0]]


def test_no_path_left_is_an_error() -> None:
    made = _trainable(untied=True)
    with pytest.raises(TrainError, match="no path"):
        remove_parameters(made, _some(made, 0.0))


def test_the_optimizer_keeps_the_moments_of_what_stays() -> None:
    made = _trainable(untied=True)
    optimizer = torch.optim.Adam(made.parameters())
    made(_features()).square().sum().backward()
    optimizer.step()
    layer = made.sums[0]
    kept = _some(made, 0.5)
    wanted = optimizer.state[layer.weight]["exp_avg"].clone()
    numbers = np.arange(len(wanted))[kept[0]]
    remove_parameters(made, kept, optimizer)
    moments = optimizer.state[layer.weight]["exp_avg"]
    assert len(moments) == len(layer.weight) <= len(numbers)
    assert set(moments.tolist()) <= set(wanted[torch.from_numpy(numbers)].tolist())


def _loss(made: TrainableNetwork, soft: Tensor) -> float:
    """Cross entropy with soft labels; second derivatives of a linear score do not depend on labels."""
    with torch.no_grad():
        return float(-(soft * torch.log_softmax(made(_features()), dim=1)).sum(dim=1).mean())


@pytest.mark.parametrize("untied", [False, True])
def test_second_derivatives_equal_finite_differences(untied: bool) -> None:
    """Through convolutions, a skip, a maximum, normalization; for a weight of many wires, of all of them together."""
    made = _trainable(untied=untied)
    if untied:
        made.normalize(_features(30))
        made.eval()
    soft = torch.softmax(made(_features()), dim=1).detach()
    found, e, rng = curvature_of(made, _features()), 1e-4, np.random.default_rng(3)
    for layer, exact in zip(made.sums, found, strict=True):
        for k in rng.choice(len(exact), 12, replace=False).tolist():
            weight = float(layer.weight[k].detach())
            losses = []
            for moved in (weight + e, weight, weight - e):
                layer.weight.data[k] = moved
                losses.append(_loss(made, soft))
            layer.weight.data[k] = weight
            assert exact[k] == pytest.approx((losses[0] - 2 * losses[1] + losses[2]) / e**2, rel=2e-3, abs=2e-6)


def _rise(made: TrainableNetwork, soft: Tensor, name: str, weight: Tensor, bias: Tensor) -> float:
    """How much the loss rises when a layer's parameters are replaced."""
    layer = next(one for one in made.sums if one.like.name == name)
    held = layer.weight.data.clone(), layer.bias.data.clone()
    before = _loss(made, soft)
    layer.weight.data, layer.bias.data = weight, bias
    after = _loss(made, soft)
    layer.weight.data, layer.bias.data = held
    return after - before


@pytest.mark.parametrize("untied", [False, True])
def test_adjusting_the_other_weights_makes_the_loss_rise_less(untied: bool) -> None:
    """Removes a small part of the inner convolution's weights; without the adjustment the loss rises far more."""
    made = _trainable(untied=untied)
    soft = torch.softmax(made(_features()), dim=1).detach()
    surgeon = BrainSurgeon.of(made, _features())
    index = [layer.like.name for layer in made.sums].index("inner")
    layer = made.sums[index]
    kept = [np.ones(len(one.weight), dtype=np.bool_) for one in made.sums]
    kept[index] = np.random.default_rng(4).random(len(layer.weight)) < 0.9
    plain = torch.where(torch.from_numpy(kept[index]), layer.weight.data, 0.0)
    without = _rise(made, soft, "inner", plain, layer.bias.data)
    surgeon.compensate(made, kept)
    adjusted = torch.where(torch.from_numpy(kept[index]), layer.weight.data, 0.0), layer.bias.data.clone()
    made = _trainable(untied=untied)
    assert 0 <= _rise(made, soft, "inner", *adjusted) < without / 3


def test_curvature_of_the_surgeon_is_at_most_that_without_adjustment() -> None:
    """Adjusting others can only lower the rise of the loss; damping adds a thousandth of the mean."""
    for untied in (False, True):
        made = _trainable(untied=untied)
        plain = curvature_of(made, _features())
        adjusted = BrainSurgeon.of(made, _features()).curvature(made)
        for own, less in zip(plain, adjusted, strict=True):
            assert (less <= own + 0.002 * own.mean() + 1e-9 + 0.01 * own.max()).all()
            assert (less < 0.9 * own).any()
