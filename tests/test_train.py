"""Training, pruning to a target, and conversion to a `Network`."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from train_cases import RECIPE

from netgen.data import Dataset, Split
from netgen.errors import TrainError
from netgen.ir.dense import DenseLayer, DenseNetwork, remove_dead
from netgen.ir.fixed import FixedPoint
from netgen.spec.sections import PruneSpec
from netgen.train import Mlp, Pruning, Recipe, Samples, accuracy_of, fit, predict, prune_and_retrain


def test_an_mlp_with_batch_norm_folds_into_an_equal_network() -> None:
    mlp = Mlp.seeded((5, 7, 4, 3), batch_norm=True, seed=3)
    with torch.no_grad():
        for norm in mlp.norms:
            assert isinstance(norm, nn.BatchNorm1d)
            for tensor in (norm.weight, norm.bias, norm.running_mean):
                assert tensor is not None
                tensor.uniform_(-2, 2)
        mlp.masked[1].mask[0, :3] = 0
    x = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    mlp.double().eval()
    expected = mlp(torch.from_numpy(x.astype(np.float64))).detach().numpy()
    assert np.allclose(predict(mlp.network(), x), expected, rtol=1e-12, atol=1e-12)


def test_removing_dead_neurons_changes_no_output() -> None:
    rng = np.random.default_rng(1)
    layers = []
    for n_in, n_out in ((6, 5), (5, 4), (4, 3)):
        mask = rng.random((n_out, n_in)) < 0.35
        mask[2] = False  # a neuron with its bias only
        layers.append(DenseLayer(rng.normal(size=(n_out, n_in)), rng.normal(size=n_out), mask, "relu"))
    network = DenseNetwork(tuple(layers))
    smaller = remove_dead(network)
    x = rng.normal(size=(50, 6))
    assert smaller.weights_left < network.weights_left
    assert np.allclose(predict(smaller, x), predict(network, x), atol=1e-12)


def test_training_learns_and_repeats_exactly(digits: Dataset) -> None:
    states = []
    for _ in range(2):
        mlp = Mlp.seeded((64, 16, 10), batch_norm=True, seed=1)
        accuracy = fit(mlp, digits, RECIPE, epochs=8, seed=5)
        assert accuracy == accuracy_of(mlp, digits.validation)
        assert accuracy > 0.9
        states.append(mlp.network())
    for one, two in zip(states[0].layers, states[1].layers, strict=True):
        assert np.array_equal(one.weight, two.weight)


def _pruned(mlp: Mlp, data: Dataset, spec: PruneSpec) -> tuple[DenseNetwork, float]:
    pruning = Pruning(mlp, Samples.of(data.train), RECIPE, spec, seed=1)
    return prune_and_retrain(pruning, data, epochs=spec.retrain)


@pytest.mark.parametrize(("momentum", "decay", "mean"), [(0.1, True, 0.25), (None, True, 0.45), (0.1, False, 0.75)])
def test_a_decaying_rate_ends_on_undistorted_samples(momentum: float | None, decay: bool, mean: float) -> None:
    """Features are 1/4, and 3/4 in the distorted copy, so the running mean says which samples came last.

    Of twenty epochs sixteen show both in turn: the mean of all is 1/4 + 8/20 of 1/2. With a constant rate the last is
    the copy's.
    """
    features = np.full((200, 3), 0.25, dtype=np.float32)
    split = Split(features, np.zeros(200, dtype=np.int64))
    data = Dataset(split, split, split, classes=2, scale=np.ones(3), digest="")
    samples = Samples.of(split, more=[torch.full((200, 3), 192, dtype=torch.uint8)])
    norm, always_right = nn.BatchNorm1d(3, momentum=momentum), nn.Linear(3, 2)
    with torch.no_grad():
        always_right.weight.zero_().requires_grad_(False)
        always_right.bias.copy_(torch.tensor([1.0, 0.0]))
    fit(
        nn.Sequential(norm, always_right),
        data,
        Recipe(2, 0.01, 0.0, 0.0),
        epochs=20,
        seed=1,
        samples=samples,
        decay=decay,
    )
    assert norm.running_mean is not None
    assert norm.running_mean.tolist() == pytest.approx([mean] * 3, abs=1e-4)


def test_pruning_reaches_the_wanted_sparsity(digits: Dataset) -> None:
    mlp = Mlp.seeded((64, 16, 10), batch_norm=False, seed=1)
    fit(mlp, digits, RECIPE, epochs=5, seed=1)
    spec = PruneSpec(sparsity=0.75, rounds=3, epochs=1, retrain=3)
    network, accuracy = _pruned(mlp, digits, spec)
    assert network.weights_left <= round(0.25 * (64 * 16 + 16 * 10))
    assert network.weights_left > 0.2 * (64 * 16 + 16 * 10)
    right = (predict(network, digits.validation.features).argmax(axis=1) == digits.validation.labels).mean()
    assert right == pytest.approx(accuracy, abs=1e-9)


def test_pruning_to_an_accuracy_holds_it(digits: Dataset) -> None:
    mlp = Mlp.seeded((64, 16, 10), batch_norm=False, seed=1)
    fit(mlp, digits, RECIPE, epochs=10, seed=1)
    spec = PruneSpec(sparsity=None, accuracy=0.9, rounds=20, epochs=2, retrain=2)
    network, accuracy = _pruned(mlp, digits, spec)
    assert accuracy >= 0.9
    assert network.weights_left < 0.5 * network.weights_total


def test_an_accuracy_out_of_reach_is_an_error(digits: Dataset) -> None:
    mlp = Mlp.seeded((64, 4, 10), batch_norm=False, seed=1)
    with pytest.raises(TrainError, match=r"prune\.accuracy: 0\.99 is above the dense network's validation accuracy"):
        _pruned(mlp, digits, PruneSpec(sparsity=None, accuracy=0.99))


def test_hidden_results_are_rounded_in_training_if_the_network_has_formats() -> None:
    """With one bit in steps of 1 a sum of 0.5 or more gives 1; the gradient is 1 from -0.5 up to 1.5."""
    mlp = Mlp.seeded((1, 1, 1), batch_norm=False, seed=1, rounding=[FixedPoint(1, 0, signed=False)])
    first, last = mlp.masked
    with torch.no_grad():
        for layer in (first, last):
            layer.weight.fill_(1.0)
            layer.bias.zero_()
    x = torch.tensor([[-0.6], [-0.4], [0.4], [0.5], [1.4], [1.6]], requires_grad=True)
    mlp(x).sum().backward()
    assert mlp(x)[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert x.grad is not None
    assert x.grad[:, 0].tolist() == [0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("recipe", [replace(RECIPE, learning_rate=1e300), replace(RECIPE, weight_decay=1e308)])
def test_training_that_diverges_says_so(digits: Dataset, recipe: Recipe) -> None:
    mlp = Mlp.seeded((64, 4, 10), batch_norm=False, seed=1)
    with pytest.raises(TrainError, match=r"^train: diverged at learning rate .*: weights are no longer finite; lower"):
        fit(mlp, digits, recipe, epochs=1, seed=1, decay=False)
