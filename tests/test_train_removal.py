"""Removing dead neurons changes no score and no training."""

import numpy as np
import pytest
import torch
from train_cases import RECIPE, perceptron, random_perceptron, wires_between

from netgen.data import Dataset
from netgen.spec.sections import PruneSpec
from netgen.train import Pruning, Samples, dense_network_of, predict
from netgen.train.removal import remove_dead_neurons, remove_wires


@pytest.mark.parametrize("batch_norm", [False, True])
def test_removing_dead_neurons_keeps_scores_wires_and_shape_and_makes_arrays_smaller(batch_norm: bool) -> None:
    network = random_perceptron((9, 8, 7, 3), batch_norm=batch_norm, share=0.3)
    inner = network.sums[1]
    everything = [np.ones(len(layer.weight), dtype=np.bool_) for layer in network.sums]
    remove_wires(network, [everything[0], ~wires_between(inner, range(8), [2]), everything[2]])  # a constant
    x = torch.randn(20, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    before, dense = network(x).detach(), dense_network_of(network)
    neurons = sum(len(layer.rows) for layer in network.sums)
    remove_dead_neurons(network)
    assert torch.allclose(network(x), before, atol=1e-12)
    assert sum(len(layer.rows) for layer in network.sums) < neurons
    after = dense_network_of(network)
    assert after.sizes == dense.sizes
    assert np.allclose(predict(after, x.numpy()), before.numpy(), atol=1e-12)
    for now, then in zip(after.layers, dense.layers, strict=True):
        assert not (now.mask & ~then.mask).any()


def test_training_is_the_same_with_and_without_removing_dead_neurons(digits: Dataset) -> None:
    """Weights of dead neurons have no gradient, and Adam keeps the moments of the others."""
    results = []
    for removes in (False, True):
        network = perceptron((64, 12, 10))
        pruning = Pruning(network, Samples.of(digits.train), RECIPE, PruneSpec(), seed=1, normalize=False)
        pruning.descent.run(20)
        first, last = network.sums
        kept = [
            ~wires_between(first, range(64), [3, 4, 5]) & ~wires_between(first, range(10, 20), range(12)),
            ~wires_between(last, [3, 4, 5], range(10)),
        ]
        remove_wires(network, kept, pruning.descent.optimizer)
        if removes:
            remove_dead_neurons(network, pruning.descent.optimizer)
            assert (len(first.rows), len(network.inputs)) == (9, 54)
        pruning.descent.run(20)
        results.append(dense_network_of(network))
    for one, two in zip(results[0].layers, results[1].layers, strict=True):
        assert np.allclose(one.weight, two.weight, atol=1e-6)


def test_a_network_trains_on_after_pruning_while_an_earlier_loss_is_still_alive() -> None:
    """On the first use of a machine, the frames in which numba compiled keep the loss until garbage is collected."""
    network = random_perceptron((6, 5, 3), batch_norm=True)
    x = torch.randn(20, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    earlier = network.train()(x).square().sum()
    remove_wires(network, [wires_between(layer, range(6), range(1, 5)) for layer in network.sums])
    remove_dead_neurons(network)
    network.train()(x).square().sum().backward()
    assert all(one.grad is not None and one.grad.shape == one.shape for one in network.parameters())
    assert earlier.requires_grad
