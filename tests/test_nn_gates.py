"""Gates of a network under training: their decisions, their gradients, and the compiled step."""

import numpy as np
import pytest
import torch
from gated_networks import STEP, cascade, skipping
from torch import Tensor

from netgen.ir.functions import MultiThreshold
from netgen.ir.network import Network
from netgen.nn import trainable
from netgen.nn.gates import is_step
from netgen.nn.trainable import TrainableNetwork

NETWORKS = pytest.mark.parametrize("network", [cascade(), skipping()], ids=["exit", "skip"])


def _x(samples: int = 40) -> Tensor:
    return torch.from_numpy(np.random.default_rng(3).normal(size=(samples, 6)))


def _module(network: Network, *, normalized: bool = False) -> TrainableNetwork:
    made = TrainableNetwork(network, torch.float64)
    if normalized:
        made.normalize(_x())
    return made


def test_a_step_at_0_is_a_gate_and_no_other_function_is() -> None:
    assert is_step(STEP)
    zero = np.zeros((1, 1))
    others = (MultiThreshold(zero + 1), MultiThreshold(zero, 2.0), MultiThreshold(zero, 1.0, 1.0))
    assert not any(is_step((one,)) for one in (*others, MultiThreshold(np.zeros((1, 2)))))
    assert not is_step(())


@NETWORKS
def test_a_module_computes_what_its_network_computes(network: Network) -> None:
    made, x = _module(network), _x()
    expected = network.evaluate(x.numpy())
    assert np.allclose(made.eval()(x).detach(), expected)
    assert np.allclose(made.train()(x).detach(), expected)
    assert np.allclose(made.network().evaluate(x.numpy()), expected)


def _signs(network: TrainableNetwork, samples: int) -> Tensor:
    """A third of the decisions is changed."""
    drawn = np.random.default_rng(4).random((len(network.gates), samples))
    return torch.from_numpy(np.where(drawn < 1 / 3, -1.0, 1.0))


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("normalized", [False, True])
@NETWORKS
def test_the_compiled_step_equals_pytorch(
    network: Network, normalized: bool, changed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores, sums of gates, gradients, flipped gates and running means, with gradients into scores and gates."""
    found = []
    for fast in (True, False):
        monkeypatch.setattr(trainable, "is_faster", lambda _, fast=fast: fast)
        made = _module(network, normalized=normalized).train()
        x = _x().requires_grad_()
        signs = _signs(made, len(x)) if changed else None
        scores, gates = made.gated(x, signs)
        assert (made._rows[1] is not None) == fast
        ((scores**2).sum() + (gates * torch.arange(len(x))).sum()).backward()  # type: ignore[no-untyped-call]
        flipped = [made.flipped(x, k, signs) for k in range(len(made.gates))]
        assert x.grad is not None
        grads = [parameter.grad for parameter in made.parameters() if parameter.grad is not None]
        means = [norm.running_mean for norm in made.norms]
        found.append([scores, gates, *flipped, x.grad, *grads, *means])
    assert len(found[0]) == len(found[1])
    assert all(torch.allclose(a, b, atol=1e-9) for a, b in zip(*found, strict=True))


@NETWORKS
def test_a_flipped_gate_decides_the_other_way(network: Network) -> None:
    """Against the network with its gate's weights and bias negated, sample by sample."""
    made, x = _module(network).train(), _x()
    for index, number in enumerate(made.gates):
        layer = next(part for part in made.parts if part.is_gate)
        other = _module(network).train()
        own = next(part for part in other.parts if part.is_gate)
        row = number - layer.first
        with torch.no_grad():
            own.weight[torch.from_numpy(own.target == row)] *= -1
            own.bias[row] *= -1
        assert torch.allclose(made.flipped(x, index), other(x))
        assert not torch.allclose(made.flipped(x, index), made(x))


@NETWORKS
def test_some_decisions_are_changed_sample_by_sample(network: Network) -> None:
    """Against the scores with the first gate flipped for all samples, and for none."""
    made, x = _module(network).train(), _x()
    signs = _signs(made, len(x))
    signs[1:] = 1
    scores, sums = made.gated(x, signs)
    assert torch.equal(scores, torch.where(signs[0, :, None] < 0, made.flipped(x, 0), made(x)))
    assert torch.equal(sums, made.gated(x)[1])


@NETWORKS
def test_in_evaluation_the_gradient_of_a_gate_is_that_of_a_sigmoid_times_what_it_adds(network: Network) -> None:
    """Against PyTorch: bypass + (word - bypass) * (step + sigmoid - sigmoid.detach()), layer by layer by hand."""
    made, x = _module(network).eval(), _x()
    made(x).square().sum().backward()
    gate = next(part for part in made.parts if part.is_gate)
    assert gate.weight.grad is not None
    other = _module(network).eval()
    values = [x.t()]
    for layer in other.parts:
        across = torch.cat(values)
        if layer.gathers_sums:
            matrix = torch.zeros(len(layer.rows), len(across), dtype=torch.float64)
            matrix = matrix.index_put((torch.from_numpy(layer.target), torch.from_numpy(layer.source)), layer.weight)
            sums = matrix @ across + layer.bias[:, None]
            smooth = torch.sigmoid(sums)
            step = (sums > 0) + smooth - smooth.detach()
            values.append(step if layer.is_gate else torch.relu(sums) if layer.activation else sums)
        else:
            rows = np.split(layer.source, layer.like.starts[1:-1])
            picked = []
            for row in rows:
                bypass = across[row[0]] if len(row) == 3 else torch.zeros(len(x), dtype=torch.float64)
                on, word = across[row[-2]], across[row[-1]]
                hard = (on > 0.5).double()
                picked.append(bypass * (1 - hard) + word * hard + (word - bypass).detach() * (on - on.detach()))
            values.append(torch.stack(picked))
    values[-1].square().sum().backward()  # type: ignore[no-untyped-call]
    for mine, theirs in zip(made.parameters(), other.parameters(), strict=True):
        assert (mine.grad is None) == (theirs.grad is None)
        if mine.grad is not None and theirs.grad is not None:
            assert torch.allclose(mine.grad, theirs.grad)
