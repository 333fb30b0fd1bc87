"""Read curves: a figure at a given accuracy, and its mean and standard deviation over seeds."""

import itertools
from collections.abc import Callable, Sequence
from math import exp, log
from statistics import mean, stdev

from netgen.experiment.trial import Point

Figure = Callable[[Point], float]


def validation_accuracy(point: Point) -> float:
    """Validation accuracy."""
    return point.validation


def test_accuracy(point: Point) -> float:
    """Test accuracy."""
    return point.test


def length_by(placer: str) -> Figure:
    """Wire length by a placer, at least 1, so that it has a logarithm."""
    return lambda point: float(max(point.lengths[placer], 1))


def crossing(points: Sequence[Point], target: float, figure: Figure, by: Figure, size: Figure) -> float | None:
    """Read a figure where a curve falls below a target.

    The figure is interpolated, on the logarithm of size, between the smallest network that reaches the target and the
    next smaller network.

    Args:
        by: the figure that must reach the target; validation accuracy for a fair choice of networks.
        size: orders the networks; above 0.
    Returns: None when no network reaches the target; the smallest network's figure when all reach it.
    """
    order = sorted(points, key=size)
    reached = [k for k, point in enumerate(order) if by(point) >= target]
    if not reached:
        return None
    if reached[0] == 0:
        return figure(order[0])
    low, high = order[reached[0] - 1], order[reached[0]]
    share = (target - by(low)) / (by(high) - by(low))
    return figure(low) + share * (figure(high) - figure(low))


def crossing_size(points: Sequence[Point], target: float, by: Figure, size: Figure) -> float | None:
    """Read the size where a curve falls below a target, interpolated on its logarithm; see `crossing`."""
    found = crossing(points, target, lambda point: log(size(point)), by, size)
    return None if found is None else exp(found)


def at_size(points: Sequence[Point], wanted: float, figure: Figure, size: Figure) -> float | None:
    """Read a figure at a given size, interpolated on its logarithm; None outside the curve."""
    order = sorted(points, key=size)
    for low, high in itertools.pairwise(order):
        if size(low) <= wanted <= size(high):
            span = log(size(high) / size(low))
            share = log(wanted / size(low)) / span if span else 0.0
            return figure(low) + share * (figure(high) - figure(low))
    return None


def percent(share: float) -> str:
    """A share as text: 98%, 98.5%."""
    return f"{100 * share:.3g}%"


def over_seeds(values: Sequence[float | None], form: str, factor: float = 1.0) -> str:
    """Mean and standard deviation over seeds, as text; a dash when some seed has none."""
    found = [value * factor for value in values if value is not None]
    if len(found) < len(values) or not found:
        return "-"
    if len(found) == 1:
        return f"{found[0]:{form}}"
    return f"{mean(found):{form}} ± {stdev(found):{form}}"
