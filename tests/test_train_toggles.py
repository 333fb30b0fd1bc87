"""Toggles of a float network: estimated by hand, and what the loop makes of them."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
import torch
from train_cases import RECIPE, in_a_row, perceptron

from netgen.data import Dataset
from netgen.ir.fixed import Words
from netgen.ir.netlist import Netlist
from netgen.nn.trainable import TrainableNetwork
from netgen.spec.sections import PruneSpec
from netgen.train import Penalty, Pruning, Samples
from netgen.train.schedule import PruningTarget
from netgen.train.toggles import toggles_of

Plain = partial(Pruning, normalize=False, seed=1)


def _set(network: TrainableNetwork, *weights: Sequence[float]) -> None:
    with torch.no_grad():
        for layer, own in zip(network.sums, weights, strict=True):
            layer.weight.copy_(torch.tensor(own))
            layer.bias.zero_()


def test_toggles_are_the_mean_number_of_differing_bits_of_all_pairs_of_samples() -> None:
    """Inputs of 2 bits: words 0, 1, 3 and 3, of 1/4: pairs differ in 1, 2, 2, 1, 1 and 0 bits, 7/6 in the mean.

    Neurons of 3 bits: x, whose greatest value, 3/4, takes words 0, 2, 6 and 6 of 1/8: pairs differ in 1, 2, 2, 1, 1, 0
    bits; the other is 0. The score is -x/2: signed words 0, -1, -3, -3 of 1/8, that is 000, 111, 101, 101.
    """
    network = perceptron((1, 2, 1))
    _set(network, [1.0, -1.0], [-0.5, 1.0])
    found = toggles_of(network, torch.tensor([[0.0], [0.25], [0.75], [0.75]]), (2, 3))
    assert found.tolist() == pytest.approx([7 / 6, 7 / 6, 0, (3 + 2 + 2 + 1 + 1 + 0) / 6])


def test_a_removed_neuron_does_not_toggle(digits: Dataset) -> None:
    network = perceptron((64, 3, 10))
    pruning = Plain(network, Samples.of(digits.train), RECIPE, PruneSpec(rule="magnitude", sparsity=None, wires=40))
    pruning.keep(PruningTarget(count=40))
    found = toggles_of(network, pruning._batch(100).features, (4, 6))
    alive = np.concatenate([network.inputs, *(layer.first + layer.rows for layer in network.parts)])
    assert len(alive) < network.like.neurons
    assert (np.delete(found, alive) == 0).all()
    assert found[alive].any()


class _Placer:
    """Places in a row, and remembers the netlist."""

    def __init__(self) -> None:
        self.netlist: Netlist

    def __call__(self, netlist: Netlist, sizes: Sequence[int]) -> list[Words]:
        self.netlist = netlist
        return in_a_row(netlist, sizes)


def _idle_and_busy(spec: PruneSpec) -> tuple[Pruning, _Placer]:
    """Two inputs, three outputs: lengths 1 and 2, 2 and 1, 3 and 2.

    The first input toggles in 1/2 bits of a pair of samples, the second in 7/6.
    """
    network, placer = perceptron((2, 3)), _Placer()
    _set(network, [1.0] * 6)
    features = torch.tensor([[0.0, 0.0], [0.0, 0.25], [0.0, 0.75], [0.25, 0.75]])
    samples = Samples((features,), torch.tensor([0, 1, 0, 1]))
    penalty = Penalty("toggles", 0.5, 2.0)
    return Plain(network, samples, RECIPE, spec, penalty, placer=placer, widths=(2, 6)), placer


def test_busy_wires_are_penalized_more_and_all_together_as_much_as_by_distance() -> None:
    pruning, _ = _idle_and_busy(PruneSpec(sparsity=None, wires=6, rounds=1))
    pruning.follow()
    (found,) = pruning._coefficients
    squares, toggles = np.array([1.0, 4.0, 4.0, 1.0, 9.0, 4.0]), np.array([1 / 2, 7 / 6] * 3)
    assert found.tolist() == pytest.approx((0.5 * squares * toggles * squares.sum() / (squares @ toggles)).tolist())
    assert found.sum().item() == pytest.approx(0.5 * squares.sum())


def test_the_placer_weighs_wires_by_their_toggles() -> None:
    """Before the first placement all lengths count as 1, so the mean is 5/6: 16 times 3/5 and 7/5."""
    pruning, placer = _idle_and_busy(PruneSpec(sparsity=None, wires=6, rounds=1))
    pruning.follow()
    assert placer.netlist.weights.tolist() == [10, 22] * 3


def test_a_rule_by_distance_removes_busy_wires_first() -> None:
    """Equal magnitudes: |w| / length would remove the one of length 3 first, but it is idle.

    Length times toggles is 1/2 and 7/3, 1 and 7/6, 3/2 and 7/3: two long and busy wires go.
    """
    pruning, _ = _idle_and_busy(PruneSpec(rule="distance_magnitude", sparsity=None, wires=4, rounds=1))
    pruning.follow()
    pruning.keep(PruningTarget(count=4))
    assert pruning.module.sums[0].wire.tolist() == [0, 2, 3, 4]


@pytest.mark.parametrize("name", ["distance", "l1"])
def test_other_penalties_measure_no_toggles(name: str) -> None:
    pruning, placer = _idle_and_busy(PruneSpec(sparsity=None, wires=6, rounds=1))
    pruning.penalty = Penalty(name, 0.5, 1.0)
    pruning.follow()
    assert pruning._toggles is None
    assert (placer.netlist.weights == 1).all()
