"""Networks under training on disk."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from train_cases import perceptron, random_perceptron

import netgen
from netgen.ir.fixed import FixedPoint
from netgen.nn.trainable import TrainableNetwork
from netgen.train import load_trained, reinitialize, save_trained
from netgen.train.removal import remove_parameters


def _convolution(*, untied: bool) -> TrainableNetwork:
    torch.manual_seed(1)
    parts = nn.Unflatten(1, (1, 6, 6)), nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    network = TrainableNetwork(netgen.read(nn.Sequential(*parts, nn.Linear(8, 3)).eval(), example=torch.rand(2, 36)))
    if untied:
        network.untie()
        network.normalize(torch.rand(20, 36))
    return network


def _with_trained_functions(network: TrainableNetwork) -> TrainableNetwork:
    network.train_functions()
    with torch.no_grad():
        for layer in network.parts:
            if layer.trained is not None:
                layer.trained.bends.add_(torch.rand_like(layer.trained.bends))
                layer.trained.slope.fill_(-0.5)
    return network


def _pruned(network: TrainableNetwork) -> TrainableNetwork:
    rng = np.random.default_rng(1)
    remove_parameters(network, [rng.random(len(layer.weight)) < 0.6 for layer in network.sums])
    return network


@pytest.mark.parametrize(
    "network",
    [
        perceptron((6, 5, 3), batch_norm=True),
        perceptron((6, 5, 3), rounding=[FixedPoint(3, 2, signed=False)]),
        _pruned(random_perceptron((6, 5, 3), batch_norm=True).float()),
        _convolution(untied=False),
        _pruned(_convolution(untied=False)),
        _pruned(_convolution(untied=True)),
        _pruned(_with_trained_functions(_convolution(untied=True))),
    ],
    ids=["whole", "rounded", "pruned", "tied", "tied and pruned", "untied", "trained functions"],
)
def test_what_was_saved_computes_and_goes_on_as_before(network: TrainableNetwork, tmp_path: Path) -> None:
    """In training too; and the same state gives the same bytes."""
    save_trained(tmp_path / "a.npz", network)
    again = load_trained(tmp_path / "a.npz")
    x = torch.rand(20, network.like.features)
    for training in (True, False):
        assert torch.equal(again.train(training)(x), network.train(training)(x))
    save_trained(tmp_path / "a.npz", network)
    save_trained(tmp_path / "b.npz", again)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert again.like.wires == network.like.wires
    assert [layer.tied for layer in again.sums] == [layer.tied for layer in network.sums]


def test_new_random_weights_have_the_variance_of_their_fan_in() -> None:
    """Uniform within sqrt(6 / fan-in), whose variance is 2 / fan-in; biases 0, normalization as at first."""
    network = _pruned(random_perceptron((200, 50, 40), batch_norm=True))
    wires = [layer.wire for layer in network.sums]
    reinitialize(network, 3)
    for layer, wire in zip(network.sums, wires, strict=True):
        assert np.array_equal(layer.wire, wire)
        fan_in = np.bincount(layer.target)[layer.target]
        weight = layer.weight.detach().numpy()
        assert (np.abs(weight) <= np.sqrt(6 / fan_in)).all()
        assert (weight**2 * fan_in).mean() == pytest.approx(2, rel=0.1)
        assert not layer.bias.any()
    assert network.sums[0].norm is not None
    assert network.sums[0].norm.running_mean is not None
    assert not network.sums[0].norm.running_mean.any()
