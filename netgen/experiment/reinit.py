"""Does pruning find good weights, or good wiring? Pruned networks are reinitialized on the same wires and retrained."""

from collections.abc import Sequence

from netgen.experiment.ablation import OURS, PRUNING, TRAINING
from netgen.experiment.curve import Figure, crossing, over_seeds, percent
from netgen.experiment.settings import ACCURACIES, base_of
from netgen.experiment.trial import Point, Trial, spec_of

PUBLISHED = {
    0.98: ("98", "8.92", "97.08"),
    0.97: ("97", "10.1", "84.64"),
    0.95: ("95", "10.32", "61.94"),
    0.90: ("90", "10.09", "30.76"),
}
"""MNIST accuracy in percent before, after reinitialization, after retraining: Blake, CDNNRIA workshop, 2018."""


def trials(data: str, *, seeds: int, quick: bool) -> list[Trial]:
    """Netgen's own way of training and pruning, once per seed."""
    return [
        Trial(
            data,
            ("reinit",),
            spec_of(
                base_of(data, seed=seed, quick=quick).to_yaml(),
                train=TRAINING[OURS[0]],
                prune={"rule": PRUNING[OURS[1]]},
            ),
            measured="reinit",
        )
        for seed in range(1, seeds + 1)
    ]


def table(data: str, found: Sequence[tuple[Trial, Sequence[Point]]]) -> list[list[str]]:
    """Test accuracy before, after reinitialization and after retraining, where accuracy falls below each target."""
    rows = [["accuracy", "wires", "before", "new random weights", "trained again", "published: before, new, again"]]
    curves = [points for _, points in found]
    figures: list[tuple[Figure, str, float]] = [
        (lambda point: float(point.wires), ",.0f", 1.0),
        (lambda point: point.test, ".2f", 100.0),
        (lambda point: point.fresh or 0.0, ".2f", 100.0),
        (lambda point: point.retrained or 0.0, ".2f", 100.0),
    ]
    for target in ACCURACIES[data]:
        cells = []
        for figure, form, factor in figures:
            values = [crossing(c, target, figure, lambda p: p.validation, lambda p: float(p.wires)) for c in curves]
            cells.append(over_seeds(values, form, factor))
        published = ", ".join(PUBLISHED[target]) if data == "mnist" and target in PUBLISHED else ""
        rows.append([percent(target), *cells, published])
    return rows
