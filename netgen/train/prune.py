"""Pruning rules: from a score per weight to the masks that keep the best."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from netgen.network import Bools

Rule = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def magnitude(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Score weights, of any shape, by their magnitude (Han et al. 2015)."""
    scores: npt.NDArray[Any] = np.abs(weight)
    return scores


RULES: Mapping[str, Rule] = MappingProxyType({"magnitude": magnitude})
"""Every pruning rule by name: weights in, a score of the same shape out; low scores go first."""


def prune(
    scores: Sequence[npt.NDArray[Any]], masks: Sequence[Bools], *, sparsity: float, scope: Literal["global", "layer"]
) -> list[Bools]:
    """Keep the weights with the greatest scores.

    Args:
        scores: per layer, (n_out, n_in).
        masks: per layer, (n_out, n_in) bool; what is False stays so.
        sparsity: share of all weights, 0 to 1, that the result leaves out at least.
        scope: rank all layers together, or each by itself.
    Returns: new masks; ties are settled by position, so that exactly the share asked for is kept.
    """
    groups = [list(range(len(scores)))] if scope == "global" else [[k] for k in range(len(scores))]
    result = [np.zeros_like(mask) for mask in masks]
    for group in groups:
        flat = np.concatenate([np.where(masks[k], scores[k], -1.0).ravel() for k in group])
        keep = round((1.0 - sparsity) * flat.size)
        chosen = np.zeros(flat.size, dtype=np.bool_)
        chosen[np.argsort(-flat, kind="stable")[:keep]] = True
        chosen &= flat >= 0
        for k, part in zip(group, np.split(chosen, np.cumsum([masks[k].size for k in group])[:-1]), strict=True):
            result[k] = part.reshape(masks[k].shape)
    return result
