"""An output of a circuit: which neurons give it, and which numbers their words mean."""

from dataclasses import dataclass

import numpy as np

from netgen.ir.arrays import frozen
from netgen.ir.fixed import Reals, Words
from netgen.ir.network import HeadFunction

__all__ = ["CircuitHead"]


@dataclass(frozen=True, eq=False)
class CircuitHead:
    """An output of the circuit.

    Attributes:
        neuron: int64, of the shape of one sample's output: the number of the neuron that gives each value.
        scale, offset: a word k means `k * scale + offset`; scalars, or of the shape of `neuron`.
        function: what the user's model computes from these values; hardware gives their words.
        axis: the axis of `neuron` along which it is computed.
    """

    name: str
    neuron: Words
    scale: Reals
    offset: Reals
    function: HeadFunction = "none"
    axis: int = -1

    def __post_init__(self) -> None:
        object.__setattr__(self, "neuron", frozen(self.neuron, np.int64))
        object.__setattr__(self, "scale", frozen(self.scale, np.float64))
        object.__setattr__(self, "offset", frozen(self.offset, np.float64))

    def decode(self, words: Words) -> Reals:
        """The values, (samples, *shape), that words (samples, values of the head) mean."""
        return words.reshape(len(words), *self.neuron.shape) * self.scale + self.offset
