"""Tensors while a model is read: each element is a neuron or a number that is known.

Shapes are those of the model for a batch of one sample, the batch axis included, so axes mean what they mean in the
model. Reshape, transpose, slice, concatenate and pad move elements and add no neuron.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netgen.ir.fixed import Reals, Words

__all__ = ["NO_NEURON", "ConstantTensor", "Signals", "Tensor"]

NO_NEURON = -1
"""The number in place of a neuron's where an element is a known number."""


@dataclass(frozen=True, eq=False)
class ConstantTensor:
    """A tensor of known numbers: a parameter, a shape, or what follows from them.

    Attributes:
        value: of any shape and type.
        step: broadcasts to `value`: each number is a whole multiple of its step, since it came from a quantizer; None
            for plain numbers.
    """

    value: np.ndarray[Any, Any]
    step: Reals | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return tuple(self.value.shape)


@dataclass(frozen=True, eq=False)
class Signals:
    """A tensor of which elements may depend on the inputs.

    Attributes:
        neuron: int64 of any shape; the number of the neuron that gives the element, or `NO_NEURON`.
        value: float64 of the same shape; the known number where there is no neuron, else 0.
    """

    neuron: Words
    value: Reals

    @classmethod
    def of(cls, neuron: Words) -> "Signals":
        """A tensor of neurons only."""
        return cls(neuron, np.zeros(neuron.shape))

    @classmethod
    def known(cls, value: Reals) -> "Signals":
        """A tensor of known numbers only."""
        return cls(np.full(value.shape, NO_NEURON, dtype=np.int64), value)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.neuron.shape

    def moved(self, move: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> "Signals":
        """Move elements by a function that does the same to any array: reshape, transpose, slice, tile."""
        return Signals(move(self.neuron), move(self.value))

    def padded(self, widths: Sequence[tuple[int, int]], value: float) -> "Signals":
        """Pad each axis before and after with a known number."""
        return Signals(
            np.pad(self.neuron, widths, constant_values=NO_NEURON), np.pad(self.value, widths, constant_values=value)
        )

    @classmethod
    def joined(cls, parts: "Sequence[Signals | ConstantTensor]", axis: int) -> "Signals":
        """Concatenate tensors along an axis; known ones too."""
        whole = [signals_of(part) for part in parts]
        return cls(
            np.concatenate([part.neuron for part in whole], axis),
            np.concatenate([part.value for part in whole], axis),
        )


Tensor = Signals | ConstantTensor


def signals_of(tensor: Tensor) -> Signals:
    """A tensor as signals: known numbers become elements without a neuron."""
    if isinstance(tensor, Signals):
        return tensor
    return Signals.known(tensor.value.astype(np.float64))
