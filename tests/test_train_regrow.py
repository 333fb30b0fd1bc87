"""Regrowth: which pruned wires come back, against gradients by autograd, and what it leaves as it was."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from train_cases import random_perceptron

import netgen
from netgen.ir.fixed import Reals, Words
from netgen.nn.trainable import TrainableNetwork
from netgen.train.regrow import regrow
from netgen.train.removal import remove_wires
from netgen.train.samples import Batch
from netgen.train.schedule import PruningTarget


def _batch(features: int, classes: int) -> Batch:
    x = torch.rand(30, features, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return Batch(x, torch.arange(30) % classes, None)


def _ones(source: Words, target: Words) -> Reals:
    del target
    return np.ones(len(source))


def _gradients(whole: TrainableNetwork, pruned: TrainableNetwork, batch: Batch) -> list[Reals]:
    """By autograd: of the loss by every weight of the whole network, when those that are pruned are 0."""
    made = copy.deepcopy(whole).eval()
    with torch.no_grad():
        for own, layer in zip(made.sums, pruned.sums, strict=True):
            own.weight.zero_()
            own.weight[torch.from_numpy(layer.wire)] = layer.weight[torch.from_numpy(layer.parameter)]
    nn.functional.cross_entropy(made(batch.features), batch.labels).backward()  # type: ignore[no-untyped-call]
    return [layer.weight.grad.numpy() for layer in made.sums if layer.weight.grad is not None]


@pytest.mark.parametrize("count", [25, 30])
def test_the_wires_of_greatest_gradient_come_back_at_the_value_0(count: int) -> None:
    whole = random_perceptron((6, 5, 4), batch_norm=True)
    network, batch = copy.deepcopy(whole), _batch(6, 4)
    rng = np.random.default_rng(1)
    remove_wires(network, [rng.random(len(layer.weight)) < 0.4 for layer in network.sums])
    before, had = network(batch.features).detach(), [layer.wire for layer in network.sums]
    gradients = _gradients(whole, network, batch)
    for own, wires in zip(gradients, had, strict=True):
        own[wires] = 0
    regrow(network, PruningTarget(count=count), batch, _ones)
    assert network.wires == count
    assert torch.allclose(network.eval()(batch.features), before)
    new = [np.setdiff1d(layer.wire, wires) for layer, wires in zip(network.sums, had, strict=True)]
    grown = np.concatenate([np.abs(own[wires]) for own, wires in zip(gradients, new, strict=True)])
    order = np.sort(np.abs(np.concatenate(gradients)))[::-1]
    assert np.allclose(np.sort(grown)[::-1], order[: len(grown)])


def test_a_target_of_wire_length_divides_gradients_by_lengths() -> None:
    """Between a first input at distance 100 and others at 1: within a length of 99 more none of the first come back."""
    network, batch = random_perceptron((6, 4), batch_norm=False), _batch(6, 4)
    remove_wires(network, [np.arange(24) % 6 == 1])

    def length(source: Words, target: Words) -> Reals:
        del target
        return np.where(source == 0, 100.0, 1.0)

    regrow(network, PruningTarget(length=4 + 99), batch, length)
    assert network.wires == 20
    assert (network.sums[0].source > 0).all()


def test_moments_of_the_optimizer_stay_with_their_weights() -> None:
    network, batch = random_perceptron((6, 5, 4), batch_norm=False), _batch(6, 4)
    optimizer = torch.optim.Adam(network.parameters())
    kept = [np.arange(len(layer.weight)) % 3 > 0 for layer in network.sums]
    nn.functional.cross_entropy(network(batch.features), batch.labels).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    moments = optimizer.state[network.sums[0].weight]["exp_avg"].clone().numpy()
    remove_wires(network, kept, optimizer)
    regrow(network, PruningTarget(count=50), batch, _ones, optimizer)
    found = optimizer.state[network.sums[0].weight]["exp_avg"].numpy()
    wire = network.sums[0].wire
    assert len(wire) > kept[0].sum()
    assert np.array_equal(found, np.where(kept[0][wire], moments[wire], 0))


def test_a_shared_weight_comes_back_with_all_its_wires() -> None:
    """Of the 9 entries of a kernel, each used at 9 positions, those that stay have their wires, and one comes back."""
    torch.manual_seed(1)
    parts = nn.Unflatten(1, (1, 5, 5)), nn.Conv2d(1, 1, 3), nn.ReLU(), nn.Flatten()
    read = netgen.read(nn.Sequential(*parts, nn.Linear(9, 3)).eval(), example=torch.rand(2, 25))
    network, batch = TrainableNetwork(read).double(), _batch(25, 3)
    remove_wires(network, [np.arange(9) < 4, np.ones(27, dtype=np.bool_)])
    assert network.wires == 4 * 9 + 27
    before = network.eval()(batch.features).detach()
    regrow(network, PruningTarget(count=5 * 9 + 27), batch, _ones)
    kernel = network.sums[0]
    assert np.bincount(kernel.parameter).tolist() == [9] * 5
    assert torch.allclose(network.eval()(batch.features), before)
    assert all(len(np.unique(read.layers[0].weight[kernel.wire[kernel.parameter == k]])) == 1 for k in range(5))
