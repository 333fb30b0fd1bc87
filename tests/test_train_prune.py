"""Pruning rules and masks, worked by hand."""

from typing import get_args

import numpy as np
import pytest

from netgen.spec.sections import PruneSpec
from netgen.train.prune import RULES, Weights, keep_best, keep_per_neuron, keep_within_length

WEIGHTS = Weights(
    weight=np.array([0.9, -0.1, 0.5, 0.4, -0.3]),
    distance=np.array([9.0, 1.0, 1.0, 4.0, 2.0]),
    curvature=np.array([1.0, 400.0, 4.0, 1.0, 10.0]),
)


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("magnitude", [0, 2, 3]),  # 0.9 0.1 0.5 0.4 0.3
        ("distance_magnitude", [0, 2, 4]),  # 0.1 0.1 0.5 0.1 0.15; of the three equal ones the first stays
        ("obd", [1, 2, 4]),  # half of 0.81 4 1 0.16 0.9
        ("obd_distance", [1, 2, 4]),  # half of 0.09 4 1 0.04 0.45
        ("nested_rank", [0, 1, 2]),  # the four least are 0.1 0.3 0.4 0.5; the longest of these 0.4 (4) and 0.3 (2)
        ("nested_rank_distance", [0, 2, 3]),  # the four longest weigh 0.9 0.4 0.3 0.1; the least of these 0.1 and 0.3
    ],
)
def test_of_five_weights_each_rule_keeps_three_as_worked_by_hand(rule: str, kept: list[int]) -> None:
    assert np.flatnonzero(keep_best(RULES[rule].ranking, WEIGHTS, 3)).tolist() == kept


@pytest.mark.parametrize("rule", RULES)
def test_the_wanted_number_of_weights_is_kept(rule: str) -> None:
    for keep in range(7):
        assert keep_best(RULES[rule].ranking, WEIGHTS, keep).sum() == min(keep, 5)


@pytest.mark.parametrize("rule", ["magnitude", "distance_magnitude", "obd", "obd_distance"])
def test_within_a_length_as_many_of_the_best_weights_are_kept_as_fit(rule: str) -> None:
    """Compared with trying every number of the best weights."""
    rank = RULES[rule].ranking(WEIGHTS, 0)
    for most in range(18):
        order = sorted(range(5), key=lambda k: (-rank[k], k))
        best = max(k for k in range(6) if sum(WEIGHTS.distance[i] for i in order[:k]) <= most)
        kept = keep_within_length(RULES[rule].ranking, WEIGHTS, WEIGHTS.distance, float(most))
        assert sorted(np.flatnonzero(kept)) == sorted(order[:best])


def test_the_best_weights_of_each_neuron_are_kept() -> None:
    """0.9 and -0.1 lead into the first neuron, none into the second, 0.5, 0.4 and -0.3 into the third."""
    fan_in = np.array([2, 0, 3])
    assert np.flatnonzero(keep_per_neuron(RULES["magnitude"].ranking, WEIGHTS, fan_in, 1)).tolist() == [0, 2]
    assert np.flatnonzero(keep_per_neuron(RULES["obd"].ranking, WEIGHTS, fan_in, 2)).tolist() == [0, 1, 2, 4]
    assert keep_per_neuron(RULES["magnitude"].ranking, WEIGHTS, fan_in, 0).sum() == 0


def test_every_rule_of_a_spec_but_none_is_there_and_no_other() -> None:
    assert {"none", *RULES} == set(get_args(PruneSpec.model_fields["rule"].annotation))
