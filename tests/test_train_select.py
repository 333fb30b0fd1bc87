"""Which weights a pruning keeps, by hand."""

import numpy as np

from netgen.spec.sections import PruneSpec
from netgen.train.schedule import PruningTarget
from netgen.train.select import Candidates, select, select_apart

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


def test_what_gates_switch_off_may_get_a_share_of_the_target_of_its_own() -> None:
    """Four wires of length 1 in each layer, those of the second computed for half of the samples; target 4, a quarter
    of it for the second: three wires and two. By saliency alone nothing of the second would stay."""
    always, gated = _layer([5, 6, 7, 8], [1.0] * 4, [1.0] * 4), _layer([0.1, 0.4, 0.3, 0.2], [0.5] * 4, [0.5] * 4)
    layers, which = [always, gated], [np.zeros(4, dtype=bool), np.ones(4, dtype=bool)]
    apart = LENGTH.model_copy(update={"gated_share": 0.25})
    found = select_apart(PruningTarget(length=4.0), apart, layers, which, share=1.0)
    assert [own.tolist() for own in found] == [[False, True, True, True], [False, True, True, False]]
    found = select_apart(PruningTarget(count=4), apart, layers, which, share=1.0)
    assert [own.tolist() for own in found] == [[False, True, True, True], [False, True, False, False]]
    for spec, gates in ((LENGTH, which), (apart, [which[0]] * 2)):
        found = select_apart(PruningTarget(length=4.0), spec, layers, gates, share=1.0)
        assert [own.tolist() for own in found] == [[True] * 4, [False] * 4]
