"""Pruning rules: from what is known of the weights to the order in which they go, and the masks that remain."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Bools

CANDIDATES = 2
"""Nested ranks choose among so many times as many weights as are to go."""
WHOLE = 16
"""What a step of a wire that is likely to stay counts for the placer; of others less, down to 1."""


@dataclass(frozen=True, eq=False)
class Weights:
    """What a rule may look at, of weights that are still there; all (k,), all layers or one.

    Attributes:
        weight: as trained.
        distance: Manhattan distance of the two neurons, to the spec's power; 1 before there is a placement.
        curvature: second derivative of the loss by the weight.
    """

    weight: Reals
    distance: Reals
    curvature: Reals


Rule = Callable[[Weights, int], Reals]
"""A rank for each weight, (k,): the lowest go first. The number is how many are to go."""


def magnitude(weights: Weights, remove: int) -> Reals:  # noqa: ARG001 - every rule has this signature
    """|w| (Han et al. 2015)."""
    rank: Reals = np.abs(weights.weight)
    return rank


def nested_rank(weights: Weights, remove: int) -> Reals:
    """Of the weights of least magnitude, twice as many as are to go, first the longest.

    Source: Blake et al. 2018 name nested-rank pruning; the formula is our own reading.
    """
    return _nested(np.abs(weights.weight), -weights.distance, remove)


def nested_rank_distance(weights: Weights, remove: int) -> Reals:
    """The reverse: of the longest, twice as many as are to go, first those of least magnitude; our own reading."""
    return _nested(-weights.distance, np.abs(weights.weight), remove)


def distance_magnitude(weights: Weights, remove: int) -> Reals:
    """|w| / d^g; our own."""
    return magnitude(weights, remove) / weights.distance


def obd(weights: Weights, remove: int) -> Reals:  # noqa: ARG001
    """w^2 h / 2, by how much the loss rises to second order (LeCun, Denker and Solla 1990, Optimal Brain Damage)."""
    rank: Reals = weights.curvature * weights.weight**2 / 2
    return rank


def obd_distance(weights: Weights, remove: int) -> Reals:
    """w^2 h / (2 d^g), the rise of the loss for each unit of wire that is saved; our own."""
    return obd(weights, remove) / weights.distance


def _nested(outer: Reals, inner: Reals, remove: int) -> Reals:
    """Ranks by `inner`, and by `outer` where that ties, of the lowest by `outer`; all others stay."""
    candidates = np.argsort(outer, kind="stable")[: CANDIDATES * remove]
    rank: Reals = np.full(len(outer), np.inf)
    rank[candidates[np.lexsort((outer[candidates], inner[candidates]))]] = np.arange(len(candidates))
    return rank


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "magnitude": magnitude,
        "nested_rank": nested_rank,
        "nested_rank_distance": nested_rank_distance,
        "distance_magnitude": distance_magnitude,
        "obd": obd,
        "obd_distance": obd_distance,
        "obs": obd,
        "obs_distance": obd_distance,
    }
)
"""Every pruning rule by the name that a spec gives it; `obs` differs from `obd` by the curvature that it is given."""


def counts_of(saliencies: Sequence[Reals], masks: Sequence[Bools], share: float) -> list[Words]:
    """How much a step of each wire counts for a placer, per layer (n_out, n_in): the more, the likelier it will stay.

    The most salient wires, up to a share of all, count whole; others by the root of their saliency beside the least of
    those, so by |w| where all second derivatives are alike. What is soon to be pruned hardly pulls, and its place goes
    to what stays. Our own.
    """
    there = np.sort(np.concatenate([s[mask] for s, mask in zip(saliencies, masks, strict=True)]))
    least = max(there[-max(round(share * len(there)), 1)], np.finfo(np.float64).tiny)
    return [np.rint(WHOLE * np.sqrt(np.clip(s / least, 0, 1))).astype(np.int64).clip(1) for s in saliencies]


def keep_of(rule: Rule, weights: Weights, keep: int) -> Bools:
    """Keep so many weights, (k,) bool; ties are settled by position, the first stay."""
    remove = max(len(weights.weight) - keep, 0)
    order = np.argsort(-rule(weights, remove), kind="stable")
    kept = np.zeros(len(order), dtype=np.bool_)
    kept[order[: len(order) - remove]] = True
    return kept


def keep_into(rule: Rule, weights: Weights, fan_in: Words, keep: int) -> Bools:
    """Keep so many weights into each neuron, (k,) bool.

    Args:
        fan_in: (n_out,) how many of the weights, neuron after neuron, lead into each.
    """
    ends = np.cumsum(fan_in)
    kept = [
        keep_of(rule, Weights(weights.weight[a:b], weights.distance[a:b], weights.curvature[a:b]), keep)
        for a, b in zip(ends - fan_in, ends, strict=True)
    ]
    return np.concatenate(kept)


def keep_within(rule: Rule, weights: Weights, length: Reals, most: float) -> Bools:
    """Keep as many weights as fit within a total length, (k,) bool.

    Args:
        length: (k,); of each wire.
        most: what they may measure together.
    """
    low, high = 0, len(length)
    while low < high:
        middle = (low + high + 1) // 2
        fits = length[keep_of(rule, weights, middle)].sum() <= most
        low, high = (middle, high) if fits else (low, middle - 1)
    return keep_of(rule, weights, low)


def split_like(flat: Bools, masks: Sequence[Bools]) -> list[Bools]:
    """New masks, from what is kept of the weights that the old masks let through, layer after layer."""
    result, first = [], 0
    for mask in masks:
        count = int(mask.sum())
        new = np.zeros_like(mask)
        new[mask] = flat[first : first + count]
        result.append(new)
        first += count
    return result
