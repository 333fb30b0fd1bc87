"""What gates switch off, how often, and the loss by which they learn: by hand, and against expected losses."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from gated_networks import cascade, residual, skipping
from torch import nn
from train_cases import RECIPE, in_a_row

from netgen.ir.fixed import Words
from netgen.ir.netlist import Netlist
from netgen.nn.trainable import TrainableNetwork
from netgen.spec.sections import PruneSpec
from netgen.train import Penalty, Pruning, Samples
from netgen.train.fit import Descent
from netgen.train.gates import Decisions, gate_pull, gates_needed, hold_share, ranking_pull, weigh_blocks
from netgen.train.samples import Batch


def _needed(network: TrainableNetwork) -> dict[str, list[list[bool]]]:
    return {part.like.name: own.tolist() for part, own in zip(network.parts, gates_needed(network), strict=True)}


def test_an_exit_switches_off_the_late_network_and_its_scores_alone() -> None:
    """Early scores, gate, and the bypass and gate wires of each of the three selections are always needed."""
    found = _needed(TrainableNetwork(cascade()))
    always, late = ("hidden", "early", "gate"), ("late", "scores")
    assert not any(any(found[name][0]) for name in always)
    assert all(all(found[name][0]) for name in late)
    assert found["exit"] == [[False, False, True] * 3]


def test_a_block_with_two_readers_is_needed_unless_both_gates_are_off() -> None:
    """The block enters two selections by different gates, so that neither gate alone switches it off."""
    found = _needed(TrainableNetwork(skipping()))
    assert not any(any(row) for name in ("hidden", "gate", "block") for row in found[name])
    assert found["skip"] == [[False, False, True] * 4, [False] * 12]
    assert found["or0"] == [[False] * 8, [False, True] * 4]


def _always_on_by(network: TrainableNetwork, share: float, x: torch.Tensor) -> TrainableNetwork:
    """Shift the gate so that it is on for a share of the samples."""
    gate = next(part for part in network.parts if part.is_gate)
    with torch.no_grad():
        _, sums = network.train().gated(x)
        gate.bias.sub_(torch.quantile(sums[0], 1 - share))
    return network


def test_wires_behind_a_gate_count_for_the_share_of_samples_with_the_gate_on() -> None:
    x = torch.from_numpy(np.random.default_rng(5).normal(size=(101, 6)))
    network = _always_on_by(TrainableNetwork(cascade(), torch.float64), 0.3, x)
    decisions = Decisions.of(network, x)
    share = float(decisions.on.mean())
    assert 0.25 < share < 0.35
    shares = dict(zip((part.like.name for part in network.parts), decisions.shares(network), strict=True))
    assert set(shares["late"]) == set(shares["scores"]) == {share}
    assert set(shares["hidden"]) == set(shares["early"]) == set(shares["gate"]) == {1.0}
    assert shares["exit"].tolist() == [1.0, 1.0, share] * 3


def test_a_block_is_weighed_by_its_share_of_the_wire_length() -> None:
    """Wires are 30 + 15 + 3, then 77 and 21 behind the gate, and of 9 wires of the exit 3; all of length 2, late 4."""
    network = TrainableNetwork(cascade())
    lengths = [np.full(len(part.source), 4.0 if part.like.name == "late" else 2.0) for part in network.parts]
    weigh_blocks(network, lengths)
    late, rest = 4 * 77 + 2 * 21 + 2 * 3, 2 * (30 + 15 + 3 + 6)
    assert network.blocks == {(int(network.gates[0]),): pytest.approx(late / (late + rest))}


def test_pruning_counts_a_wire_for_the_share_of_samples_that_need_it() -> None:
    """In wire length, penalty and placement weights: 16 where a wire is always needed, 16 times the share elsewhere."""
    x = torch.from_numpy(np.random.default_rng(5).normal(size=(101, 6)).astype(np.float32))
    network = _always_on_by(TrainableNetwork(cascade()), 0.3, x)
    netlists: list[Netlist] = []

    def placer(netlist: Netlist, sizes: Sequence[int]) -> list[Words]:
        netlists.append(netlist)
        return in_a_row(netlist, sizes)

    spec = PruneSpec(rule="obd_distance", sparsity=None, wire_length=500, rounds=2)
    samples = Samples((x,), torch.arange(101) % 3)
    pruning = Pruning(
        network, samples, RECIPE, spec, Penalty("distance", 0.5, 0.5), seed=1, normalize=False, placer=placer
    )
    assert network.blocks == {(int(network.gates[0]),): pytest.approx((77 + 21 + 3) / (30 + 15 + 3 + 77 + 21 + 9))}
    pruning.follow()
    share = float(Decisions.of(network, x).on.mean())
    depth = np.concatenate([[0] * 6, *([k] * len(part.rows) for k, part in enumerate(network.parts, 1))])
    place = np.concatenate([np.arange(6), *(part.rows for part in network.parts)])
    total, weights = 0.0, []
    for part, needed in zip(network.parts, gates_needed(network), strict=True):
        target = part.first + part.target
        apart = np.abs(depth[target] - depth[part.source]) + np.abs(place[target] - place[part.source])
        running = np.where(needed[0], share, 1.0)
        total += float((apart * running).sum())
        weights += np.rint(16 * running).tolist()
        if part.gathers_sums:
            coefficient = pruning._coefficients[network.sums.index(part)]
            assert np.allclose(coefficient, 0.5 * apart**0.5 * running)
    assert pruning.length == pytest.approx(total)
    assert netlists[0].weights.tolist() == weights


@pytest.mark.parametrize("exploration", [0.0, 1.0])
def test_a_gate_learns_by_the_expected_loss_and_energy(exploration: float) -> None:
    """Against autograd: the mean of p L_on + (1 - p) L_off + 0.4 * 0.5 * p with p the sigmoid of the sum.

    Explored for all samples, the loss is that of the other side, and the gate learns the same.
    """
    generator = torch.Generator().manual_seed(1)
    network = TrainableNetwork(cascade(), torch.float64).train()
    network.blocks = {(int(network.gates[0]),): 0.5}
    x = torch.randn(50, 6, generator=generator, dtype=torch.float64)
    batch = Batch(x, torch.randint(0, 3, (50,), generator=generator), None)
    recipe = replace(RECIPE, gate_strength=0.4, gate_exploration=exploration)
    loss, _ = recipe.loss_of(network, x, batch, generator)
    gate = next(part for part in network.parts if part.is_gate)
    (found,) = torch.autograd.grad(loss, gate.weight)
    values = network.values(x)
    early, sums, late = values[2], values[3][0], values[5]
    on, off = (nn.functional.cross_entropy(scores.t(), batch.labels, reduction="none") for scores in (late, early))
    p = torch.sigmoid(sums)
    expected = (p * on.detach() + (1 - p) * off.detach() + 0.4 * 0.5 * p).mean()
    assert torch.allclose(found, torch.autograd.grad(expected, gate.weight)[0])
    chosen = torch.where((sums > 0) != bool(exploration), on, off).mean() + 0.4 * 0.5 * (sums > 0).double().mean()
    assert loss.item() == pytest.approx(chosen.item())


def test_a_gate_in_a_block_that_is_off_costs_nothing() -> None:
    """Two gates, the second within the block of the first: blocks of 0.5 and 0.25, three samples.

    Samples with the first gate on, both on, and the second on only: 0.5, 0.5 + 0.25 and 0.
    """
    network = TrainableNetwork(skipping(), torch.float64)
    a, b = (int(number) for number in network.gates)
    network.blocks = {(a,): 0.5, (a, b): 0.25}
    sums = torch.tensor([[1.0, 1.0, -1.0], [-1.0, 1.0, 1.0]], dtype=torch.float64, requires_grad=True)
    value = gate_pull(network, sums, torch.zeros_like(sums), 3.0)
    assert value.item() == pytest.approx(3 * (0.5 + 0.75 + 0) / 3)
    (gradient,) = torch.autograd.grad(value, sums)
    slope = 1 / (2 + np.exp(1) + np.exp(-1))  # of the sigmoid at 1 and at -1
    assert gradient.tolist() == [
        pytest.approx([0.5 * slope, 0.75 * slope, 0.75 * slope]),
        pytest.approx([0.25 * slope, 0.25 * slope, 0]),
    ]


def test_gates_rank_samples_by_their_gains_alone() -> None:
    """By hand, with slopes of 1/4 at 0 and s at +-1: gains less their mean weighed by the slopes, times the slopes."""
    sums = torch.tensor([[0.0, 1.0, -1.0], [0.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    gains = torch.tensor([[1.0, 2.0, 4.0], [0.3, 0.3, 0.3]], dtype=torch.float64)
    value = ranking_pull(sums, gains)
    assert value.item() == 0
    (gradient,) = torch.autograd.grad(value, sums)
    s = 1 / (2 + np.exp(1) + np.exp(-1))
    price = (0.25 * 1 + s * 2 + s * 4) / (0.25 + 2 * s)
    assert gradient[0].tolist() == pytest.approx([0.25 * (1 - price) / 3, s * (2 - price) / 3, s * (4 - price) / 3])
    assert gradient[1].tolist() == pytest.approx([0.0, 0.0, 0.0])


@pytest.mark.parametrize("normalized", [True, False])
def test_a_step_shifts_a_gate_towards_its_share(normalized: bool) -> None:
    """On for 3 of 4 samples where a half is asked for, with a deviation of sqrt(3): -0.1 * 0.25 * sqrt(3)."""
    network = TrainableNetwork(cascade(), torch.float64).train()
    x = torch.from_numpy(np.random.default_rng(5).normal(size=(20, 6)))
    if normalized:
        network.normalize(x)
    before = network.train().gated(x)[1].detach()
    hold_share(network, torch.tensor([[1.0, 1.0, 1.0, -3.0]], dtype=torch.float64), 0.5)
    after = network.gated(x)[1].detach()
    assert torch.allclose(after - before, torch.full_like(before, -0.1 * 0.25 * np.sqrt(3)))


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_a_gate_is_on_for_the_share_that_is_asked_for(share: float) -> None:
    """Counted in evaluation on the samples of the training, where the gate is on for half of them at first."""
    x = torch.from_numpy(np.random.default_rng(5).normal(size=(400, 6)).astype(np.float32))
    network = TrainableNetwork(cascade())
    network.normalize(x)
    network = _always_on_by(network, 0.5, x)
    recipe = replace(RECIPE, gate_share=share, gate_exploration=0.2)
    Descent(network, Samples((x,), torch.arange(400) % 3), recipe, seed=1).run(300)
    assert float(Decisions.of(network, x).on.mean()) == pytest.approx(share, abs=0.08)


def test_the_gate_of_an_exit_keeps_its_wires_from_scores() -> None:
    """All three, while half of all wires are pruned; by second derivatives of their own none would stay."""
    x = torch.from_numpy(np.random.default_rng(5).normal(size=(101, 6)).astype(np.float32))
    made = TrainableNetwork(cascade())
    spec = PruneSpec(rule="obd", sparsity=None, wires=70, rounds=1)
    Pruning(made, Samples((x,), torch.arange(101) % 3), RECIPE, spec, seed=1, normalize=False).prune(1.0)
    assert [len(part.source) for part in made.parts if part.is_gate] == [3]
    assert made.wires == 70 + 9


def test_the_gate_of_a_skipped_block_may_lose_its_wires() -> None:
    """It reads a layer without a function, as after a residual add, and so does the block; all four wires may go."""
    x = torch.from_numpy(np.random.default_rng(5).normal(size=(101, 6)).astype(np.float32))
    network = residual()
    first = replace(network.layers[0], activation=())
    made = TrainableNetwork(replace(network, layers=(first, *network.layers[1:])))
    with torch.no_grad():
        next(part for part in made.parts if part.is_gate).weight.mul_(1e-3)
    spec = PruneSpec(rule="obd", sparsity=None, wires=20, rounds=1)
    Pruning(made, Samples((x,), torch.arange(101) % 3), RECIPE, spec, seed=1, normalize=False).prune(1.0)
    assert sum(len(part.source) for part in made.parts if part.is_gate) == 0
