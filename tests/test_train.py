"""Training and pruning of perceptrons to a target."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from train_cases import RECIPE, perceptron

from netgen.data import Dataset, Split
from netgen.errors import TrainError
from netgen.ir.dense import DenseLayer, DenseNetwork, remove_dead
from netgen.nn.trainable import TrainableNetwork
from netgen.spec.sections import PruneSpec
from netgen.train import Pruning, Recipe, Samples, Shaped, accuracy_of, fit, predict, prune_and_retrain


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
        shaped = Shaped.perceptron((64, 16, 10), batch_norm=True, seed=1)
        accuracy = fit(shaped, digits, RECIPE, epochs=8, seed=5)
        assert accuracy == accuracy_of(shaped, digits.validation)
        assert accuracy > 0.9
        states.append(shaped.state_dict())
    for name, one in states[0].items():
        assert torch.equal(one, states[1][name])


def _pruned(network: TrainableNetwork, data: Dataset, spec: PruneSpec) -> tuple[TrainableNetwork, float]:
    pruning = Pruning(network, Samples.of(data.train), RECIPE, spec, seed=1, normalize=False)
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
    network = perceptron((64, 16, 10))
    fit(network, digits, RECIPE, epochs=5, seed=1)
    spec = PruneSpec(sparsity=0.75, rounds=3, epochs=1, retrain=3)
    module, accuracy = _pruned(network, digits, spec)
    assert 0.2 * (64 * 16 + 16 * 10) < module.wires <= round(0.25 * (64 * 16 + 16 * 10))
    scores = module.network().evaluate(digits.validation.features)
    assert isinstance(scores, np.ndarray)
    assert (scores.argmax(axis=1) == digits.validation.labels).mean() == pytest.approx(accuracy, abs=1e-9)


def test_pruning_to_an_accuracy_holds_it(digits: Dataset) -> None:
    network = perceptron((64, 16, 10))
    fit(network, digits, RECIPE, epochs=10, seed=1)
    spec = PruneSpec(sparsity=None, accuracy=0.9, rounds=20, epochs=2, retrain=2)
    module, accuracy = _pruned(network, digits, spec)
    assert accuracy >= 0.9
    assert module.wires < 0.5 * (64 * 16 + 16 * 10)


def test_an_accuracy_out_of_reach_is_an_error(digits: Dataset) -> None:
    network = perceptron((64, 4, 10))
    with pytest.raises(TrainError, match=r"prune\.accuracy: 0\.99 is above the dense network's validation accuracy"):
        _pruned(network, digits, PruneSpec(sparsity=None, accuracy=0.99))


@pytest.mark.parametrize("recipe", [replace(RECIPE, learning_rate=1e300), replace(RECIPE, weight_decay=1e308)])
def test_training_that_diverges_says_so(digits: Dataset, recipe: Recipe) -> None:
    with pytest.raises(TrainError, match=r"^train: diverged at learning rate .*: weights are no longer finite; lower"):
        fit(perceptron((64, 4, 10)), digits, recipe, epochs=1, seed=1, decay=False)


@pytest.mark.parametrize("layers", [perceptron((64, 4, 10), batch_norm=True), nn.BatchNorm1d(64)])
def test_batches_of_one_sample_are_refused_where_the_batch_normalizes(digits: Dataset, layers: nn.Module) -> None:
    """PyTorch's own message would be: Expected more than 1 value per channel when training."""
    with pytest.raises(
        TrainError, match=r"^train\.batch_size: 1 with .* samples, but batch normalization needs batches"
    ):
        fit(layers, digits, replace(RECIPE, batch_size=1), epochs=1, seed=1)
