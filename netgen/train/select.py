"""Select the weights that a pruning keeps: a rule's best ones, within a target."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from netgen.errors import TrainError
from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.spec.sections import PruneSpec
from netgen.train.prune import RULES, Weights, keep_best, keep_per_neuron, keep_within_length
from netgen.train.schedule import PruningTarget

LEAST_COST = 1 / 64
"""Least cost of a wire for a rule: of one that is hardly ever computed, or whose signal hardly toggles. A wire between
neighbours that is always computed costs 1, and so does one without a length."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """The parameters of one layer, among which some are kept, each array (p,).

    Attributes:
        weight: as trained.
        curvature: second derivative of the loss.
        wires: how many wires have this weight.
        length: of these wires together.
        cost: of these wires, by which a rule divides: their length, or their length weighed by toggles.
        fan_in: (n,) parameters of each neuron, which are listed neuron after neuron; None for tied weights.
        total: weights of the layer before pruning.
    """

    weight: Reals
    curvature: Reals
    wires: Reals
    length: Reals
    cost: Reals
    fan_in: Words | None
    total: int

    def only(self, chosen: Bools) -> "Candidates":
        """Some of the parameters, (p,) bool."""
        names = ("weight", "curvature", "wires", "length", "cost")
        return replace(self, fan_in=None, **{name: getattr(self, name)[chosen] for name in names})


def select_apart(
    target: PruningTarget, spec: PruneSpec, layers: Sequence[Candidates], gated: Sequence[Bools], *, share: float
) -> list[Bools]:
    """As `select`, but what gates switch off gets a share of the target of its own, `prune.gated_share`, if any.

    Args:
        gated: per layer (p,), whether gates switch the wires of a parameter off.
    """
    part = spec.gated_share
    if part is None or not any(own.any() for own in gated) or target.fan_in is not None:
        return select(target, spec, layers, share=share)
    kept = [np.zeros(len(layer.weight), dtype=np.bool_) for layer in layers]
    for chosen, size in (([~own for own in gated], 1 - part), (gated, part)):
        count = None if target.count is None else round(size * target.count)
        goal = replace(target, count=count, length=size * target.length)
        own = [layer.only(some) for layer, some in zip(layers, chosen, strict=True)]
        for keeps, some, found in zip(kept, chosen, select(goal, spec, own, share=share), strict=True):
            keeps[some] = found
    return kept


def select(target: PruningTarget, spec: PruneSpec, layers: Sequence[Candidates], *, share: float) -> list[Bools]:
    """Choose the parameters that a pruning keeps: the best by the spec's rule, within the target.

    Args:
        share: part of the target, 0 to 1, that is filled; regrowth fills the rest.
    Returns: per layer (p,) bool.
    """
    layer_wise = spec.scope == "layer" or target.fan_in is not None
    groups = [[layer] for layer in layers] if layer_wise else [list(layers)]
    ranking = RULES[spec.rule].ranking
    total, length_total = sum(layer.total for layer in layers), float(sum(layer.length.sum() for layer in layers))
    kept: list[Bools] = []
    for index, group in enumerate(groups):
        lengths, costs, wires = (
            np.concatenate([getattr(layer, name) for layer in group]) for name in ("length", "cost", "wires")
        )
        weights = Weights(
            np.concatenate([layer.weight for layer in group]),
            np.where(lengths > 0, np.maximum(costs, LEAST_COST), 1.0) ** spec.distance_power,
            np.concatenate([layer.curvature for layer in group]),
        )
        if target.fan_in is not None:
            fan_in = group[0].fan_in
            if fan_in is None:
                raise TrainError("prune.fan_in: a layer shares weights between neurons; raise prune.untie_at")
            kept.append(keep_per_neuron(ranking, weights, fan_in, target.fan_in[index]))
        elif target.count is not None:
            count = round(share * target.count * sum(layer.total for layer in group) / total)
            tied = bool((wires != 1).any())
            kept.append(
                keep_within_length(ranking, weights, wires, count) if tied else keep_best(ranking, weights, count)
            )
        else:
            most = share * target.length * lengths.sum() / max(length_total, 1.0)
            kept.append(keep_within_length(ranking, weights, lengths, most))
    parts = np.split(np.concatenate(kept), np.cumsum([len(layer.weight) for layer in layers])[:-1])
    return list(parts)
