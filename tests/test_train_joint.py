"""Pruning round by round: ranking, targets, regrowth and the placer that follows."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from train_cases import RECIPE

from netgen.data import Dataset
from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.spec.sections import PruneSpec
from netgen.train import Mlp, Penalty, Pruning, Samples, fit, prune_and_retrain, sensitivity
from netgen.train.dead import remove_dead_neurons
from netgen.train.derivatives import curvature_of
from netgen.train.prune import placement_weights
from netgen.train.schedule import PruningTarget


def test_pruning_reweights_by_the_saliencies_of_its_last_ranking(digits: Dataset) -> None:
    """With magnitudes 1, 2, 3 and length 1 the factors are 1 / (1 + |w| / 2), normalized; dead neurons do not count."""
    mlp = Mlp.seeded((64, 3, 10), batch_norm=False, seed=1)
    with torch.no_grad():
        mlp.masked[0].weight[:] = torch.tensor([[1.0], [0.5], [3.0]])
        mlp.masked[1].weight[:] = 2.0
        mlp.masked[1].mask[:, 1] = 0
    spec = PruneSpec(rule="magnitude", sparsity=None, wires=10_000, rounds=1)
    penalty = Penalty("l1", 0.5, 1.0, reweight_at=1000)
    pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, spec, penalty, seed=1)
    pruning.prune(0.0)
    coefficients = [coefficient.numpy() for coefficient in pruning._coefficients]
    assert [p.shape for p in coefficients] == [(2, 64), (10, 2)]
    products = np.concatenate(
        [(coefficients[0] * (1 + np.array([[1.0], [3.0]]) / 2)).ravel(), (coefficients[1] * 2).ravel()]
    )
    assert np.allclose(products, products[0])
    assert np.concatenate([coefficient.ravel() for coefficient in coefficients]).mean() == pytest.approx(0.5)


def test_weights_rank_by_their_mean_since_the_last_pruning(digits: Dataset) -> None:
    """Steps leave 4, 0 in one weight and 1, 1 in another: the first is kept by its mean, the second by its last value.

    The -6 and 2 before the last pruning do not count; with them the first mean would be 0.
    """
    for average_at, stays in ((2, 0), (1, 1), (None, 1)):
        mlp = Mlp.seeded((2, 1), batch_norm=False, seed=1)
        spec = PruneSpec(rule="magnitude", sparsity=None, wires=1, rounds=1, average_at=average_at)
        pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, spec, seed=1)
        for first, count in ((-6.0, None), (2.0, 2), (4.0, None), (0.0, 1)):
            with torch.no_grad():
                mlp.masked[0].weight[:] = torch.tensor([[first, 1.0]])
            pruning._after_step()
            if count is not None:
                pruning.keep(PruningTarget(count=count))
        assert mlp.kept[0].tolist() == [stays]


def test_placement_weights_are_proportional_to_the_root_of_the_saliency() -> None:
    """The best two of four wires weigh 16; a quarter of the second saliency weighs half, a 10,000th the least, 1."""
    saliencies = [np.array([[9.0, 1.0], [0.0, 4.0]]), np.array([[4e-4, 5.0]])]
    masks = [np.array([[True, True], [False, True]]), np.array([[True, False]])]
    weights = placement_weights(saliencies, masks, 0.5)
    assert [w[m].tolist() for w, m in zip(weights, masks, strict=True)] == [[16, 8, 16], [1]]


def test_the_placer_gets_greater_weights_for_wires_that_will_probably_stay(digits: Dataset) -> None:
    """By magnitude: the largest tenth weighs 16, the others 16 times their magnitude divided by the least of these."""
    calls: list[tuple[Sequence[Bools], Sequence[Words]]] = []

    def placer(masks: Sequence[Bools], weights: Sequence[Words]) -> list[Reals]:
        calls.append((masks, weights))
        return _far_apart(masks)

    mlp = Mlp.seeded((64, 16, 10), batch_norm=True, seed=1)
    with torch.no_grad():
        mlp.masked[0].mask[3] = 0
        remove_dead_neurons(mlp)
    spec = PruneSpec(rule="magnitude", sparsity=None, wires=100, rounds=2, place_share=0.1)
    pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, spec, distances=placer, seed=1)
    pruning.follow()
    (masks, weights), network = calls[0], mlp.network()
    sizes = np.concatenate([layer.weight.detach().abs().numpy().ravel() for layer in mlp.masked])
    least = np.sort(sizes)[-round(0.1 * len(sizes))]
    assert [w.shape for w in weights] == [layer.weight.shape for layer in network.layers]
    found = np.concatenate([w[m] for w, m in zip(weights, masks, strict=True)])
    assert np.abs(found - np.maximum(16 * np.minimum(sizes / least, 1), 1)).max() <= 0.5 + 1e-5
    pruning.spec = spec.model_copy(update={"place_share": None})
    pruning.follow()
    assert not calls[1][1]


def _far_apart(masks: Sequence[Bools], weights: Sequence[Words] = ()) -> list[Reals]:  # noqa: ARG001 - a placer takes both
    """A placer that leaves every neuron at its index."""
    return [1.0 + np.abs(np.arange(m.shape[0])[:, None] - np.arange(m.shape[1])) for m in masks]


@pytest.mark.parametrize("regrow", [0.0, 0.3])
def test_pruning_ends_within_the_wanted_wire_length(digits: Dataset, regrow: float) -> None:
    mlp = Mlp.seeded((64, 16, 10), batch_norm=True, seed=1)
    fit(mlp, digits, RECIPE, epochs=4, seed=1)
    spec = PruneSpec(
        rule="obd_distance", schedule="gradual", sparsity=None, wire_length=900, rounds=6, retrain=0, regrow=regrow
    )
    penalty = Penalty("distance", 0.002, 1.0)
    pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, spec, penalty, distances=_far_apart, seed=1)
    network, accuracy = prune_and_retrain(pruning, digits, epochs=0)
    masks = [layer.mask for layer in network.layers]
    length = sum(float(d[m].sum()) for d, m in zip(_far_apart(masks), masks, strict=True))
    assert 0.5 * 900 < length <= 900
    assert accuracy > 0.6


def test_a_penalty_and_a_rule_by_distance_leave_shorter_wires(digits: Dataset) -> None:
    """For the same number of wires, compared with pruning by magnitude without a penalty."""
    lengths = []
    for rule, penalty in (("magnitude", Penalty("none", 0.0, 1.0)), ("obd_distance", Penalty("distance", 0.002, 1.0))):
        mlp = Mlp.seeded((64, 16, 10), batch_norm=True, seed=1)
        fit(mlp, digits, RECIPE, epochs=4, seed=1)
        spec = PruneSpec(rule=rule, sparsity=None, wires=200, rounds=6, retrain=0)  # type: ignore[arg-type]
        pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, spec, penalty, distances=_far_apart, seed=1)
        network, _ = prune_and_retrain(pruning, digits, epochs=0)
        masks = [layer.mask for layer in network.layers]
        lengths.append(sum(float(d[m].sum()) for d, m in zip(_far_apart(masks), masks, strict=True)))
    assert lengths[1] < lengths[0]


def test_curvature_of_a_smaller_network_uses_more_samples(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the hidden neurons need half of the operations for each sample, so twice the samples are used."""
    sample_counts: list[int] = []

    def counted(mlp: Mlp, features: torch.Tensor) -> list[torch.Tensor]:
        sample_counts.append(len(features))
        return curvature_of(mlp, features)

    monkeypatch.setattr(sensitivity, "curvature_of", counted)
    monkeypatch.setattr(sensitivity, "CURVATURE_SAMPLES", 100)
    mlp = Mlp.seeded((64, 20, 10), batch_norm=True, seed=1)
    spec = PruneSpec(rule="obd", schedule="gradual", sparsity=None, wires=500, rounds=4)
    pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, spec, seed=1)
    pruning.prune(0.0)
    mlp.masked[0].mask[:10] = 0
    remove_dead_neurons(mlp)
    pruning.prune(0.0)
    assert sample_counts == [100, 200]


def test_no_neuron_keeps_more_weights_than_the_fan_in_of_its_layer(digits: Dataset) -> None:
    """20 hidden neurons of at most 6 weights, 10 outputs of at most 5: and the fan-in never rises."""
    spec = PruneSpec(rule="obd", schedule="gradual", sparsity=None, fan_in=(6, 5), rounds=3)
    mlp = Mlp.seeded((64, 20, 10), batch_norm=True, seed=1)
    pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, spec, seed=1)
    most = [64, 20]
    for number in (1, 2, 3):
        pruning.round(number)
        now = [int(mask.sum(axis=1).max()) for mask in mlp.masks()]
        assert all(a <= b for a, b in zip(now, most, strict=True))
        most = now
    assert most == [6, 5]
