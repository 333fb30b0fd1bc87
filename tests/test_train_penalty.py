"""Regularizers, the penalty of a spec, and its reweighting."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from netgen.train import Penalty
from netgen.train.penalty import Penalized
from netgen.train.regularize import REGULARIZERS, Regularizer

NAMED = {name: rule for name, rule in REGULARIZERS.items() if rule is not None}


@pytest.mark.parametrize("rule", NAMED.values(), ids=NAMED)
def test_the_gradient_of_a_penalty_is_its_coefficient_times_the_sign_or_the_weight(rule: Regularizer) -> None:
    """d/dw of 2 d^1.5 |w| is 2 d^1.5 sign w, of 2 d^1.5 w^2 / 2 it is 2 d^1.5 w; gradcheck uses finite differences."""
    weight = torch.tensor([[0.7, -0.4, 0.2]], dtype=torch.float64, requires_grad=True)
    distance = torch.tensor([[1.0, 4.0, 9.0]], dtype=torch.float64)
    coefficient = 2 * rule.coefficient(distance, 1.5)
    expected = [2.0, 16.0, 54.0] if rule.by_distance else [2.0, 2.0, 2.0]
    assert coefficient[0].tolist() == pytest.approx(expected)
    (gradient,) = torch.autograd.grad(rule.penalty(weight, coefficient), weight)
    by_hand = [p * (np.sign(w) if rule.order == 1 else w) for p, w in zip(expected, [0.7, -0.4, 0.2], strict=True)]
    assert gradient[0].tolist() == pytest.approx(by_hand)
    assert torch.autograd.gradcheck(lambda w: rule.penalty(w, coefficient), (weight,))


@pytest.mark.parametrize("rule", NAMED.values(), ids=NAMED)
def test_the_proximal_step_is_the_minimum_that_a_fine_search_finds(rule: Regularizer) -> None:
    """The proximal step minimises (x - w)^2 / 2 + step * penalty(x); 200,001 values of x are tried."""
    coefficient = torch.tensor([3.0, 1.0, 5.0])
    for start in ([0.7, -0.4, 0.02], [-1.0, 0.05, 0.3]):
        weight = torch.tensor(start)
        rule.proximal_step(weight, coefficient, 0.05)
        x = np.linspace(-1, 1, 200_001)
        for w, p, found in zip(start, [3.0, 1.0, 5.0], weight.tolist(), strict=True):
            cost = (x - w) ** 2 / 2 + 0.05 * p * (np.abs(x) if rule.order == 1 else x**2 / 2)
            assert found == pytest.approx(x[cost.argmin()], abs=2e-5)


@pytest.mark.parametrize(
    ("schedule", "factors"), [("steady", (1, 1, 1)), ("rising", (0, 1, 2)), ("falling", (2, 1, 0))]
)
def test_lambda_follows_its_schedule(schedule: str, factors: Sequence[int]) -> None:
    """Of lambda = 0.5 and wires of length 4, at the beginning, in the middle and at the end of the rounds."""
    layer = Penalized(torch.full((3,), 4.0), torch.arange(3), 3)
    penalty = Penalty("distance", 0.5, 1.0, schedule)
    for done, factor in zip((0.0, 0.5, 1.0), factors, strict=True):
        coefficients = penalty.coefficients([layer], placed=True, done=done)
        assert [coefficient.tolist() for coefficient in coefficients] == ([[2.0 * factor] * 3] if factor else [])


def test_a_penalty_by_distance_begins_with_the_first_placement() -> None:
    layer = Penalized(torch.ones(3), torch.arange(3), 3)
    assert not Penalty("distance", 0.5, 1.0).coefficients([layer], placed=False)
    (coefficient,) = Penalty("l1", 0.5, 1.0).coefficients([layer], placed=False)
    assert coefficient.tolist() == [0.5] * 3


def test_a_reweighted_penalty_is_least_for_the_most_salient_weights_per_length() -> None:
    """Roots of saliency by length are 1, 2, 6, so the factors are 2/3, 1/2 and 1/4, divided by their mean, 17/36.

    The second weight has two wires of length 1 and 3.
    """
    saliency = torch.tensor([1.0, 16.0, 324.0])
    layer = Penalized(torch.tensor([1.0, 1.0, 9.0, 3.0]), torch.tensor([0, 1, 2, 1]), 3, saliency)
    sums = [1.0, 1 + 3**0.5, 3.0]
    by_hand = [0.5 * total * factor for total, factor in zip(sums, (2 / 3, 1 / 2, 1 / 4), strict=True)]
    penalty = Penalty("distance", 0.5, 0.5, reweight_at=4)
    (coefficient,) = penalty.coefficients([layer], placed=True)
    assert coefficient.tolist() == pytest.approx([p / (17 / 36) for p in by_hand])
    plain = pytest.approx([0.5 * total for total in sums])
    for reweight_at in (None, 3):
        (coefficient,) = replace(penalty, reweight_at=reweight_at).coefficients([layer], placed=True)
        assert coefficient.tolist() == plain
    (coefficient,) = penalty.coefficients([replace(layer, saliency=None)], placed=True)
    assert coefficient.tolist() == plain
