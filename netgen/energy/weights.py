"""Placement weights by toggles: a placer that minimizes the weighted length then minimizes the energy of the wires."""

import numpy as np

from netgen.ir.circuit import Circuit, trace
from netgen.ir.fixed import Words
from netgen.ir.netlist import Netlist, gate_wires

__all__ = ["toggle_weights"]

MEAN = 16
"""Mean weight; weights are whole numbers, so that a signal toggles at least a 16th of the mean or counts as much."""


def toggle_weights(circuit: Circuit, netlist: Netlist, inputs: Words) -> Words:
    """Weigh each wire in proportion to how often the bits of its signal toggle from one sample to the next.

    Args:
        netlist: of the circuit.
        inputs: (n, features) int64 input words, in the order in which they follow each other.
    Returns: (wires,) int64, at least 1, with a mean of about 16; all 1 where nothing toggles.
    Raises: DataError, for inputs that do not fit the circuit.
    """
    words = np.concatenate([circuit.coded(inputs), *trace(circuit, inputs).outputs], axis=1)
    neuron = np.array([0, *circuit.first])[netlist.layer] + netlist.index
    gates = gate_wires(circuit)
    width = np.zeros(netlist.neurons, dtype=np.int64)
    np.maximum.at(width, netlist.source[~gates], netlist.width[~gates])
    signals = words[:, neuron]
    changed = (signals[1:] ^ signals[:-1]) & ((1 << width) - 1)
    tested = ((signals[1:] > 0) != (signals[:-1] > 0)).sum(axis=0, dtype=np.int64)
    whole = np.bitwise_count(changed).sum(axis=0, dtype=np.int64)
    toggles = np.where(gates, tested[netlist.source], whole[netlist.source])
    if not toggles.any():
        return np.ones_like(toggles)
    weights: Words = np.rint(MEAN * toggles / toggles.mean()).astype(np.int64).clip(1)
    return weights
