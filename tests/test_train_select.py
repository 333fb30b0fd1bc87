"""Which weights a pruning keeps, by hand."""

import numpy as np

from netgen.spec.sections import PruneSpec
from netgen.train.schedule import PruningTarget
from netgen.train.select import Candidates, select

LENGTH = PruneSpec(rule="obd_distance", sparsity=None, wire_length=10)


def _layer(saliency: list[float], length: list[float], cost: list[float]) -> Candidates:
    """Weights of 1 whose saliency, half of the second derivative, is given; a wire each."""
    ones = np.ones(len(saliency))
    curvature, fan_in = 2 * np.array(saliency), np.array([len(saliency)])
    return Candidates(ones, curvature, ones, np.array(length), np.array(cost), fan_in, len(saliency))


def test_a_wire_that_is_seldom_computed_costs_less_than_a_step_of_the_grid() -> None:
    """Saliency for each unit of cost 1 / 0.25 = 4 and 2.2 / 1 = 2.2: the first is kept, and the second is beyond 1."""
    layer = _layer([1.0, 2.2], [0.25, 1.0], [0.25, 1.0])
    assert select(PruningTarget(length=1.0), LENGTH, [layer], share=1.0)[0].tolist() == [True, False]


def test_a_signal_that_never_toggles_costs_little_but_not_nothing() -> None:
    """64 times the saliency 0.01 is less than 1 / 1, and 64 times 0.02 is more."""
    few, more = _layer([0.01, 1.0], [2.0, 2.0], [0.0, 1.0]), _layer([0.02, 1.0], [2.0, 2.0], [0.0, 1.0])
    assert select(PruningTarget(length=2.0), LENGTH, [few], share=1.0)[0].tolist() == [False, True]
    assert select(PruningTarget(length=2.0), LENGTH, [more], share=1.0)[0].tolist() == [True, False]


def test_a_wire_without_a_length_costs_one_step() -> None:
    layer = _layer([0.9, 1.0], [0.0, 1.0], [0.0, 1.0])
    assert select(PruningTarget(length=1.0), LENGTH, [layer], share=1.0)[0].tolist() == [True, True]
    assert select(PruningTarget(count=1), LENGTH, [layer], share=1.0)[0].tolist() == [False, True]
