"""How much wire for the highest accuracy, when each technique gets the whole recipe? Three ways, side by side."""

from collections.abc import Sequence

from netgen.experiment.ablation import OURS, PLACEMENT, PRUNING, TRAINING
from netgen.experiment.curve import crossing, crossing_size, length_by, over_seeds, test_accuracy, validation_accuracy
from netgen.experiment.settings import ACCURACIES, WHOLE, base_of
from netgen.experiment.trial import Point, Trial, spec_of

WAYS = {
    "plain magnitude": ("plain", "magnitude", "netgen", (9, 11)),
    "best of the paper": ("distance", "magnitude", "matching", (12, 14)),
    "netgen": (*OURS, "netgen", (14, 16)),
}
"""Training, pruning and placement by name, and the rounds to look after: near where the target is."""


def trials(data: str, *, seeds: int, quick: bool) -> list[Trial]:
    """One way down from the same network for each way and seed, with few looks, each trained to its end."""
    made = []
    for seed in range(1, seeds + 1):
        base = base_of(data, seed=seed, quick=False)
        base = spec_of(base.to_yaml(), **({} if quick else WHOLE[data]))
        for name, (training, pruning, placement, looks) in WAYS.items():
            method = PLACEMENT[placement]
            spec = spec_of(
                base.to_yaml(),
                train=TRAINING[training],
                prune={"rule": PRUNING[pruning]},
                place={"method": method},
            )
            made.append(
                Trial(data, (name,), spec, placers=(method,), looks=tuple(k for k in looks if k <= base.prune.rounds))
            )
    return made


def table(data: str, found: Sequence[tuple[Trial, Sequence[Point]]]) -> list[list[str]]:
    """Wire length and wires where validation and where test accuracy falls through the highest target."""
    target = ACCURACIES[data][0]
    rows = [
        [
            "way",
            f"wire length at {target:.0%} of validation",
            "test accuracy there",
            "wires there",
            f"wire length at {target:.0%} of test",
        ]
    ]
    for name, (_, _, placement, _) in WAYS.items():
        method = PLACEMENT[placement]
        curves = [points for trial, points in found if trial.what == (name,)]

        length = length_by(method)
        rows.append(
            [
                name,
                over_seeds([crossing_size(c, target, validation_accuracy, length) for c in curves], ",.0f"),
                over_seeds(
                    [crossing(c, target, test_accuracy, validation_accuracy, length) for c in curves], ".2f", 100.0
                ),
                over_seeds([crossing(c, target, _wires, validation_accuracy, length) for c in curves], ",.0f"),
                over_seeds([crossing_size(c, target, test_accuracy, length) for c in curves], ",.0f"),
            ]
        )
    return rows


def _wires(point: Point) -> float:
    return float(point.wires)
