"""Optimal Brain Surgeon: Hessian blocks, adjusted curvature and adjusted weights, each against another method."""

import copy
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from train_cases import RECIPE, perceptron

from netgen.data import Dataset
from netgen.nn.trainable import TrainableNetwork, array_of
from netgen.spec.sections import PruneSpec
from netgen.train import Pruning, Samples, fit, prune_and_retrain
from netgen.train.brain_surgeon import DAMPING, Block, BrainSurgeon
from netgen.train.removal import remove_wires
from netgen.train.schedule import PruningTarget


@pytest.fixture(scope="module")
def trained(digits: Dataset) -> TrainableNetwork:
    """A network with half of its weights, trained a little."""
    network = perceptron((64, 12, 8, 10), batch_norm=True)
    generator = torch.Generator().manual_seed(2)
    remove_wires(network, [(torch.rand(len(one.weight), generator=generator) < 0.5).numpy() for one in network.sums])
    fit(network, digits, RECIPE, epochs=6, seed=1)
    return network.double().eval()


def _loss(network: TrainableNetwork, features: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(network(features), labels).detach()


@pytest.mark.parametrize(("depth", "neuron"), [(0, 3), (1, 5), (2, 9)])
def test_a_block_is_the_hessian_that_autograd_finds(
    trained: TrainableNetwork, digits: Dataset, depth: int, neuron: int
) -> None:
    features, labels = torch.tensor(digits.train.features).double()[:200], torch.tensor(digits.train.labels)[:200]
    block = BrainSurgeon.of(trained, features).channels[depth][neuron]
    layer, wires = trained.sums[depth], torch.from_numpy(block.parameters)
    assert set(layer.target[block.parameters]) == {neuron}

    def loss(values: Tensor) -> Tensor:
        weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
        weight[wires], bias[neuron] = values[:-1], values[-1]
        state = {f"layers.{depth}.weight": weight, f"layers.{depth}.bias": bias}
        return nn.functional.cross_entropy(torch.func.functional_call(trained, state, (features,)), labels)

    at = torch.cat([layer.weight[wires], layer.bias[neuron : neuron + 1]]).detach()
    hessian = torch.autograd.functional.hessian(loss, at)  # type: ignore[no-untyped-call]
    damping = DAMPING * hessian.diagonal().mean() * torch.eye(len(at))
    assert torch.allclose(block.hessian, hessian + damping, rtol=1e-6, atol=1e-9)


def test_curvature_and_adjustment_solve_the_bordered_system() -> None:
    """The least d' H d / 2 with d fixed for removed weights: the bordered matrix of Lagrange multipliers, by numpy."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(6, 6))
    hessian, weight = a @ a.T + 0.1 * np.eye(6), rng.normal(size=5)
    block = Block(torch.from_numpy(hessian))

    def least(gone: list[int]) -> np.ndarray:
        fixed = np.eye(6)[gone]
        bordered = np.block([[hessian, fixed.T], [fixed, np.zeros((len(gone), len(gone)))]])
        return np.asarray(np.linalg.solve(bordered, np.concatenate([np.zeros(6), -weight[gone]]))[:6])

    for j in range(5):
        d = least([j])
        assert float(block.curvature[j]) * weight[j] ** 2 == pytest.approx(d @ hessian @ d)
    kept = torch.tensor([True, False, True, False, True])
    change = block.adjustment(torch.from_numpy(weight), kept).numpy()
    assert change == pytest.approx(least([1, 3])[[0, 2, 4, 5]])


def test_adjusting_the_remaining_weights_raises_the_loss_less(trained: TrainableNetwork, digits: Dataset) -> None:
    """The half of the wires with the least saliency is removed; the loss is on the samples of the Hessian."""
    features, labels = torch.tensor(digits.train.features).double(), torch.tensor(digits.train.labels)
    surgeon = BrainSurgeon.of(trained, features)
    ranks = [array_of(one.weight) ** 2 * h for one, h in zip(trained.sums, surgeon.curvature(trained), strict=True)]
    limit = np.median(np.concatenate(ranks))
    kept = [rank > limit for rank in ranks]
    losses = [float(_loss(trained, features, labels))]
    for adjusted in (True, False):
        network = copy.deepcopy(trained)
        if adjusted:
            surgeon.compensate(network, kept)
        remove_wires(network, kept)
        losses.append(float(_loss(network, features, labels)))
    dense, with_adjustment, without = losses
    assert with_adjustment - dense < (without - dense) / 2


def test_nothing_changes_when_no_weight_is_removed(trained: TrainableNetwork, digits: Dataset) -> None:
    network = copy.deepcopy(trained)
    surgeon = BrainSurgeon.of(network, torch.tensor(digits.train.features).double()[:100])
    surgeon.compensate(network, [np.ones(len(layer.weight), dtype=np.bool_) for layer in network.sums])
    for (name, before), after in zip(trained.state_dict().items(), network.state_dict().values(), strict=True):
        assert torch.equal(before, after), name


def test_pruning_by_obs_uses_blocks_once_the_network_can_be_placed_and_reaches_its_target(digits: Dataset) -> None:
    network = perceptron((64, 16, 10), batch_norm=True)
    fit(network, digits, RECIPE, epochs=4, seed=1)
    spec = PruneSpec(rule="obs", sparsity=None, wires=150, rounds=5, retrain=0, place_at=600)
    pruning = Pruning(network, Samples.of(digits.train), RECIPE, spec, seed=1)
    assert pruning._sensitivity().surgeon is None
    module, accuracy = prune_and_retrain(pruning, digits, epochs=0)
    assert pruning._sensitivity().surgeon is not None
    assert module.wires <= 150
    assert accuracy > 0.6


@pytest.mark.parametrize(("rule", "adjusts"), [("obd", False), ("obs", True)])
def test_only_obs_adjusts_the_remaining_weights(digits: Dataset, rule: Literal["obd", "obs"], adjusts: bool) -> None:
    network = perceptron((64, 16, 10))
    before = [array_of(layer.weight).copy() for layer in network.sums]
    spec = PruneSpec(rule=rule, sparsity=None, wires=600, retrain=0)
    pruning = Pruning(network, Samples.of(digits.train), RECIPE, spec, seed=1, normalize=False)
    pruning.keep(PruningTarget(count=600))
    assert 500 < network.wires <= 600  # some lead to neurons that are dead then
    for old, layer in zip(before, network.sums, strict=True):
        assert np.array_equal(old[layer.wire], array_of(layer.weight)) != adjusts
