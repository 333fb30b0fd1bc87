"""Removing dead neurons changes no score and no training."""

import numpy as np
import pytest
import torch
from train_cases import RECIPE, random_mlp

from netgen.data import Dataset
from netgen.spec.sections import PruneSpec
from netgen.train import Mlp, Pruning, Samples, predict
from netgen.train.dead import remove_dead_neurons


@pytest.mark.parametrize("batch_norm", [False, True])
def test_removing_dead_neurons_keeps_scores_masks_and_shape_and_makes_matrices_smaller(batch_norm: bool) -> None:
    mlp = random_mlp((9, 8, 7, 3), batch_norm=batch_norm, share=0.2)
    mlp.masked[1].mask[2] = 0  # a constant
    x = torch.randn(20, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    before, network = mlp(x).detach(), mlp.network()
    size = sum(layer.weight.numel() for layer in mlp.masked)
    remove_dead_neurons(mlp)
    assert torch.allclose(mlp(x), before, atol=1e-12)
    assert sum(layer.weight.numel() for layer in mlp.masked) < size
    assert mlp.network().sizes == network.sizes
    assert np.allclose(predict(mlp.network(), x.numpy()), before.numpy(), atol=1e-12)
    for now, then in zip(mlp.network().layers, network.layers, strict=True):
        assert not (now.mask & ~then.mask).any()


def test_training_is_the_same_with_and_without_removing_dead_neurons(digits: Dataset) -> None:
    """Weights of dead neurons have no gradient, and Adam keeps the moments of the others."""
    results = []
    for removes in (False, True):
        mlp = Mlp.seeded((64, 12, 10), batch_norm=False, seed=1)
        pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, PruneSpec(), seed=1)
        pruning.descent.run(20)
        mlp.masked[0].mask[3:6] = 0
        mlp.masked[1].mask[:, 3:6] = 0
        mlp.masked[0].mask[:, 10:20] = 0
        if removes:
            remove_dead_neurons(mlp, pruning.descent.optimizer)
            assert mlp.masked[0].weight.shape == (9, 54)
        pruning.descent.run(20)
        results.append(mlp.network())
    for one, two in zip(results[0].layers, results[1].layers, strict=True):
        assert np.allclose(one.weight, two.weight, atol=1e-6)
