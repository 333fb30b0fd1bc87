"""How few weights keep the error? Pruning alone, compared with published results for 784-300-100-10 on MNIST."""

from collections.abc import Sequence

from netgen.experiment.ablation import TRAINING
from netgen.experiment.curve import at_size, crossing_size, over_seeds
from netgen.experiment.settings import base_of
from netgen.experiment.trial import Point, Trial, spec_of

WAYS = {
    "magnitude": ("magnitude", TRAINING["plain"]),
    "saliency": ("obs", {"regularizer": "l1", "strength": 0.04}),
}
"""Rule and regularizer by name."""
START = 40_000
"""Number of weights at which the curves begin."""
PUBLISHED = [
    ("Han et al. 2015, iterative magnitude", 21_800, 1.59),
    ("soft weight sharing", 11_600, 1.94),
    ("dynamic network surgery", 4_800, 1.99),
    ("sparse variational dropout", 3_800, 1.92),
]
"""Method, number of weights left, test error in percent."""


def trials(data: str, *, seeds: int, quick: bool) -> list[Trial]:
    """For each seed the dense network and a curve for each way, without placement or rounding."""
    made = []
    for seed in range(1, seeds + 1):
        base = base_of(data, seed=seed, quick=quick)
        retrain = 3 * base.prune.retrain
        dense = spec_of(base.to_yaml(), prune={"rule": "none", "retrain": retrain})
        made.append(Trial(data, ("dense",), dense, measured="float", placers=()))
        for name, (rule, training) in WAYS.items():
            prune = {"rule": rule, "place_at": min(START, 2 * base.prune.place_at), "retrain": retrain}
            spec = spec_of(base.to_yaml(), train=training, prune=prune)
            made.append(Trial(data, (name,), spec, measured="float", placers=()))
    return made


def table(data: str, found: Sequence[tuple[Trial, Sequence[Point]]]) -> list[list[str]]:
    """Test error at the published numbers of weights, and the fewest weights with the dense network's error."""
    curves = {name: [points for trial, points in found if trial.what == (name,)] for name in (*WAYS, "dense")}
    dense = [1 - points[0].test for points in curves["dense"]]
    rows = [["weights left", "published", *(f"netgen, {name}: test error %" for name in WAYS)]]
    total = curves["dense"][0][0].weights
    rows.append(
        [f"{total:,} (dense)", "1.64" if data == "mnist" else "", *[over_seeds(dense, ".2f", 100.0)] * len(WAYS)]
    )
    published = PUBLISHED if data == "mnist" else []
    shares = [(f"one in {k}", total // k, 0.0) for k in (5, 10, 20, 50, 100)]
    for method, weights, error in sorted(published + shares, key=lambda row: -row[1]):
        cells = [
            over_seeds([at_size(c, weights, lambda p: 1 - p.test, _weights) for c in curves[name]], ".2f", 100.0)
            for name in WAYS
        ]
        if set(cells) != {"-"}:
            rows.append([f"{weights:,}", f"{error:.2f}, {method}" if error else method, *cells])
    lossless = [
        over_seeds(
            [
                crossing_size(curve, 1 - error, lambda p: p.test, _weights)
                for curve, error in zip(curves[name], dense, strict=True)
            ],
            ",.0f",
        )
        for name in WAYS
    ]
    rows.append(["fewest with no loss to dense", "", *lossless])
    return rows


def _weights(point: Point) -> float:
    return float(max(point.weights, 1))
