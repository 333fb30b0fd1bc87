"""Rounds of pruning with tied weights: penalties and targets of all their wires, and untying."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn
from train_cases import RECIPE

import netgen
from netgen.data import Dataset
from netgen.errors import TrainError
from netgen.ir.fixed import Words
from netgen.ir.netlist import Netlist
from netgen.ir.network import Network
from netgen.nn.trainable import TrainableNetwork
from netgen.spec.sections import PruneSpec
from netgen.train import Penalty, Pruning, Samples, netlist_of_module
from netgen.train.schedule import PruningTarget


@pytest.fixture(scope="module")
def convolution() -> Network:
    """8 x 8 pixels, four channels of 3 x 3 with stride 2, a maximum, ten classes."""
    torch.manual_seed(1)
    parts = nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 4, 3, 2), nn.ReLU(), nn.MaxPool2d(2, 1), nn.Flatten()
    return netgen.read(nn.Sequential(*parts, nn.Linear(16, 10)).eval(), example=torch.rand(2, 64))


def _far(netlist: Netlist, sizes: Sequence[int]) -> list[Words]:
    """A placer: neuron k of layer l stands at (k, 3 * l, 0)."""
    del netlist
    return [
        np.stack([np.arange(n), np.full(n, 3 * depth), np.zeros(n, dtype=np.int64)], axis=1)
        for depth, n in enumerate(sizes)
    ]


def _pruning(network: Network, digits: Dataset, penalty: Penalty | None = None, **keys: object) -> Pruning:
    spec = PruneSpec.model_validate({"rule": "magnitude", "sparsity": None, "wires": 100, "rounds": 2} | keys)
    given = penalty or Penalty("distance", 0.5, 0.5)
    samples = Samples.of(digits.train)
    return Pruning(TrainableNetwork(network), samples, RECIPE, spec, given, seed=1, placer=_far)


def test_a_shared_weight_is_penalized_for_the_length_of_all_its_wires(convolution: Network, digits: Dataset) -> None:
    """Coefficients are half the summed roots of the Manhattan lengths, by the positions of `_far`."""
    pruning = _pruning(convolution, digits, untie_at=1)
    pruning.follow()
    layer, found = convolution.layers[0], pruning._coefficients[0].numpy()
    assert layer.parameter is not None
    length = np.abs(layer.source - layer.target) + 3.0
    wanted = [0.5 * np.sqrt(length[layer.parameter == number]).sum() for number in np.unique(layer.parameter)]
    assert len(found) == 36
    assert np.allclose(found, wanted)
    assert pruning.length == pytest.approx(
        sum(
            float((np.abs(points - (one.target)) + 3.0 * (depth - before)).sum())
            for depth, one in enumerate(convolution.layers, 1)
            for points, before in [_place_of(convolution, one.source)]
        )
    )


def _place_of(network: Network, source: Words) -> tuple[Words, Words]:
    """Index in its layer, and layer, of neurons by their number."""
    ends = np.array([0, *network.first])
    block = np.searchsorted(ends, source, side="right") - 1
    return source - ends[block], block


def test_a_target_of_wires_counts_every_use_of_a_shared_weight(convolution: Network, digits: Dataset) -> None:
    """Each kernel entry is used at 9 positions; the linear layer's weights once."""
    pruning = _pruning(convolution, digits, untie_at=1)
    pruning.keep(PruningTarget(count=150))
    assert 140 < pruning.wires <= 150
    assert all(layer.tied for layer in pruning.module.sums[:1])
    kernel = pruning.module.sums[0]
    assert (np.bincount(kernel.parameter) > 1).all()


def test_weights_are_untied_from_the_given_number_of_wires_on(convolution: Network, digits: Dataset) -> None:
    pruning = _pruning(convolution, digits, untie_at=200)
    pruning.keep(PruningTarget(count=300))
    assert pruning.module.sums[0].tied
    x = torch.rand(20, 64)
    held = pruning.module.eval()(x[:, pruning.module.columns]).detach()
    pruning.keep(PruningTarget(count=199))
    assert not any(layer.tied for layer in pruning.module.sums)
    assert pruning.module.sums[0].norm is not None
    assert not torch.allclose(pruning.module.eval()(x[:, pruning.module.columns]), held)
    pruning.descent.run(3)
    assert pruning.wires <= 199


def test_a_target_of_wire_length_includes_the_wires_of_maxima(convolution: Network, digits: Dataset) -> None:
    pruning = _pruning(convolution, digits, untie_at=10_000, wires=None, wire_length=4500)
    pruning.follow()
    assert sum(not layer.gathers_sums for layer in pruning.module.parts) == 1
    first = pruning.length
    pruning.prune(1.0)
    assert 0.5 * first < pruning.length <= 0.6 * first


def _pairs(pruning: Pruning) -> np.ndarray:
    layers = pruning.module.parts
    return np.concatenate([np.stack([one.source, one.first + one.target], axis=1) for one in layers])


def test_the_netlist_numbers_neurons_as_the_source_does(convolution: Network, digits: Dataset) -> None:
    pruning = _pruning(convolution, digits, untie_at=10_000)
    pruning.keep(PruningTarget(count=60))
    netlist = netlist_of_module(pruning.module)
    first = np.array([0, *convolution.first[:-1]])
    number = first[netlist.layer] + netlist.index
    ends = {(int(number[s]), int(number[t])) for s, t in zip(netlist.source, netlist.target, strict=True)}
    assert ends == {(int(s), int(t)) for s, t in _pairs(pruning)}
    assert netlist.wires == pruning.module.wires


def test_steps_lower_the_loss_of_a_network_with_shared_weights(convolution: Network, digits: Dataset) -> None:
    pruning = _pruning(convolution, digits, Penalty("none", 0.0, 1.0), untie_at=1)
    x, y = torch.from_numpy(digits.train.features.copy()), torch.from_numpy(digits.train.labels.copy())
    with torch.no_grad():
        before = float(nn.functional.cross_entropy(pruning.module.eval()(x), y))
    pruning.round(1)
    with torch.no_grad():
        assert float(nn.functional.cross_entropy(pruning.module.eval()(x[:, pruning.module.columns]), y)) < before


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"wires": None, "fan_in": (3, 2, 2)}, r"prune\.fan_in: 3 numbers for the layers 1, 5; give one for each"),
    ],
)
def test_what_networks_cannot_be_pruned_by_is_told(
    convolution: Network, digits: Dataset, keys: dict[str, object], problem: str
) -> None:
    with pytest.raises(TrainError, match=problem):
        _pruning(convolution, digits, None, **keys)


def test_each_neuron_keeps_its_fan_in_once_weights_are_untied(convolution: Network, digits: Dataset) -> None:
    pruning = _pruning(convolution, digits, untie_at=10_000, wires=None, fan_in=(3, 2))
    pruning.prune(1.0)
    for layer, most in zip(pruning.module.sums, (3, 2), strict=True):
        assert 0 < np.bincount(np.searchsorted(layer.rows, layer.target)).max() <= most
