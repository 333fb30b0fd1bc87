"""Which neurons are gates and nothing else, and which wires are needed only while gates are on."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.circuit import Circuit
from netgen.ir.fixed import Words
from netgen.ir.network import Network
from netgen.ir.rows import selecting_wires

__all__ = ["Reading", "gates_needed", "gates_of", "only_gates", "readings_of"]


class Reading(NamedTuple):
    """What the neurons of one layer read.

    Attributes:
        source, target: (m,) the numbers of the two neurons of each wire; a neuron's wires stand together.
        starts: (n + 1,) where the layer selects: the wires of its neuron k are those from `starts[k]`. Else None.
    """

    source: Words
    target: Words
    starts: Words | None


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


def readings_of(circuit: Circuit) -> list[Reading]:
    """What the neurons of each layer of a circuit read."""
    pairs = zip(circuit.layers, circuit.first, strict=False)
    return [
        Reading(layer.source, first + layer.target, layer.starts if layer.gather == "select" else None)
        for layer, first in pairs
    ]


def gates_of(circuit: Circuit) -> Words:
    """The numbers of the neurons that a selection reads as its gate, ascending."""
    gates: Words = np.unique(np.concatenate([layer.source[~layer.passing] for layer in circuit.layers]))
    return gates


def gates_needed(layers: Sequence[Reading], outputs: Iterable[int] | Words, gates: Words, neurons: int) -> list[Bools]:
    """Find the gates that must be on for a wire to be needed: for each layer, (gates, wires).

    A wire is not needed when every path from it to an output passes the word side of a selection whose gate is off.

    Args:
        outputs: numbers of the neurons that are read from outside.
        gates: their numbers.
        neurons: how many there are.
    """
    needed = np.ones((len(gates), neurons), dtype=np.bool_)
    needed[:, np.asarray(outputs, dtype=np.int64)] = False
    found = []
    for layer in reversed(layers):
        own = needed[:, layer.target]
        if layer.starts is not None:
            _, gate, word = selecting_wires(layer.starts)
            own[:, word] |= layer.source[gate] == gates[:, None]
        for by_gate, wires in zip(needed, own, strict=True):
            np.logical_and.at(by_gate, layer.source, wires)
        found.append(own)
    return found[::-1]
