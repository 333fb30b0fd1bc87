"""How many samples a circuit classifies right, in integers, and the raw samples that fine-tuning learns from."""

import numpy as np

from netgen.data import Dataset, Examples, Split
from netgen.ir.circuit import Circuit, classify, evaluate
from netgen.ir.fixed import Reals
from netgen.spec.spec import Spec

__all__ = ["circuit_accuracy", "tuning_examples"]


def tuning_examples(data: Dataset) -> tuple[Examples, Examples]:
    """Raw samples to learn from, and to choose by: the training and validation samples."""
    parts = [Examples(_raw(data, split), split.labels) for split in (data.train, data.validation)]
    return parts[0], parts[1]


def circuit_accuracy(circuit: Circuit, spec: Spec, data: Dataset, split: Split) -> float:
    """Accuracy of the first output, 0 to 1.

    A perceptron's circuit reads features as the data set scales them, all others raw ones.
    """
    raw = spec.network.reads_graph
    words = circuit.encode(_raw(data, split)) if raw else circuit.input.encode(split.features)
    scores = evaluate(circuit, words)[:, : circuit.heads[0].neuron.size]
    return float((classify(scores) == split.labels).mean())


def _raw(data: Dataset, split: Split) -> Reals:
    """The features of a split as the user has them, (n, features)."""
    raw: Reals = split.features.astype(np.float64) / data.scale
    return raw
