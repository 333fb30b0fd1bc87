"""What scores mean: values of all outputs, and the class that they say."""

from collections.abc import Sequence

import numpy as np

from netgen.ir.circuit import Circuit, CircuitHead, classify, ranges_of
from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import apply_all
from netgen.ir.network import Head, Network

__all__ = ["classes_of", "decoded", "middle_of"]

FAR = 1e6
"""A sum far beyond what any activation tells apart."""


def classes_of(values: Reals | Words, heads: Sequence[Head | CircuitHead], middle: float) -> Words:
    """The class of each sample, (n,): by the first head of at least two values, else by one value beyond the middle."""
    first = 0
    for head in heads:
        if head.neuron.size > 1:
            return classify(values[:, first : first + head.neuron.size])  # type: ignore[arg-type]  # reals, too
        first += head.neuron.size
    return (values[:, 0] > middle).astype(np.int64)


def decoded(circuit: Circuit, scores: Words) -> Reals:
    """The values that the words of all heads mean, side by side."""
    parts, first = [], 0
    for head in circuit.heads:
        size = head.neuron.size
        parts.append(head.decode(scores[:, first : first + size]).reshape(len(scores), size))
        first += size
    return np.concatenate(parts, axis=1)


def middle_of(source: Network | Circuit) -> float:
    """The value of the first output beyond which a sample is of class 1 of two.

    A probability, which lies between 0 and 1 whatever its sum is, decides at 0.5; any other value at 0.
    """
    heads = source.outputs if isinstance(source, Network) else source.heads
    neuron = int(heads[0].neuron.ravel()[0])
    depth = int(np.searchsorted(source.first, neuron, side="right")) - 1
    if depth < 0:
        return 0.0
    index = neuron - source.first[depth]
    if isinstance(source, Network):
        layer = source.layers[depth]
        sums = np.repeat(np.linspace(-FAR, FAR, 9)[:, np.newaxis], len(layer), axis=1)
        with np.errstate(all="ignore"):
            ends = apply_all(layer.activation, sums)[:, index]
    else:
        reach = ranges_of(source)[depth]
        words = np.zeros((2, heads[0].neuron.size), dtype=np.int64)
        words[:, 0] = reach.out_lo[index], reach.out_hi[index]
        ends = source.heads[0].decode(words).reshape(2, -1)[:, 0]
    return 0.5 if ends.min() >= 0 and ends.max() <= 1 and ends.max() > ends.min() else 0.0
