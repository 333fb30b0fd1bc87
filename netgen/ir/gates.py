"""Which neurons of a network are gates and nothing else."""

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.network import Network

__all__ = ["only_gates"]


def only_gates(network: Network) -> Bools:
    """Whether selections alone read a neuron, and only as their gate: (neurons,)."""
    read = np.zeros(network.neurons, dtype=np.bool_)
    otherwise = np.zeros(network.neurons, dtype=np.bool_)
    for layer in network.layers:
        read[layer.source] = True
        otherwise[layer.source[layer.passing]] = True
    for head in network.outputs:
        otherwise[head.neuron] = True
    return read & ~otherwise
