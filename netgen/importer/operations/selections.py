"""Selections by gates: one of two tensors, element by element, where a comparison of signals decides."""

from typing import Literal

import numpy as np

from netgen.errors import ModelError
from netgen.importer.builder import Builder
from netgen.importer.signals import NO_NEURON, Signals, Tensor, signals_of
from netgen.ir.functions import Affine, Composition, MultiThreshold

__all__ = ["Comparison", "comparison", "select"]

Comparison = Literal[">", ">=", "<", "<="]


def comparison(kind: Comparison, limit: float) -> Composition:
    """1 where a value is above a limit, or at least, below or at most that, else 0."""
    at = np.full((1, 1), limit)
    match kind:
        case ">=":
            return (MultiThreshold(at),)
        case ">":  # 1 less what is 1 where -x >= -limit
            return Affine(-1.0), MultiThreshold(-at, scale=-1.0, offset=1.0)
        case "<=":
            return Affine(-1.0), MultiThreshold(-at)
        case "<":
            return (MultiThreshold(at, scale=-1.0, offset=1.0),)


def select(builder: Builder, name: str, gate: Signals, word: Tensor, bypass: Tensor) -> Signals:
    """The word where a gate is above 0, else the bypass, with broadcasting.

    A neuron that selects reads bypass, gate and word in the order of their numbers. Where a model computes the gate
    first, or the word before the gate, copies of neurons stand between.

    Args:
        gate: 1 or 0, as comparisons give it.
    Raises: ModelError, for a word that is a known number, or a bypass that is one other than 0.
    """
    shape = np.broadcast_shapes(gate.shape, word.shape, bypass.shape)
    wide = [signals_of(x).moved(lambda array: np.broadcast_to(array, shape)) for x in (bypass, gate, word)]
    off, on, chosen = (Signals(x.neuron.reshape(-1), x.value.reshape(-1)) for x in wide)
    known = off.neuron == NO_NEURON
    if (chosen.neuron == NO_NEURON).any() or (on.neuron == NO_NEURON).any() or off.value[known].any():
        raise ModelError(
            f"{name}: chooses a known number by values of the data; only signals, and 0 where the condition is false, "
            "can be chosen; use maximum, minimum or clamp"
        )
    if (off.neuron >= on.neuron).any():
        on = builder.apply(f"{name}.gate", on, ())
    if (chosen.neuron <= on.neuron).any():
        chosen = builder.apply(f"{name}.word", chosen, ())
    return builder.selections(name, off, on, chosen).moved(lambda array: array.reshape(shape))
