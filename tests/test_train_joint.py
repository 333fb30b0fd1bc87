"""Charges, saliencies, cutting and the loop that follows a placer."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from netgen.data import Dataset, load_dataset
from netgen.ir.fixed import Reals, Words
from netgen.ir.netlist import netlist_between
from netgen.ir.network import Bools
from netgen.learn.follow import Follower
from netgen.spec.hardware import PlaceSpec
from netgen.spec.sections import AugmentSpec, DataSpec, PruneSpec
from netgen.train import Mlp, Penalty, Pruning, Recipe, Samples, distort, fit, predict, prune_and_retrain, sensitivity
from netgen.train.dead import remove_dead_neurons
from netgen.train.derivatives import curvature_of, gradients_of
from netgen.train.prune import placement_weights
from netgen.train.regularize import REGULARIZERS, Regularizer
from netgen.train.schedule import Target

RECIPE = Recipe(batch_size=32, learning_rate=0.005, weight_decay=0.0, label_smoothing=0.0)
NAMED = {name: rule for name, rule in REGULARIZERS.items() if rule is not None}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(DataSpec(), seed=1)


def _random_mlp(sizes: Sequence[int], *, batch_norm: bool, share: float = 1.0) -> Mlp:
    """A network with random masks and a batch normalization that has seen something."""
    mlp = Mlp.seeded(sizes, batch_norm=batch_norm, seed=3)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for norm in mlp.norms:
            assert isinstance(norm, nn.BatchNorm1d)
            for tensor in (norm.weight, norm.bias, norm.running_mean):
                assert tensor is not None
                tensor.uniform_(-2, 2, generator=generator)
        for layer in mlp.masked:
            layer.mask.copy_((torch.rand(layer.mask.shape, generator=generator) < share).float())
    return mlp.double().eval()


@pytest.mark.parametrize("rule", NAMED.values(), ids=NAMED)
def test_the_gradient_of_a_cost_is_its_price_times_the_sign_or_the_weight(rule: Regularizer) -> None:
    """d/dw of 2 d^1.5 |w| is 2 d^1.5 sign w, of 2 d^1.5 w^2 / 2 it is 2 d^1.5 w; gradcheck uses finite differences."""
    weight = torch.tensor([[0.7, -0.4, 0.2]], dtype=torch.float64, requires_grad=True)
    distance = torch.tensor([[1.0, 4.0, 9.0]], dtype=torch.float64)
    price = 2 * rule.coefficient(distance, 1.5)
    expected_price = [2.0, 16.0, 54.0] if rule.by_distance else [2.0, 2.0, 2.0]
    assert price[0].tolist() == pytest.approx(expected_price)
    (gradient,) = torch.autograd.grad(rule.penalty(weight, price), weight)
    by_hand = [
        p * (np.sign(w) if rule.order == 1 else w) for p, w in zip(expected_price, [0.7, -0.4, 0.2], strict=True)
    ]
    assert gradient[0].tolist() == pytest.approx(by_hand)
    assert torch.autograd.gradcheck(lambda w: rule.penalty(w, price), (weight,))


@pytest.mark.parametrize("rule", NAMED.values(), ids=NAMED)
def test_the_step_of_a_cost_is_where_a_fine_search_finds_the_least(rule: Regularizer) -> None:
    """The proximal step minimises (x - w)^2 / 2 + step * cost(x); 200,001 values of x are tried."""
    price = torch.tensor([3.0, 1.0, 5.0])
    for start in ([0.7, -0.4, 0.02], [-1.0, 0.05, 0.3]):
        weight = torch.tensor(start)
        rule.proximal_step(weight, price, 0.05)
        x = np.linspace(-1, 1, 200_001)
        for w, p, found in zip(start, [3.0, 1.0, 5.0], weight.tolist(), strict=True):
            cost = (x - w) ** 2 / 2 + 0.05 * p * (np.abs(x) if rule.order == 1 else x**2 / 2)
            assert found == pytest.approx(x[cost.argmin()], abs=2e-5)


def _loss(mlp: Mlp, x: torch.Tensor, y: torch.Tensor) -> float:
    with torch.no_grad():
        return float(nn.functional.cross_entropy(mlp(x), y))


@pytest.mark.parametrize(
    ("schedule", "factors"), [("steady", (1, 1, 1)), ("rising", (0, 1, 2)), ("falling", (2, 1, 0))]
)
def test_lambda_follows_its_schedule(schedule: str, factors: Sequence[int]) -> None:
    """Of lambda = 0.5 and wires of length 4, at the beginning, in the middle and at the end of the rounds."""
    mlp = Mlp.seeded((3, 2), batch_norm=False, seed=1)
    penalty = Penalty("distance", 0.5, 1.0, schedule)
    for done, factor in zip((0.0, 0.5, 1.0), factors, strict=True):
        prices = penalty.coefficients(mlp, [torch.full((2, 3), 4.0)], done)
        assert [price.tolist() for price in prices] == ([[[2.0 * factor] * 3] * 2] if factor else [])


def test_a_reweighted_charge_spares_what_tells_most_for_its_length() -> None:
    """Roots of saliency by length are 1, 2, 6, so 2/3, 1/2 and 1/4 of the price, by their mean, 17/36.

    The fourth weight is no wire: it does not count.
    """
    mlp = Mlp.seeded((4, 1), batch_norm=False, seed=1)
    mlp.masked[0].mask[0, 3] = 0
    distance, saliency = torch.tensor([[1.0, 4.0, 9.0, 4.0]]), torch.tensor([[1.0, 16.0, 324.0, 1e6]])
    by_hand = [0.5 * 1 * (2 / 3), 0.5 * 2 * (1 / 2), 0.5 * 3 * (1 / 4)]
    penalty = Penalty("distance", 0.5, 0.5, reweight_at=3)
    (price,) = penalty.coefficients(mlp, [distance], saliencies=[saliency])
    assert price[0, :3].tolist() == pytest.approx([p / (17 / 36) for p in by_hand])
    for reweight_at in (None, 2):
        (price,) = replace(penalty, reweight_at=reweight_at).coefficients(mlp, [distance], saliencies=[saliency])
        assert price[0, :3].tolist() == pytest.approx([0.5, 1.0, 1.5])
    (price,) = penalty.coefficients(mlp, [distance])
    assert price[0, :3].tolist() == pytest.approx([0.5, 1.0, 1.5])


def test_the_loop_tells_a_reweighted_charge_what_its_last_look_saw(digits: Dataset) -> None:
    """By magnitude and at length 1 throughout the price falls as |w|, 1 to 3 with a median of 2; the dead are out."""
    mlp = Mlp.seeded((64, 3, 10), batch_norm=False, seed=1)
    with torch.no_grad():
        mlp.masked[0].weight[:] = torch.tensor([[1.0], [0.5], [3.0]])
        mlp.masked[1].weight[:] = 2.0
        mlp.masked[1].mask[:, 1] = 0
    spec = PruneSpec(rule="magnitude", sparsity=None, wires=10_000, rounds=1)
    penalty = Penalty("l1", 0.5, 1.0, reweight_at=1000)
    pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, spec, penalty, seed=1)
    pruning.prune(0.0)
    prices = [price.numpy() for price in pruning._coefficients]
    assert [p.shape for p in prices] == [(2, 64), (10, 2)]
    steady = np.concatenate([(prices[0] * (1 + np.array([[1.0], [3.0]]) / 2)).ravel(), (prices[1] * 2).ravel()])
    assert np.allclose(steady, steady[0])
    assert np.concatenate([price.ravel() for price in prices]).mean() == pytest.approx(0.5)


def test_weights_rank_by_their_mean_since_the_last_pruning(digits: Dataset) -> None:
    """Steps leave 4, 0 in one weight and 1, 1 in another: the first stays by its mean, the second by where they end.

    The -6 and 2 before the last pruning do not count; with them the first had a mean of 0.
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
                pruning.keep(Target(count=count))
        assert mlp.kept[0].tolist() == [stays]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_second_derivatives_equal_finite_differences(batch_norm: bool) -> None:
    """(f(w + e) - 2 f(w) + f(w - e)) / e^2 at every weight; e = 1e-4 is far from the kinks of this network."""
    mlp = _random_mlp((5, 4, 3, 3), batch_norm=batch_norm, share=0.8)
    x = torch.randn(40, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = torch.arange(40) % 3
    exact = curvature_of(mlp, x)
    middle, e = _loss(mlp, x, y), 1e-4
    for layer, found in zip(mlp.masked, exact, strict=True):
        for k in torch.nonzero(layer.mask).tolist():
            i, j = k
            with torch.no_grad():
                layer.weight[i, j] += e
                above = _loss(mlp, x, y)
                layer.weight[i, j] -= 2 * e
                below = _loss(mlp, x, y)
                layer.weight[i, j] += e
            assert float(found[i, j]) == pytest.approx((above - 2 * middle + below) / e**2, rel=2e-3, abs=2e-6)


def test_slopes_equal_what_autograd_finds_once_a_weight_is_switched_on() -> None:
    mlp = _random_mlp((5, 4, 3), batch_norm=True, share=0.6)
    x = torch.randn(30, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = torch.arange(30) % 3
    found = gradients_of(mlp, x, y)
    on = copy.deepcopy(mlp)
    for layer in on.masked:
        layer.weight.data *= layer.mask
        layer.mask.fill_(1.0)
    nn.functional.cross_entropy(on(x), y).backward()  # type: ignore[no-untyped-call]
    for layer, slope in zip(on.masked, found, strict=True):
        assert layer.weight.grad is not None
        assert torch.allclose(slope, layer.weight.grad, atol=1e-12)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_cutting_keeps_scores_masks_and_shape_and_only_shrinks_matrices(batch_norm: bool) -> None:
    mlp = _random_mlp((9, 8, 7, 3), batch_norm=batch_norm, share=0.2)
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


def test_training_goes_on_after_a_cut_as_it_would_have_gone_without(digits: Dataset) -> None:
    """Dead weights get no gradient, and Adam remembers the others: with and without a cut, the same network."""
    results = []
    for does_cut in (False, True):
        mlp = Mlp.seeded((64, 12, 10), batch_norm=False, seed=1)
        pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, PruneSpec(), seed=1)
        pruning.descent.run(20)
        mlp.masked[0].mask[3:6] = 0
        mlp.masked[1].mask[:, 3:6] = 0
        mlp.masked[0].mask[:, 10:20] = 0
        if does_cut:
            remove_dead_neurons(mlp, pruning.descent.optimizer)
            assert mlp.masked[0].weight.shape == (9, 54)
        pruning.descent.run(20)
        results.append(mlp.network())
    for one, two in zip(results[0].layers, results[1].layers, strict=True):
        assert np.allclose(one.weight, two.weight, atol=1e-6)


def test_a_follower_measures_what_an_independent_count_of_its_sites_gives() -> None:
    rng = np.random.default_rng(0)
    masks = [rng.random((6, 9)) < 0.4, rng.random((4, 6)) < 0.5]
    follower = Follower(PlaceSpec(pitch=(1, 2, 3)), moves=2_000, seed=1)
    for _ in range(2):  # from nothing, then from where they were
        distances = follower(masks)
        total = sum(float(d[m].sum()) for d, m in zip(distances, masks, strict=True))
        netlist = netlist_between(masks)
        assert netlist.wires <= sum(int(m.sum()) for m in masks)
        assert total == pytest.approx(follower.length)
        masks[0] = masks[0] & (rng.random((6, 9)) < 0.9)
        masks[0][2] = False  # a neuron dies, and the box shrinks


@pytest.mark.parametrize("heavy", [(0, 2, 5), (1, 3, 1)])
def test_a_follower_keeps_short_what_counts_most(heavy: tuple[int, int, int]) -> None:
    """Of a network with all wires, the one that counts 1,000 times is as short as a wire can be: 1."""
    masks = [np.ones((6, 9), dtype=np.bool_), np.ones((4, 6), dtype=np.bool_)]
    counts = [mask.astype(np.int64) for mask in masks]
    layer, target, source = heavy
    counts[layer][target, source] = 1_000
    follower = Follower(PlaceSpec(), moves=20_000, seed=1)
    distances = follower(masks, counts)
    assert distances[layer][target, source] == 1
    assert follower.length == sum(d.sum() for d in distances)  # as it is, whatever counts
    assert Follower(PlaceSpec(), moves=20_000, seed=1)(masks)[layer][target, source] > 1


def test_wires_count_for_the_placer_by_the_root_of_their_saliency() -> None:
    """Half of four wires count whole, beside the second best: a quarter of it counts half, a 10,000th the least, 1."""
    saliencies = [np.array([[9.0, 1.0], [0.0, 4.0]]), np.array([[4e-4, 5.0]])]
    masks = [np.array([[True, True], [False, True]]), np.array([[True, False]])]
    counts = placement_weights(saliencies, masks, 0.5)
    assert [c[m].tolist() for c, m in zip(counts, masks, strict=True)] == [[16, 8, 16], [1]]


def test_a_placer_that_follows_is_told_what_is_likely_to_stay(digits: Dataset) -> None:
    """By magnitude: the largest tenth counts 16, the others 16 times their share of the least of these."""
    told: list[tuple[Sequence[Bools], Sequence[Words]]] = []

    def placer(masks: Sequence[Bools], counts: Sequence[Words]) -> list[Reals]:
        told.append((masks, counts))
        return _far_apart(masks)

    mlp = Mlp.seeded((64, 16, 10), batch_norm=True, seed=1)
    with torch.no_grad():
        mlp.masked[0].mask[3] = 0
        remove_dead_neurons(mlp)
    spec = PruneSpec(rule="magnitude", sparsity=None, wires=100, rounds=2, place_share=0.1)
    pruning = Pruning(mlp, Samples.of(digits.train), RECIPE, spec, distances=placer, seed=1)
    pruning.follow()
    (masks, counts), network = told[0], mlp.network()
    weights = [layer.weight for layer in mlp.masked]
    sizes = np.concatenate([w.detach().abs().numpy().ravel() for w in weights])
    least = np.sort(sizes)[-round(0.1 * len(sizes))]
    assert [c.shape for c in counts] == [layer.weight.shape for layer in network.layers]
    found = np.concatenate([c[m] for c, m in zip(counts, masks, strict=True)])
    assert np.abs(found - np.maximum(16 * np.minimum(sizes / least, 1), 1)).max() <= 0.5 + 1e-5
    pruning.spec = spec.model_copy(update={"place_share": None})
    pruning.follow()
    assert not told[1][1]


def _far_apart(masks: Sequence[Bools], counts: Sequence[Words] = ()) -> list[Reals]:  # noqa: ARG001 - a placer takes both
    """Every neuron at its index: a placer that never moves anything."""
    return [1.0 + np.abs(np.arange(m.shape[0])[:, None] - np.arange(m.shape[1])) for m in masks]


@pytest.mark.parametrize("regrow", [0.0, 0.3])
def test_pruning_ends_within_the_wire_length_asked_for(digits: Dataset, regrow: float) -> None:
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


def test_long_wires_go_first_when_they_are_charged_for(digits: Dataset) -> None:
    """With the same number of wires left, charging and ranking by distance leaves them shorter than magnitude does."""
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


def test_a_smaller_network_is_looked_at_with_more_samples_for_the_same_work(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the hidden neurons, half of the work for each sample: twice the samples."""
    looked_at: list[int] = []

    def counted(mlp: Mlp, features: torch.Tensor) -> list[torch.Tensor]:
        looked_at.append(len(features))
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
    assert looked_at == [100, 200]


def test_a_teacher_of_one_hot_answers_is_cross_entropy_and_a_share_mixes_both(digits: Dataset) -> None:
    """With T = 1 and answers that are the labels, the distance to the teacher is the cross entropy itself."""
    samples = Samples.of(digits.train)
    taught = samples.with_teacher(lambda x: 1e4 * nn.functional.one_hot(samples.labels[: len(x)], 10).float(), 1.0)
    batch = next(taught.stream(16, seed=1))._replace(soft_labels=None)
    scores = torch.randn(16, 10, generator=torch.Generator().manual_seed(1))
    hard = nn.functional.one_hot(batch.labels, 10).float()
    plain = RECIPE.loss(scores, batch)
    mixed = Recipe(32, 0.005, 0.0, 0.0, distill=0.3, temperature=1.0).loss(scores, batch._replace(soft_labels=hard))
    assert float(mixed) == pytest.approx(float(plain), rel=1e-6)
    soft = torch.full((16, 10), 0.1)
    by_hand = 0.7 * plain + 0.3 * 4 * (soft * (soft.log() - torch.log_softmax(scores / 2, 1))).sum(dim=1).mean()
    softened = Recipe(32, 0.005, 0.0, 0.0, distill=0.3, temperature=2.0).loss(scores, batch._replace(soft_labels=soft))
    assert float(softened) == pytest.approx(float(by_hand), rel=1e-6)


def test_distorted_copies_are_repeatable_near_the_images_and_none_without_magnitudes(digits: Dataset) -> None:
    still = AugmentSpec(copies=1, shift=0, rotate=0, zoom=0, shear=0, warp=0)
    (same,) = distort(digits.train, still, seed=1)
    assert np.allclose(same.numpy() / 256, digits.train.features, atol=0.003)
    mirrored = distort(digits.train, still.model_copy(update={"mirror": True}), seed=1)[0].numpy().reshape(-1, 8, 8)
    flipped = digits.train.features.reshape(-1, 8, 8)[:, :, ::-1]
    turned = np.abs(mirrored / 256 - flipped).max(axis=(1, 2)) < 0.003
    assert 0.4 < turned.mean() < 0.65
    one, two = (distort(digits.train, AugmentSpec(copies=2), seed=1) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one[0], one[1])


def test_a_layer_sees_every_change_of_its_mask() -> None:
    """Changed in place or replaced, before and after a copy is made: always the product with the mask of now."""
    layer = _random_mlp((9, 6), batch_norm=False, share=0.15).masked[0]
    x = torch.randn(4, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for change in range(6):
        now = torch.zeros(6, 9, dtype=torch.float64)
        now.view(-1)[change :: 9 + change] = 1
        if change % 2:
            layer.mask = now
        else:
            layer.mask.copy_(now)
        for one in (layer, copy.deepcopy(layer)):
            assert torch.allclose(one(x), nn.functional.linear(x, one.weight * now, one.bias))


def test_no_neuron_keeps_more_weights_than_its_layer_allows(digits: Dataset) -> None:
    """20 hidden neurons of at most 6 weights, 10 outputs of at most 5: at the end, and never more than on the way."""
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
