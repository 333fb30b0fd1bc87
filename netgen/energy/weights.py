"""Placement weights by toggles: a placer that minimizes the weighted length then minimizes the energy of the wires."""

import numpy as np

from netgen.energy.gating import MOST_GATES
from netgen.ir.circuit import Circuit, trace
from netgen.ir.fixed import Words
from netgen.ir.gates import gates_needed, gates_of, readings_of
from netgen.ir.netlist import Netlist, gate_wires, placed_wires

__all__ = ["toggle_weights"]

MEAN = 16
"""Mean weight; weights are whole numbers, so that a signal toggles at least a 16th of the mean or counts as much."""


def toggle_weights(circuit: Circuit, netlist: Netlist, inputs: Words) -> Words:
    """Weigh each wire in proportion to how often the bits of its signal toggle from one sample to the next.

    A wire that is needed only where gates are on toggles from one of these samples to the next: hardware holds it for
    the others. Its weight counts the first `MOST_GATES` gates.

    Args:
        netlist: of the circuit.
        inputs: (n, features) int64 input words, in the order in which they follow each other.
    Returns: (wires,) int64, at least 1, with a mean of about 16; all 1 where nothing toggles.
    Raises: DataError, for inputs that do not fit the circuit.
    """
    words = np.concatenate([circuit.coded(inputs), *trace(circuit, inputs).outputs], axis=1)
    neuron = np.array([0, *circuit.first])[netlist.layer] + netlist.index
    gates, gating = gates_of(circuit)[:MOST_GATES], gate_wires(circuit)
    needed = gates_needed(readings_of(circuit), circuit.scores, gates, circuit.first[-1])
    blocks, block_of = np.unique(np.concatenate(needed, axis=1)[:, placed_wires(circuit)], axis=1, return_inverse=True)
    width = np.zeros(netlist.neurons, dtype=np.int64)
    np.maximum.at(width, netlist.source, netlist.width)
    toggles = np.zeros(netlist.wires, dtype=np.int64)
    for number, block in enumerate(blocks.T):
        signals = words[(words[:, gates[block]] > 0).all(axis=1)][:, neuron]
        changed = (signals[1:] ^ signals[:-1]) & ((1 << width) - 1)
        tested = ((signals[1:] > 0) != (signals[:-1] > 0)).sum(axis=0, dtype=np.int64)
        whole = np.bitwise_count(changed).sum(axis=0, dtype=np.int64)
        own = block_of.reshape(-1) == number
        toggles[own] = np.where(gating, tested[netlist.source], whole[netlist.source])[own]
    if not toggles.any():
        return np.ones_like(toggles)
    weights: Words = np.rint(MEAN * toggles / toggles.mean()).astype(np.int64).clip(1)
    return weights
