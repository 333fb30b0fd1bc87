"""Select the weights that a pruning keeps: a rule's best ones, within a target."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals
from netgen.spec.sections import PruneSpec
from netgen.train.prune import RULES, Weights, keep_best, keep_per_neuron, keep_within_length, split_like
from netgen.train.schedule import PruningTarget
from netgen.train.sensitivity import Sensitivity


def select(
    target: PruningTarget,
    spec: PruneSpec,
    sensitivity: Sensitivity,
    masks: Sequence[Bools],
    distances: Sequence[Reals],
    *,
    sizes: Sequence[int],
    share: float,
) -> list[Bools]:
    """Return new masks with the best weights by the spec's rule.

    Args:
        masks: per layer (n_out, n_in), of the neurons that are left.
        distances: of the two neurons of each weight, of the same shapes.
        sizes: number of inputs, then of neurons in each layer, of the dense network.
        share: part of the target, 0 to 1, that is filled; regrowth fills the rest.
    Returns: per layer (n_out, n_in), subsets of `masks`.
    """
    layers = range(len(masks))
    layer_wise = spec.scope == "layer" or target.fan_in is not None
    groups = [[k] for k in layers] if layer_wise else [list(layers)]
    ranking = RULES[spec.rule].ranking
    kept: list[Bools] = []
    weights_total = sum(a * b for a, b in pairwise(sizes))
    length_total = float(sum(d[m].sum() for d, m in zip(distances, masks, strict=True)))
    for group in groups:
        lengths = np.concatenate([distances[k][masks[k]] for k in group])
        weights = Weights(
            np.concatenate([sensitivity.weight[k][masks[k]] for k in group]),
            np.maximum(lengths, 1.0) ** spec.distance_power,
            np.concatenate([sensitivity.curvature[k][masks[k]] for k in group]),
        )
        if target.fan_in is not None:
            kept.append(keep_per_neuron(ranking, weights, masks[group[0]].sum(axis=1), target.fan_in[group[0]]))
        elif target.count is not None:
            size = sum(sizes[k] * sizes[k + 1] for k in group)
            kept.append(keep_best(ranking, weights, round(share * target.count * size / weights_total)))
        else:
            most = share * target.length * lengths.sum() / max(length_total, 1.0)
            kept.append(keep_within_length(ranking, weights, lengths, most))
    return split_like(np.concatenate(kept), masks)
