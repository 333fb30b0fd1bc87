"""The targets of the pruning schedule, worked by hand."""

import pytest

from netgen.spec.sections import PruneSpec
from netgen.train.schedule import PruningSchedule, PruningTarget


def _spec(**keys: object) -> PruneSpec:
    return PruneSpec.model_validate({"sparsity": None, **keys})


def _schedule(spec: PruneSpec) -> PruningSchedule:
    """Of 10 neurons that read 100 inputs, and 20 that read them."""
    return PruningSchedule(spec, weights_total=1200, fan_in=(100, 10), wires=1200)


@pytest.mark.parametrize(
    ("spec", "done", "target"),
    [
        (PruneSpec(sparsity=0.8), 0.0, PruningTarget(count=1200)),
        (PruneSpec(sparsity=0.8), 0.5, PruningTarget(count=360)),  # 1200 (1 - 0.8 (1 - 1/8)) = 1200 * 0.3
        (PruneSpec(sparsity=0.8), 1.0, PruningTarget(count=240)),
        (_spec(accuracy=0.9, rounds=4), 0.5, PruningTarget(count=675)),  # two of four rounds: 1200 * 0.75^2
        (_spec(wires=48), 0.0, PruningTarget(count=1200)),
        (_spec(wires=48), 0.5, PruningTarget(count=240)),  # 1200 / sqrt(25)
        (_spec(wires=48), 1.0, PruningTarget(count=48)),
        (_spec(wires=5_000), 1.0, PruningTarget(count=1200)),  # more than there are
        (_spec(fan_in=(4, 40)), 0.5, PruningTarget(fan_in=(20, 10))),  # 100 / sqrt(25); 40 is more than 10
        (_spec(fan_in=1), 1.0, PruningTarget(fan_in=(1, 1))),
    ],
)
def test_a_target_falls_from_the_dense_network_to_what_the_spec_wants(
    spec: PruneSpec, done: float, target: PruningTarget
) -> None:
    assert _schedule(spec).target(done) == target


def test_a_target_of_wire_length_is_a_number_of_wires_until_the_network_can_be_placed() -> None:
    """Of 10 rounds 3 lead from 1,200 wires to place_at = 12, in equal ratios; then the length falls from 640 to 10."""
    schedule = _schedule(_spec(wire_length=10, place_at=12, rounds=10))
    assert schedule.target(0.15) == PruningTarget(count=120)
    assert schedule.target(0.3) == PruningTarget(count=12)
    assert schedule.target(0.65, length=640.0).length == pytest.approx(80)  # 640 / sqrt(64)
    assert schedule.target(1.0, length=640.0).length == pytest.approx(10)
    assert schedule.target(0.65) == PruningTarget(count=12)  # not placed yet: it has more wires than place_at


def test_a_network_that_can_be_placed_from_the_start_has_targets_of_wire_length_from_the_start() -> None:
    schedule = _schedule(_spec(wire_length=10))
    assert schedule.target(0.5, length=640.0).length == pytest.approx(80)
