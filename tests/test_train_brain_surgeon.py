"""Optimal Brain Surgeon: Hessian blocks, adjusted curvature and adjusted weights, each against another method."""

import copy
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from train_cases import RECIPE

from netgen.data import Dataset
from netgen.spec.sections import PruneSpec
from netgen.train import Mlp, Pruning, Samples, fit, prune_and_retrain
from netgen.train.brain_surgeon import DAMPING, Block, BrainSurgeon
from netgen.train.schedule import PruningTarget


@pytest.fixture(scope="module")
def trained(digits: Dataset) -> Mlp:
    """A network with half of its weights, trained a little."""
    mlp = Mlp.seeded((64, 12, 8, 10), batch_norm=True, seed=1)
    generator = torch.Generator().manual_seed(2)
    for layer in mlp.masked:
        layer.mask.copy_((torch.rand(layer.mask.shape, generator=generator) < 0.5).float())
    fit(mlp, digits, RECIPE, epochs=6, seed=1)
    return mlp.double().eval()


def _loss(mlp: Mlp, features: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(mlp(features), labels).detach()


@pytest.mark.parametrize(("depth", "neuron"), [(0, 3), (1, 5), (2, 9)])
def test_a_block_is_the_hessian_that_autograd_finds(trained: Mlp, digits: Dataset, depth: int, neuron: int) -> None:
    features, labels = torch.tensor(digits.train.features).double()[:200], torch.tensor(digits.train.labels)[:200]
    block = BrainSurgeon.of(trained, features).blocks[depth][neuron]
    layer = trained.masked[depth]

    def loss(values: Tensor) -> Tensor:
        weight = layer.weight.detach().clone()
        weight[neuron, block.columns] = values[:-1]
        bias = layer.bias.detach().clone()
        bias[neuron] = values[-1]
        state = {f"linears.{depth}.weight": weight, f"linears.{depth}.bias": bias}
        return nn.functional.cross_entropy(torch.func.functional_call(trained, state, (features,)), labels)

    at = torch.cat([layer.weight[neuron, block.columns], layer.bias[neuron : neuron + 1]]).detach()
    hessian = torch.autograd.functional.hessian(loss, at)  # type: ignore[no-untyped-call]
    damping = DAMPING * hessian.diagonal().mean() * torch.eye(len(at))
    assert torch.allclose(block.hessian, hessian + damping, rtol=1e-6, atol=1e-9)


def test_curvature_and_adjustment_solve_the_bordered_system() -> None:
    """The least d' H d / 2 with d fixed for removed weights: the bordered matrix of Lagrange multipliers, by numpy."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(6, 6))
    hessian, weight = a @ a.T + 0.1 * np.eye(6), rng.normal(size=5)
    block = Block(torch.arange(5), torch.from_numpy(hessian))

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


def test_adjusting_the_remaining_weights_raises_the_loss_less(trained: Mlp, digits: Dataset) -> None:
    """The half of the wires with the least saliency is removed; the loss is on the samples of the Hessian."""
    features, labels = torch.tensor(digits.train.features).double(), torch.tensor(digits.train.labels)
    surgeon = BrainSurgeon.of(trained, features)
    curvature = surgeon.curvature(trained)
    rank = [(layer.weight**2 * h).detach() for layer, h in zip(trained.masked, curvature, strict=True)]
    there = torch.cat([r[layer.mask > 0] for r, layer in zip(rank, trained.masked, strict=True)])
    limit = there.quantile(0.5)
    masks = [((r > limit) & (layer.mask > 0)).numpy() for r, layer in zip(rank, trained.masked, strict=True)]
    losses = [float(_loss(trained, features, labels))]
    for adjusted in (True, False):
        mlp = copy.deepcopy(trained)
        if adjusted:
            surgeon.compensate(mlp, masks)
        for layer, mask in zip(mlp.masked, masks, strict=True):
            layer.mask.copy_(torch.from_numpy(mask))
        losses.append(float(_loss(mlp, features, labels)))
    dense, with_adjustment, without = losses
    assert with_adjustment - dense < (without - dense) / 2


def test_nothing_changes_when_no_weight_is_removed(trained: Mlp, digits: Dataset) -> None:
    mlp = copy.deepcopy(trained)
    surgeon = BrainSurgeon.of(mlp, torch.tensor(digits.train.features).double()[:100])
    surgeon.compensate(mlp, [layer.mask.numpy() > 0 for layer in mlp.masked])
    for (name, before), after in zip(trained.state_dict().items(), mlp.state_dict().values(), strict=True):
        assert torch.equal(before, after), name


def test_pruning_by_obs_uses_blocks_once_the_network_can_be_placed_and_reaches_its_target(digits: Dataset) -> None:
    mlp = Mlp.seeded((64, 16, 10), batch_norm=True, seed=1)
    fit(mlp, digits, RECIPE, epochs=4, seed=1)
    spec = PruneSpec(rule="obs", sparsity=None, wires=150, rounds=5, retrain=0, place_at=600)
    pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, spec, seed=1)
    assert pruning._sensitivity().surgeon is None
    network, accuracy = prune_and_retrain(pruning, digits, epochs=0)
    assert pruning._sensitivity().surgeon is not None
    assert network.weights_left <= 150
    assert accuracy > 0.6


@pytest.mark.parametrize(("rule", "adjusts"), [("obd", False), ("obs", True)])
def test_only_obs_adjusts_the_remaining_weights(digits: Dataset, rule: Literal["obd", "obs"], adjusts: bool) -> None:
    mlp = Mlp.seeded((64, 16, 10), batch_norm=False, seed=1)
    before = mlp.network()
    spec = PruneSpec(rule=rule, sparsity=None, wires=600, retrain=0)
    Pruning(mlp, Samples.of(digits.train), RECIPE, spec, seed=1).keep(PruningTarget(count=600))
    after = mlp.network()
    assert 500 < after.weights_left <= 600  # some lead to neurons that are dead then
    for old, new in zip(before.layers, after.layers, strict=True):
        assert np.array_equal(old.weight[new.mask], new.weight[new.mask]) != adjusts
