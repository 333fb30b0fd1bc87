"""Pruning rules: the order in which weights are removed, and the masks that remain.

To add a rule, write its ranking here, enter it in `RULES`, and name it in `PruneSpec.rule`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words

CANDIDATES = 2
"""Nested ranks choose the weights to remove among this many times as many candidates."""
MOST_PLACEMENT_WEIGHT = 16
"""Placement weight of the wires that are most likely to stay; of the others less, at least 1."""


@dataclass(frozen=True, eq=False)
class Weights:
    """What a rule ranks: remaining weights of all layers or of one, each array (k,).

    Attributes:
        weight: as trained.
        distance: Manhattan distance of the two neurons, to the spec's power; 1 before the first placement.
        curvature: second derivative of the loss by the weight.
    """

    weight: Reals
    distance: Reals
    curvature: Reals


Ranking = Callable[[Weights, int], Reals]
"""A rank for each weight, (k,): the lowest are removed first. The number is how many will be removed."""


@dataclass(frozen=True)
class Rule:
    """A pruning rule.

    Attributes:
        ranking: order in which weights are removed.
        curvature: whether the ranking uses second derivatives; they are ones otherwise.
        adjusts: whether the second derivatives are those of `BrainSurgeon`, and the remaining weights are adjusted.
    """

    ranking: Ranking
    curvature: bool = False
    adjusts: bool = False


def magnitude(weights: Weights, remove: int) -> Reals:  # noqa: ARG001 - every ranking has this signature
    """|w| (Han et al. 2015)."""
    rank: Reals = np.abs(weights.weight)
    return rank


def nested_rank(weights: Weights, remove: int) -> Reals:
    """Among the 2 * `remove` weights of least magnitude, the longest wires first.

    Source: Blake et al. 2018 name nested-rank pruning; the formula is our own reading.
    """
    return _nested(np.abs(weights.weight), -weights.distance, remove)


def nested_rank_distance(weights: Weights, remove: int) -> Reals:
    """Among the 2 * `remove` longest wires, the weights of least magnitude first; our own reading."""
    return _nested(-weights.distance, np.abs(weights.weight), remove)


def distance_magnitude(weights: Weights, remove: int) -> Reals:
    """|w| / d^g; our own."""
    return magnitude(weights, remove) / weights.distance


def obd(weights: Weights, remove: int) -> Reals:  # noqa: ARG001
    """w^2 h / 2, the rise of the loss to second order (LeCun, Denker and Solla 1990, Optimal Brain Damage)."""
    rank: Reals = weights.curvature * weights.weight**2 / 2
    return rank


def obd_distance(weights: Weights, remove: int) -> Reals:
    """w^2 h / (2 d^g), the rise of the loss for each unit of wire that is saved; our own."""
    return obd(weights, remove) / weights.distance


def _nested(outer: Reals, inner: Reals, remove: int) -> Reals:
    """Rank the lowest by `outer` by `inner`, ties by `outer`; the rank of all others is infinite."""
    candidates = np.argsort(outer, kind="stable")[: CANDIDATES * remove]
    rank: Reals = np.full(len(outer), np.inf)
    rank[candidates[np.lexsort((outer[candidates], inner[candidates]))]] = np.arange(len(candidates))
    return rank


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "magnitude": Rule(magnitude),
        "nested_rank": Rule(nested_rank),
        "nested_rank_distance": Rule(nested_rank_distance),
        "distance_magnitude": Rule(distance_magnitude),
        "obd": Rule(obd, curvature=True),
        "obd_distance": Rule(obd_distance, curvature=True),
        "obs": Rule(obd, curvature=True, adjusts=True),
        "obs_distance": Rule(obd_distance, curvature=True, adjusts=True),
    }
)
"""Every pruning rule by the name that a spec gives it."""


def placement_weights(saliencies: Sequence[Reals], share: float) -> list[Words]:
    """Weigh each wire for the placer by how likely it is to stay. Our own.

    The most salient wires have the greatest weight; the weight of the others is proportional to the square root of
    their saliency, which is |w| when all second derivatives are equal. So wires that will soon be pruned hardly
    lengthen those that stay.

    Args:
        saliencies: of each wire, (m,) for each layer.
        share: part of the wires, 0 to 1, that has the greatest weight.
    Returns: (m,) for each layer, from 1 to `MOST_PLACEMENT_WEIGHT`.
    """
    ordered = np.sort(np.concatenate(saliencies))
    least = max(ordered[-max(round(share * len(ordered)), 1)], np.finfo(np.float64).tiny)
    roots = [np.sqrt(np.clip(s / least, 0, 1)) for s in saliencies]
    return [np.rint(MOST_PLACEMENT_WEIGHT * root).astype(np.int64).clip(1) for root in roots]


def keep_best(ranking: Ranking, weights: Weights, keep: int) -> Bools:
    """Keep the `keep` weights of highest rank, (k,) bool; of equal ranks the first are kept."""
    remove = max(len(weights.weight) - keep, 0)
    order = np.argsort(-ranking(weights, remove), kind="stable")
    kept = np.zeros(len(order), dtype=np.bool_)
    kept[order[: len(order) - remove]] = True
    return kept


def keep_per_neuron(ranking: Ranking, weights: Weights, fan_in: Words, keep: int) -> Bools:
    """Keep the `keep` best weights of each neuron, (k,) bool.

    Args:
        fan_in: (n_out,) number of weights of each neuron; `weights` lists them neuron after neuron.
    """
    ends = np.cumsum(fan_in)
    kept = [
        keep_best(ranking, Weights(weights.weight[a:b], weights.distance[a:b], weights.curvature[a:b]), keep)
        for a, b in zip(ends - fan_in, ends, strict=True)
    ]
    return np.concatenate(kept)


def keep_within_length(ranking: Ranking, weights: Weights, length: Reals, most: float) -> Bools:
    """Keep as many of the best weights as fit within a total length, (k,) bool; found by bisection.

    Args:
        length: (k,), of each wire.
        most: total length of the kept wires, at most.
    """
    low, high = 0, len(length)
    while low < high:
        middle = (low + high + 1) // 2
        fits = length[keep_best(ranking, weights, middle)].sum() <= most
        low, high = (middle, high) if fits else (low, middle - 1)
    return keep_best(ranking, weights, low)
