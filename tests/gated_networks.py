"""Small networks with gates: a cascade of two classifiers, and a block that a gate skips."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from netgen.ir.functions import RELU, Composition, MultiThreshold
from netgen.ir.network import Head, Layer, Network, Port

STEP: Composition = (MultiThreshold(np.zeros((1, 1))),)


def summed(
    name: str, read: Sequence[int], neurons: int, rng: np.random.Generator, activation: Composition = (RELU,)
) -> Layer:
    """Neurons that read all of some others, by random weights."""
    starts = np.arange(neurons + 1) * len(read)
    weight, bias = rng.normal(size=starts[-1]) / len(read) ** 0.5, rng.normal(size=neurons) / 4
    return Layer(name, starts, np.tile(read, neurons), weight, bias, activation=activation)


def selecting(name: str, rows: Sequence[Sequence[int]]) -> Layer:
    """Neurons that each select from a row: bypass, gate and word, or gate and word."""
    starts, source = np.cumsum([0, *map(len, rows)]), np.concatenate([np.array(row) for row in rows])
    return Layer(name, starts, source, np.ones(len(source)), np.zeros(len(rows)), gather="select")


def cascade(inputs: int = 6, hidden: int = 5, late: int = 7, classes: int = 3, seed: int = 0) -> Network:
    """Early scores by one hidden layer, a gate by the scores, and a larger network of inputs and hidden layer."""
    rng = np.random.default_rng(seed)
    sizes = np.cumsum([0, inputs, hidden, classes, 1, late, classes, classes])
    x, h, early, gate, more, scores, _ = (range(a, b) for a, b in pairwise(sizes.tolist()))
    layers = (
        summed("hidden", x, hidden, rng),
        summed("early", h, classes, rng, ()),
        summed("gate", early, 1, rng, STEP),
        summed("late", [*x, *h], late, rng),
        summed("scores", more, classes, rng, ()),
        selecting("exit", [(early[k], gate[0], scores[k]) for k in range(classes)]),
    )
    return Network((Port("x", (inputs,)),), layers, (Head("y", np.arange(sizes[-2], sizes[-1])),))


def skipping(inputs: int = 6, width: int = 4, classes: int = 3, seed: int = 0) -> Network:
    """A hidden layer, a gate by it, a block that passes it on where the gate is off, and one that gives 0."""
    rng = np.random.default_rng(seed)
    sizes = np.cumsum([0, inputs, width, 2, width, width, width, classes])
    x, h, gate, block, kept, zero, _ = (range(a, b) for a, b in pairwise(sizes.tolist()))
    layers = (
        summed("hidden", x, width, rng),
        summed("gate", h, 2, rng, STEP),
        summed("block", h, width, rng),
        selecting("skip", [(h[k], gate[0], block[k]) for k in range(width)]),
        selecting("or0", [(gate[1], block[k]) for k in range(width)]),
        summed("scores", [*kept, *zero], classes, rng, ()),
    )
    return Network((Port("x", (inputs,)),), layers, (Head("y", np.arange(sizes[-2], sizes[-1])),))


def residual(inputs: int = 6, width: int = 4, classes: int = 3, seed: int = 0) -> Network:
    """A hidden layer, a gate by it, and a block of two layers that passes it on where the gate is off."""
    rng = np.random.default_rng(seed)
    sizes = np.cumsum([0, inputs, width, 1, width + 1, width, width, classes])
    x, h, gate, inner, block, kept, _ = (range(a, b) for a, b in pairwise(sizes.tolist()))
    layers = (
        summed("hidden", x, width, rng),
        summed("gate", h, 1, rng, STEP),
        summed("inner", h, width + 1, rng),
        summed("block", inner, width, rng),
        selecting("skip", [(h[k], gate[0], block[k]) for k in range(width)]),
        summed("scores", kept, classes, rng, ()),
    )
    return Network((Port("x", (inputs,)),), layers, (Head("y", np.arange(sizes[-2], sizes[-1])),))
