"""How long are the wires at the highest accuracy, when each way uses the whole recipe? Ways side by side."""

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
from netgen.experiment.settings import ACCURACIES, IMAGES, WHOLE, base_of, ways_of
from netgen.experiment.trial import Point, Trial, spec_of
from netgen.spec.spec import Spec


def trials(data: str, *, seeds: int, quick: bool) -> list[Trial]:
    """One trial from the dense network for each way and seed, with few measurements, each trained to the end."""
    made = []
    for seed in range(1, seeds + 1):
        base = base_of(data, seed=seed, quick=quick)
        base = base if quick else spec_of(base.to_yaml(), **WHOLE[data])
        for name, way in ways_of(data).items():
            images = not quick and data in IMAGES
            spec = spec_of(
                base.to_yaml(),
                train=way.train,
                augment=way.augment if images else {},
                prune={"rule": way.rule, **way.prune, **(way.target if images else {})},
                place=way.place,
                **(_trained(base) if way.trained else {}),
            )
            rounds = way.rounds if images else ()
            made.append(Trial(data, (name,), spec, placers=(way.method,), rounds=rounds, dense=True))
    return made


def _trained(base: Spec) -> dict[str, dict[str, object]]:
    """The sections of a spec whose neurons train their functions: layers, and a step of weights for each neuron."""
    layers = base.network.layers or tuple(f"dense {neurons}" for neurons in base.network.hidden)
    return {"network": {"layers": layers, "activation": "piecewise"}, "quantize": {"per_channel": True}}


def table(data: str, found: Sequence[tuple[Trial, Sequence[Point]]]) -> list[list[str]]:
    """Wire length and number of wires at which validation or test accuracy falls below the highest target."""
    target = ACCURACIES[data][0]
    rows = [
        [
            "way",
            f"wire length at {percent(target)} of validation",
            "test accuracy there",
            "wires there",
            f"wire length at {percent(target)} of test",
        ]
    ]
    for name, way in ways_of(data).items():
        curves = [points for trial, points in found if trial.what == (name,)]
        length = length_by(way.method)
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
