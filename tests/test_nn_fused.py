"""The compiled training step against PyTorch's own operations: one dense matrix for each layer, written out here."""

import copy
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.random import Generator
from torch import Tensor, nn

from netgen.ir.functions import RELU, Clip, Composition, LeakyRelu, Quantize
from netgen.ir.network import Head, Layer, Network, Port
from netgen.nn import fused, sparse
from netgen.nn.piecewise import TrainedFunction
from netgen.nn.trainable import LEAST_VARIANCE, TrainableNetwork

STEP = 0.125


def _layer(rng: Generator, name: str, before: int, activation: Composition, *, gather: str, n: int) -> Layer:
    """Neurons that read up to six earlier ones; of sums the first one reads none, and a few weights are shared."""
    least = 1 if gather == "max" else 0
    fan_in = rng.integers(least, min(before, 6) + 1, n)
    fan_in[0] = least
    source = [np.sort(rng.choice(before, k, replace=False)) for k in fan_in]
    m = int(fan_in.sum())
    parameter = rng.integers(0, max(m - 2, 1), m)
    weight = rng.normal(size=m + 1)[parameter] if gather == "sum" else np.ones(m)
    return Layer(
        name=name,
        starts=np.cumsum([0, *fan_in]),
        source=np.concatenate(source),
        weight=weight,
        bias=rng.normal(size=n) if gather == "sum" else np.zeros(n),
        gather="sum" if gather == "sum" else "max",
        activation=activation,
        parameter=parameter if gather == "sum" else None,
    )


def _network(seed: int, *, rounds: bool = True) -> Network:
    """Sums and maxima of any earlier neurons; scores that are neurons of several layers, an input, and one twice."""
    rng = np.random.default_rng(seed)
    before, layers = 5, []
    for depth in range(6):
        n = int(rng.integers(1, 8))
        kinds: list[Composition] = [(), (RELU,), (Clip(-0.5, rng.uniform(0.1, 1, n)),)]
        if rounds:
            kinds += [(RELU, Quantize(STEP, 0, 0, 7, "half_up")), (Quantize(np.full(n, STEP), 1, -7, 8, "half_up"),)]
        gather = "max" if depth % 3 == 1 else "sum"
        activation = kinds[rng.integers(len(kinds))]
        layers.append(_layer(rng, f"layer{depth}", before, activation, gather=gather, n=n))
        before += n
    scores = np.concatenate([rng.choice(before, 4, replace=False), [0, before - 1, before - 1]])
    return Network((Port("x", (5,)),), tuple(layers), (Head("y", scores),))


def _trainable(network: Network, dtype: torch.dtype, *, untied: bool, bent: bool = False) -> TrainableNetwork:
    """If `bent`, every second layer of sums has trained functions, whose slopes from -1 to 1 enlarge no error."""
    made = TrainableNetwork(network, dtype)
    if untied:
        made.untie()
        made.normalize(_features(20).to(dtype))
    generator = torch.Generator().manual_seed(len(made.parts[0].rows))
    for layer in made.sums[::2] if bent else []:
        layer.trained = TrainedFunction(len(layer.rows)).to(dtype)
        changes = torch.randn(len(layer.rows), 10, dtype=torch.float64, generator=generator)
        changes /= changes.abs().sum(dim=1, keepdim=True)
        layer.trained.bends.data.copy_(changes[:, 1:])
        layer.trained.slope.data.copy_(changes[:, 0])
    return made.train()


def _features(count: int, seed: int = 1) -> Tensor:
    return torch.randn(count, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _by_torch(made: TrainableNetwork, x: Tensor) -> Tensor:
    """The scores in training mode."""
    values = x.t()
    for layer in made.parts:
        if layer.gathers_sums:
            matrix = x.new_zeros(len(layer.bias), len(values))
            places = torch.from_numpy(layer.target), torch.from_numpy(layer.source)
            weight = layer.weight[torch.from_numpy(layer.parameter)]
            gathered = matrix.index_put(places, weight) @ values + layer.bias[:, None]
        else:
            sources = [torch.from_numpy(layer.source[layer.target == k]) for k in range(len(layer.bias))]
            gathered = torch.stack([values[source].max(dim=0).values for source in sources])
        if layer.norm is not None:
            norm = layer.norm
            statistics = norm.running_mean, norm.running_var
            gathered = nn.functional.batch_norm(
                gathered.t(), *statistics, norm.weight, norm.bias, training=True, momentum=0.1, eps=LEAST_VARIANCE
            ).t()
        if layer.trained is not None:
            bends = zip(layer.trained.knots[0], layer.trained.bends.t(), strict=True)
            beyond = [bend[:, None] * torch.relu(gathered - knot) for knot, bend in bends]
            gathered = layer.trained.slope[:, None] * gathered + torch.stack(beyond).sum(dim=0)
        for function in () if layer.trained is not None else layer.activation:
            gathered = torch.stack([_applied(function, row, k) for k, row in enumerate(gathered)])
        values = torch.cat([values, gathered])
    return values[torch.from_numpy(made.scores.copy())].t()


def _applied(function: object, x: Tensor, k: int) -> Tensor:
    """One function of neuron k."""
    if isinstance(function, Clip):
        lo, hi = (float(np.resize(limit, k + 1)[k]) for limit in (function.lo, function.hi))
        return torch.relu(x) if np.isinf(hi) else nn.functional.hardtanh(x, lo, hi)
    assert isinstance(function, Quantize)
    words = torch.floor(x.detach() / STEP + float(function.zero) + 0.5)
    result = STEP * (words.clamp(float(function.lo), float(function.hi)) - float(function.zero))
    inside = (words >= float(function.lo)) & (words <= float(function.hi))
    return result + (torch.where(inside, x, x.detach()) - x.detach())


def _step(made: TrainableNetwork, x: Tensor, *, compiled: bool) -> list[Tensor]:
    """Scores, all gradients, and running statistics after one step's forward and backward pass."""
    entered = x.clone().requires_grad_()
    scores = made(entered) if compiled else _by_torch(made, entered)
    assert (made._rows[1] is not None) == compiled
    (scores * torch.linspace(-1, 1, scores.numel()).view(scores.shape).to(x.dtype)).sum().backward()
    gradients = [torch.zeros(0) if p.grad is None else p.grad for p in made.parameters()]
    assert entered.grad is not None
    return [scores.detach(), entered.grad, *gradients, *(b for b in made.buffers() if b.is_floating_point())]


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("untied", [False, True])
@pytest.mark.parametrize("samples", [2, 3, 33])
@pytest.mark.parametrize("seed", range(12))
def test_scores_gradients_and_running_statistics_are_those_of_pytorch(
    seed: int, samples: int, untied: bool, bent: bool
) -> None:
    """With and without trained functions, normalization and shared weights; skips, rounding, neurons without wires."""
    found, wanted = (
        _step(
            _trainable(_network(seed), torch.float64, untied=untied, bent=bent), _features(samples), compiled=compiled
        )
        for compiled in (True, False)
    )
    assert len(found) == len(wanted)
    for one, two in zip(found, wanted, strict=True):
        assert torch.allclose(one.double(), two.double(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_single_precision_differs_by_its_rounding_only(seed: int, bent: bool) -> None:
    """Six layers with sums of at most 33 + 6 + 10 terms, in both passes; a small deviation enlarges the error."""
    network = _network(seed, rounds=False)
    single = _step(_trainable(network, torch.float32, untied=True, bent=bent), _features(33).float(), compiled=True)
    made = _trainable(network, torch.float32, untied=True, bent=bent).double()
    wanted = _step(made, _features(33).float().double(), compiled=False)
    spread = torch.cat([buffer for name, buffer in made.named_buffers() if name.endswith("running_var")])
    gain = float((spread + LEAST_VARIANCE).rsqrt().max())
    for one, two in zip(single, wanted, strict=True):
        error = (
            2
            * 6
            * (33 + 6 + 10 * bent)
            * torch.finfo(torch.float32).eps
            * max(gain, 1)
            * max([1.0, *two.abs().flatten().tolist()])
        )
        assert torch.allclose(one.double(), two.double(), rtol=0, atol=error)


def test_one_sample_without_normalization_and_a_single_neuron() -> None:
    layer = Layer(name="one", starts=np.array([0, 1]), source=np.array([2]), weight=np.ones(1), bias=np.zeros(1))
    made = _trainable(Network((Port("x", (5,)),), (layer,), (Head("y", np.array([5])),)), torch.float64, untied=False)
    found = _step(made, torch.tensor([[1.0, 2, 3, 4, 5]]).double(), compiled=True)
    assert [part.tolist() for part in found] == [[[3.0]], [[0, 0, -1, 0, 0]], [-3.0], [-1.0]]


def test_a_value_at_a_knot_passes_the_gradient_by_the_slope_at_its_left() -> None:
    """As ReLU does. Slope 1 up to -2, 2 up to 0, 5 beyond: f(-2) = -2, f(0) = 2, f(1) = 7, each times its weight in the
    loss. The bend at -2 moves each value by its distance: 2 at 0, with weight 10, and 3 at 1, with weight 100.
    """  # fmt: skip
    layer = Layer(name="one", starts=np.array([0, 1]), source=np.array([0]), weight=np.ones(1), bias=np.zeros(1))
    made = TrainableNetwork(Network((Port("x", (1,)),), (layer,), (Head("y", np.array([1])),)), torch.float64).train()
    function = TrainedFunction(1).double()
    function.slope.data.fill_(1)
    function.bends.data.copy_(torch.tensor([[1, 0, 0, 0, 3, 0, 0, 0, 0]]))
    made.parts[0].trained = function
    x = torch.tensor([[-2.0], [0], [1]]).double().requires_grad_()
    scores = made(x)
    assert made._rows[1] is not None
    assert scores.tolist() == [[-2.0], [2.0], [7.0]]
    (scores * torch.tensor([[1.0], [10], [100]])).sum().backward()
    assert x.grad is not None
    assert function.bends.grad is not None
    assert function.slope.grad is not None
    assert x.grad.tolist() == [[1.0], [20.0], [500.0]]
    assert function.bends.grad.tolist() == [[320.0, 265.0, 210.0, 155.0, 100.0, 50.0, 0.0, 0.0, 0.0]]
    assert function.slope.grad.tolist() == [98.0]


def test_equal_values_of_a_maximum_pass_the_gradient_to_the_first_wire() -> None:
    layer = Layer(
        name="top",
        starts=np.array([0, 3]),
        source=np.array([0, 2, 4]),
        weight=np.ones(3),
        bias=np.zeros(1),
        gather="max",
    )
    made = _trainable(Network((Port("x", (5,)),), (layer,), (Head("y", np.array([5])),)), torch.float64, untied=False)
    x = torch.tensor([[1.0, 9, 1, 9, 0], [1, 9, 2, 9, 2]]).double().requires_grad_()
    made(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0]]


@pytest.mark.parametrize("place", range(3))
def test_what_is_not_a_number_reaches_the_scores(place: int) -> None:
    """Through limits and a maximum, whichever of its wires it comes from."""
    first = Layer(name="a", starts=np.arange(4), source=np.arange(3), weight=np.ones(3), bias=np.zeros(3),
                  activation=(Clip(0.0, 6.0),))  # fmt: skip
    second = Layer(
        name="top",
        starts=np.array([0, 3]),
        source=np.array([5, 6, 7]),
        weight=np.ones(3),
        bias=np.zeros(1),
        gather="max",
    )
    network = Network((Port("x", (5,)),), (first, second), (Head("y", np.array([8])),))
    made = _trainable(network, torch.float32, untied=False)
    with torch.no_grad():
        made.sums[0].weight[place] = np.nan
    assert made(torch.ones(2, 5)).isnan().all()


def test_steps_under_way_at_the_same_time_do_not_share_memory() -> None:
    """Memory is used again after the backward pass, not before; a copy of the module has its own."""

    def gradient(x: Tensor) -> Tensor:
        weight = made.parts[0].weight
        return torch.autograd.grad(made(x).square().sum(), weight)[0]

    made = _trainable(_network(3), torch.float64, untied=True)
    one, two = _features(9, seed=1), _features(9, seed=2)
    wanted = gradient(one), gradient(two)
    other = copy.deepcopy(made)
    losses = [made(x).square().sum() for x in (one, two)]
    other(_features(9, seed=3)).sum().backward()
    found = [torch.autograd.grad(loss, made.parts[0].weight)[0] for loss in losses]
    for a, b in zip(found, wanted, strict=True):
        assert torch.equal(a, b)
    assert made._rows[1] is not None
    assert [len(entries) for entries in made._rows[1].memory._arrays.values()] == [2, 2, 2, 1]


def test_changes_of_the_network_change_the_step() -> None:
    """Untying and normalization each make a new plan."""
    made = _trainable(_network(5), torch.float64, untied=False)
    for change in (made.train, made.untie, lambda: made.normalize(_features(20)), made.train):
        change()
        made.train()
        expected = _by_torch(copy.deepcopy(made), _features(12))
        assert torch.allclose(made(_features(12)), expected, atol=1e-12)


@pytest.mark.parametrize("bent", [False, True])
def test_evaluation_mode_uses_the_running_statistics_and_leaves_them(bent: bool) -> None:
    made = _trainable(_network(5), torch.float64, untied=True, bent=bent)
    made(_features(12))
    before = [buffer.clone() for buffer in made.buffers()]
    scores = made.eval()(_features(12))
    assert np.allclose(made.network().head_values(_features(12).numpy()), scores.detach(), atol=1e-12)
    assert all(torch.equal(a, b) for a, b in zip(before, made.buffers(), strict=True))


def test_the_same_batches_give_the_same_bytes() -> None:
    runs = [
        _step(_trainable(_network(4), torch.float32, untied=True), _features(33).float(), compiled=True) for _ in "ab"
    ]
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_other_functions_and_dense_layers_are_left_to_pytorch() -> None:
    dense = Layer(name="d", starts=np.arange(301) * 5, source=np.tile(np.arange(5), 300), weight=np.ones(1500),
                  bias=np.zeros(300))  # fmt: skip
    wide = Layer(name="w", starts=np.arange(301) * 300, source=np.tile(np.arange(5, 305), 300),
                 weight=np.ones(90_000), bias=np.zeros(300))  # fmt: skip
    leaky = Layer(name="l", starts=np.arange(2), source=np.array([0]), weight=-np.ones(1), bias=np.zeros(1),
                  activation=(LeakyRelu(0.5),))  # fmt: skip
    for layers, last, value in (((dense, wide), 605, 1500.0), ((leaky,), 6, -0.5)):
        made = TrainableNetwork(Network((Port("x", (5,)),), layers, (Head("y", np.array([last - 1])),))).train()
        assert made(torch.ones(2, 5)).tolist() == [[value]] * 2
        assert made._rows[1] is None


def test_a_change_to_any_kernel_compiles_all_kernels_again() -> None:
    """The cache knows a kernel by its name, which so contains the digest of all files beside it."""
    files = sorted(Path(fused.__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    kernels: tuple[Any, ...] = (fused._forward, fused._backward, sparse._forward)
    assert all(kernel.py_func.__qualname__.endswith(f"-{digest[:12]}") for kernel in kernels)
