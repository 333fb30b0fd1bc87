"""Pruning round by round: ranking, targets, regrowth and the placer that follows."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
import torch
from train_cases import RECIPE, in_a_row, perceptron, wires_between

from netgen.data import Dataset
from netgen.errors import TrainError
from netgen.ir.fixed import Words
from netgen.ir.netlist import Netlist
from netgen.ir.network import Head, Layer, Network, Port
from netgen.nn.trainable import TrainableNetwork, array_of
from netgen.spec.sections import PruneSpec
from netgen.train import Penalty, Pruning, Samples, fit, prune_and_retrain, sensitivity
from netgen.train.derivatives import curvature_of
from netgen.train.prune import placement_weights
from netgen.train.removal import remove_parameters
from netgen.train.schedule import PruningTarget

Plain = partial(Pruning, normalize=False, seed=1)
"""Without batch normalization where the network has none."""


def test_pruning_reweights_by_the_saliencies_of_its_last_ranking(digits: Dataset) -> None:
    """With magnitudes 1, 2, 3 and length 1 the factors are 1 / (1 + |w| / 2), normalized; dead neurons do not count."""
    network = perceptron((64, 3, 10))
    first, last = network.sums
    with torch.no_grad():
        first.weight.copy_(torch.tensor([1.0, 0.5, 3.0]).repeat_interleave(64))
        last.weight.fill_(2.0)
    remove_parameters(network, [np.ones(192, dtype=np.bool_), ~wires_between(last, [1], range(10))])
    spec = PruneSpec(rule="magnitude", sparsity=None, wires=10_000, rounds=1)
    penalty = Penalty("l1", 0.5, 1.0, reweight_at=1000)
    pruning = Plain(network, Samples.of(digits.train), RECIPE, spec, penalty)
    pruning.prune(0.0)
    coefficients = [coefficient.numpy() for coefficient in pruning._coefficients]
    assert [len(p) for p in coefficients] == [2 * 64, 10 * 2]
    products = np.concatenate([coefficients[0] * (1 + np.repeat([1.0, 3.0], 64) / 2), coefficients[1] * 2])
    assert np.allclose(products, products[0])
    assert np.concatenate(coefficients).mean() == pytest.approx(0.5)


def test_weights_rank_by_their_mean_since_the_last_pruning(digits: Dataset) -> None:
    """Steps leave 4, 0 in one weight and 1, 1 in another: the first is kept by its mean, the second by its last value.

    The -6 and 2 before the last pruning do not count; with them the first mean would be 0.
    """
    for average_at, stays in ((2, 0), (1, 1), (None, 1)):
        network = perceptron((2, 1))
        spec = PruneSpec(rule="magnitude", sparsity=None, wires=1, rounds=1, average_at=average_at)
        pruning = Plain(network, Samples.of(digits.train), RECIPE, spec)
        for first, count in ((-6.0, None), (2.0, 2), (4.0, None), (0.0, 1)):
            with torch.no_grad():
                network.sums[0].weight[:] = torch.tensor([first, 1.0])
            pruning._after_step()
            if count is not None:
                pruning.keep(PruningTarget(count=count))
        assert network.inputs.tolist() == [stays]


def test_placement_weights_are_proportional_to_the_root_of_the_saliency() -> None:
    """The best two of four wires weigh 16; a quarter of the second saliency weighs half, a 10,000th the least, 1."""
    weights = placement_weights([np.array([9.0, 1.0, 4.0]), np.array([4e-4])], 0.5)
    assert [w.tolist() for w in weights] == [[16, 8, 16], [1]]


def test_the_placer_gets_greater_weights_for_wires_that_will_probably_stay(digits: Dataset) -> None:
    """By magnitude: the largest tenth weighs 16, the others 16 times their magnitude divided by the least of these."""
    netlists: list[Netlist] = []

    def placer(netlist: Netlist, sizes: Sequence[int]) -> list[Words]:
        netlists.append(netlist)
        return in_a_row(netlist, sizes)

    network = perceptron((64, 16, 10), batch_norm=True)
    first, last = network.sums
    remove_parameters(network, [~wires_between(first, range(64), [3]), np.ones(160, dtype=np.bool_)])
    spec = PruneSpec(rule="magnitude", sparsity=None, wires=100, rounds=2, place_share=0.1)
    pruning = Plain(network, Samples.of(digits.train), RECIPE, spec, placer=placer)
    pruning.follow()
    sizes = np.concatenate([np.abs(array_of(layer.weight)) for layer in (first, last)])
    least = np.sort(sizes)[-round(0.1 * len(sizes))]
    assert netlists[0].wires == len(sizes) == 15 * 74
    assert np.abs(netlists[0].weights - np.maximum(16 * np.minimum(sizes / least, 1), 1)).max() <= 0.5 + 1e-5
    pruning.spec = spec.model_copy(update={"place_share": None})
    pruning.follow()
    assert (netlists[1].weights == 1).all()


def _length(network: TrainableNetwork) -> float:
    """Wire length of a perceptron as `in_a_row` places it: 1 from layer to layer, and 1 from neuron to neuron."""
    total, first = 0.0, 0
    for layer in network.sums:
        total += float((1 + np.abs(layer.source - first - layer.target)).sum())
        first = layer.first
    return total


@pytest.mark.parametrize("regrow", [0.0, 0.3])
def test_pruning_ends_within_the_wanted_wire_length(digits: Dataset, regrow: float) -> None:
    network = perceptron((64, 16, 10), batch_norm=True)
    fit(network, digits, RECIPE, epochs=4, seed=1)
    spec = PruneSpec(
        rule="obd_distance", schedule="gradual", sparsity=None, wire_length=900, rounds=6, retrain=0, regrow=regrow
    )
    penalty = Penalty("distance", 0.002, 1.0)
    pruning = Plain(network, Samples.of(digits.train), RECIPE, spec, penalty, placer=in_a_row)
    module, accuracy = prune_and_retrain(pruning, digits, epochs=0)
    assert 0.5 * 900 < _length(module) <= 900
    assert accuracy > 0.6


def test_a_penalty_and_a_rule_by_distance_leave_shorter_wires(digits: Dataset) -> None:
    """For the same number of wires, compared with pruning by magnitude without a penalty."""
    lengths = []
    for rule, penalty in (("magnitude", Penalty("none", 0.0, 1.0)), ("obd_distance", Penalty("distance", 0.002, 1.0))):
        network = perceptron((64, 16, 10), batch_norm=True)
        fit(network, digits, RECIPE, epochs=4, seed=1)
        spec = PruneSpec(rule=rule, sparsity=None, wires=200, rounds=6, retrain=0)  # type: ignore[arg-type]
        pruning = Plain(network, Samples.of(digits.train), RECIPE, spec, penalty, placer=in_a_row)
        lengths.append(_length(prune_and_retrain(pruning, digits, epochs=0)[0]))
    assert lengths[1] < lengths[0]


def test_curvature_of_a_smaller_network_uses_more_samples(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the wires need half of the products for each sample, so twice the samples are used."""
    sample_counts: list[int] = []

    def counted(network: TrainableNetwork, features: torch.Tensor) -> list[np.ndarray]:
        sample_counts.append(len(features))
        return curvature_of(network, features)

    monkeypatch.setattr(sensitivity, "curvature_of", counted)
    monkeypatch.setattr(sensitivity, "CURVATURE_PRODUCTS", 100 * 74 * 20)
    monkeypatch.setattr(sensitivity, "FEWEST_SAMPLES", 1)
    network = perceptron((64, 20, 10), batch_norm=True)
    spec = PruneSpec(rule="obd", schedule="gradual", sparsity=None, wires=10_000, rounds=4)
    pruning = Plain(network, Samples.of(digits.train), RECIPE, spec)
    pruning.prune(0.0)
    remove_parameters(
        network,
        [layer.target < 10 if layer is network.sums[0] else np.ones(200, dtype=np.bool_) for layer in network.sums],
    )
    pruning.prune(0.0)
    assert sample_counts == [100, 200]


def test_no_neuron_keeps_more_weights_than_the_fan_in_of_its_layer(digits: Dataset) -> None:
    """20 hidden neurons of at most 6 weights, 10 outputs of at most 5: and the fan-in never rises."""
    spec = PruneSpec(rule="obd", schedule="gradual", sparsity=None, fan_in=(6, 5), rounds=3)
    network = perceptron((64, 20, 10), batch_norm=True)
    pruning = Plain(network, Samples.of(digits.train), RECIPE, spec)
    most = [64, 20]
    for number in (1, 2, 3):
        pruning.round(number)
        now = [int(np.bincount(layer.target).max()) for layer in network.sums]
        assert all(a <= b for a, b in zip(now, most, strict=True))
        most = now
    assert most == [6, 5]


@pytest.mark.parametrize("normalize", [False, True])
def test_sums_get_batch_normalization_only_if_asked(digits: Dataset, normalize: bool) -> None:
    network = perceptron((64, 5, 10))
    Pruning(network, Samples.of(digits.train), RECIPE, PruneSpec(), seed=1, normalize=normalize)
    assert (network.sums[0].norm is not None) == normalize


def test_a_network_without_weights_is_refused(digits: Dataset) -> None:
    """The importer gives such a network for a model whose last layer is 0: nothing reads the layers before it."""
    none = np.zeros(0, dtype=np.int64)
    layer = Layer("fc", np.zeros(11, dtype=np.int64), none, np.zeros(0), np.ones(10))
    network = TrainableNetwork(Network((Port("x", (64,)),), (layer,), (Head("y", np.arange(64, 74)),)))
    with pytest.raises(TrainError, match=r"^prune: all weights of the network are 0 already; train it before$"):
        Plain(network, Samples.of(digits.train), RECIPE, PruneSpec())
