"""Which techniques shorten wires, and do they combine? The ablation of Blake et al. 2018, and netgen's way."""

from collections.abc import Sequence

from netgen.experiment.curve import (
    crossing,
    crossing_size,
    length_by,
    over_seeds,
    percent,
    test_accuracy,
    validation_accuracy,
)
from netgen.experiment.settings import ACCURACIES, DECAY, STRENGTH, base_of
from netgen.experiment.trial import Point, Trial, spec_of

TRAINING = {
    "plain": {"regularizer": "l2", "strength": DECAY},
    "distance": {"regularizer": "distance", "strength": STRENGTH},
}
PRUNING = {"magnitude": "magnitude", "nested-rank": "nested_rank", "saliency per length": "obs_distance"}
PLACEMENT = {"none": "index", "matching": "matching", "netgen": "auto"}
PAPER = [(training, pruning) for training in ("plain", "distance") for pruning in ("magnitude", "nested-rank")]
OURS = ("distance", "saliency per length")


def trials(data: str, *, seeds: int, quick: bool) -> list[Trial]:
    """All combinations; training and pruning that use no distances run once for all placers."""
    made = []
    for seed in range(1, seeds + 1):
        base = base_of(data, seed=seed, quick=quick)
        for training, pruning in [*PAPER, OURS]:
            blind = (training, pruning) == ("plain", "magnitude")
            ways = ["netgen"] if blind or (training, pruning) == OURS else list(PLACEMENT)
            for placement in ways:
                method = PLACEMENT[placement]
                spec = spec_of(
                    base.to_yaml(),
                    train=TRAINING[training],
                    prune={"rule": PRUNING[pruning]},
                    place={"method": method},
                )
                placers = tuple(PLACEMENT.values()) if blind else (method,)
                made.append(Trial(data, (training, pruning, placement), spec, placers=placers))
    return made


def table(data: str, found: Sequence[tuple[Trial, Sequence[Point]]]) -> list[list[str]]:
    """Wire length at which validation accuracy falls below each target, and test accuracy there."""
    accuracies = ACCURACIES[data]
    header = ["training", "pruning", "placement"]
    header += [f"wire length at {percent(a)}" for a in accuracies] + [
        f"test accuracy there, {percent(a)}" for a in accuracies
    ]
    rows = [header]
    for training, pruning in [*PAPER, OURS]:
        for placement, method in PLACEMENT.items():
            curves = [
                points for trial, points in found if trial.what[:2] == (training, pruning) and method in trial.placers
            ]
            if not curves:
                continue

            length = length_by(method)
            lengths = [[crossing_size(c, a, validation_accuracy, length) for c in curves] for a in accuracies]
            tests = [[crossing(c, a, test_accuracy, validation_accuracy, length) for c in curves] for a in accuracies]
            rows.append(
                [training, pruning, placement]
                + [over_seeds(values, ",.0f") for values in lengths]
                + [over_seeds(values, ".2f", 100.0) for values in tests]
            )
    return rows
