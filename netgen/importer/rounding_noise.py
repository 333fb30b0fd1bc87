"""What rounding explains of a value in which large terms cancel: measured by computing with coarser roundings.

An output such as `x - x.amax(1)`, of one element, is 0, or what the roundings leave of the terms, in another program
another number of the same size. A difference relative to that output says nothing. So every sum is disturbed at random,
in proportion to its terms, as a coarser arithmetic would round it (Monte Carlo arithmetic, Parker 1997). What reaches
an output is scaled down to the arithmetic of the source. Only what cancels is excused: where an output is small because
its weights are, so is its noise.
"""

from functools import cached_property

import numpy as np

from netgen.ir.fixed import Reals
from netgen.ir.functions import apply_all
from netgen.ir.network import Layer, Network

__all__ = ["RoundingNoise"]

COARSE = 2.0**-32
"""Relative error of the arithmetic that is tried: small beside the values, large beside the roundings of doubles."""
RUNS = 4
"""Trials with other disturbances."""
CERTAIN = 4
"""Times the greatest noise seen that a difference may be: two programs differ by twice the noise of one."""
SLACK = 4
"""Roundings of a function of single values, and of a sum beside those of its terms."""


class RoundingNoise:
    """What rounding explains of the outputs of a network for some samples; computed when first asked for.

    Args:
        network: layer by layer as its source computes it, before layers were joined.
        x: the samples, as `Network.evaluate` takes them.
        unit: relative error of one operation of the source.
    """

    def __init__(self, network: Network, x: Reals | tuple[Reals, ...], unit: float) -> None:
        self.network, self.x, self.unit = network, x, unit

    @cached_property
    def neurons(self) -> Reals:
        """(neurons,) the difference of each neuron's value that rounding explains."""
        network, flat, rng = self.network, self.network.flat(self.x), np.random.default_rng(0)
        right = np.concatenate(list(network.values(self.x)))
        worst = np.zeros(network.neurons)
        for _ in range(RUNS):
            values = np.empty_like(right)
            values[:, : network.features] = flat
            for layer, first in zip(network.layers, network.first, strict=False):
                before = values[:, :first]
                sums = layer.gathered(before)
                if layer.gather == "sum":
                    terms = _magnitudes(layer).gathered(np.abs(before))
                    error = COARSE * (np.diff(layer.starts) + SLACK) * terms
                    sums = sums + error * rng.uniform(-1, 1, sums.shape)
                found = apply_all(layer.activation, sums)
                found = found * (1 + SLACK * COARSE * rng.uniform(-1, 1, found.shape)) if layer.activation else found
                values[:, first : first + len(layer)] = found
            worst = np.maximum(worst, np.abs(values - right).max(axis=0))
        return CERTAIN * self.unit / COARSE * worst

    def of(self, index: int) -> Reals:
        """The difference of an output that rounding explains: one number for each of its elements, or for all."""
        head = self.network.outputs[index]
        scores = self.neurons[head.neuron]
        return scores if head.function == "none" else np.asarray(2 * scores.max())  # log-softmax at most doubles it


def _magnitudes(layer: Layer) -> Layer:
    """The sums of the magnitudes of all terms, where the values read are magnitudes."""
    return Layer(layer.name, layer.starts, layer.source, np.abs(layer.weight), np.abs(layer.bias))
