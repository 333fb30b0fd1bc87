"""New random weights on the wires of a pruned network."""

import numpy as np
import torch

from netgen.nn.trainable import TrainableNetwork

__all__ = ["reinitialize"]


def reinitialize(network: TrainableNetwork, seed: int) -> None:
    """Draw all weights at random again and set biases to zero, in place; wires stay.

    Weights are uniform with the variance of He et al. 2015 for the remaining fan-in of each neuron; a weight that
    several wires share, for that of the neuron of its first wire.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in network.sums:
            fan_in = np.bincount(layer.target, minlength=len(layer.like))
            first = np.unique(layer.parameter, return_index=True)[1]
            bound = torch.from_numpy((6 / fan_in[layer.target[first]]) ** 0.5)
            drawn = 2 * torch.rand(len(bound), generator=generator, dtype=torch.float64) - 1
            layer.weight.copy_((bound * drawn).to(layer.weight))
            layer.bias.zero_()
            if layer.norm is not None:
                layer.norm.reset_parameters()
