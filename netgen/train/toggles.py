"""How often the signals of a float network toggle: how many bits of their words change from one sample to the next."""

import numpy as np
import torch
from torch import Tensor

from netgen.ir.fixed import FixedPoint, Reals
from netgen.nn.trainable import TrainableNetwork, array_of

__all__ = ["TOGGLE_SAMPLES", "toggles_of"]

TOGGLE_SAMPLES = 2_000
"""Samples that toggles are estimated on: a bit that is 1 in a tenth of them toggles 0.18 times, to within 0.01."""


def toggles_of(network: TrainableNetwork, features: Tensor, widths: tuple[int, int]) -> Reals:
    """Estimate how many bits of each neuron's word toggle from one sample to the next, in evaluation mode.

    The order of the samples is random: two consecutive ones are any two of them, with equal probability. A bit that is
    1 in a share p of n samples then toggles with probability 2 p (1 - p) n / (n - 1). Values are rounded to two's
    complement words in steps of a power of two, the finest in which no value of the layer saturates by a step or more;
    words are unsigned where no value of the layer is negative.

    Args:
        features: (samples, n), at least 2 samples.
        widths: bits of the inputs' words, and of all other words.
    Returns: (neurons,), by the numbers of the network that the module was made of; 0 for neurons that were removed.
    """
    network.eval()
    with torch.no_grad():
        values = network.values(features)
    found = np.zeros(network.like.neurons)
    numbers = [network.inputs, *(layer.first + layer.rows for layer in network.parts)]
    for depth, (own, signals) in enumerate(zip(numbers, values, strict=True)):
        found[own] = _toggles(array_of(signals), widths[min(depth, 1)])
    return found


def _toggles(values: Reals, width: int) -> Reals:
    """Toggles of each neuron of one layer, (n,), of values (n, samples)."""
    signed, most = bool((values < 0).any()), float(np.abs(values).max(initial=0.0))
    exponent = int(np.frexp(most)[1]) if most > 0 else 0
    words = FixedPoint(width, width - signed - exponent, signed).encode(values)
    samples, total = values.shape[1], np.zeros(len(values))
    for bit in range(width):
        share = (words >> bit & 1).mean(axis=1)
        total += 2 * share * (1 - share) * samples / (samples - 1)
    return total
