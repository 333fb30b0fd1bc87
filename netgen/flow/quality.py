"""How good outputs are, as one number: accuracy, how often the class is the model's, or how much is no noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from netgen.flow.classes import classes_of, middle_of
from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Head, Network

__all__ = ["OutputQuality", "quality_of"]


@dataclass(frozen=True, eq=False)
class OutputQuality:
    """What the outputs of some samples are measured by.

    Attributes:
        kind: `accuracy` with labels, `class` for an output that is a class, `signal` for any other.
        heads: all outputs.
        right: (n, outputs) by the float network.
        labels: (n,) with accuracy.
        middle: the value of a single output beyond which the class is 1.
        head: the place of the output that is measured, if it is not accuracy.
    """

    kind: Literal["accuracy", "class", "signal"]
    heads: Sequence[Head]
    right: Reals
    labels: Words | None
    middle: float
    head: int

    def share(self, values: Reals) -> float:
        """The share of the samples that are right, or of the power that is no noise, at most 1.

        Args:
            values: (n, outputs), before softmax or arg-max.
        """
        if self.labels is not None:
            return float((classes_of(values, self.heads, self.middle) == self.labels).mean())
        if self.kind == "signal":
            return 1 - self.noise(values)
        head, found, right = self.heads[self.head], self._own(values), self._own(self.right)
        axis = head.axis if head.axis < 0 else head.axis + 1
        return float((np.argmax(found, axis=axis) == np.argmax(right, axis=axis)).mean())

    def noise(self, values: Reals) -> float:
        """The power of the output's error over that of the float network's."""
        right = self._own(self.right)
        power, error = float((right**2).mean()), float(((self._own(values) - right) ** 2).mean())
        return error / power if power else float(error > 0)

    def text(self, share: float) -> str:
        """A share as text: percent, or dB."""
        if self.kind != "signal":
            return f"{share:.1%}"
        return f"{-10 * np.log10(1 - share):.1f} dB" if share < 1 else "no noise"

    def _own(self, values: Reals) -> Reals:
        """The values of the output that is measured, (n, *shape)."""
        first = sum(head.neuron.size for head in self.heads[: self.head])
        neuron = self.heads[self.head].neuron
        return values[:, first : first + neuron.size].reshape(-1, *neuron.shape)


def quality_of(network: Network, right: Reals, labels: Words | None, head: int = 0) -> OutputQuality:
    """What the outputs of a network are measured by.

    Args:
        right: (n, outputs) by the network itself, before softmax or arg-max.
        labels: (n,) class numbers, or None.
        head: the place of the output that is measured without labels.
    """
    kind: Literal["class", "signal"] = "signal" if network.outputs[head].function == "none" else "class"
    return OutputQuality(
        "accuracy" if labels is not None else kind, network.outputs, right, labels, middle_of(network), head
    )
