"""Placement weights by toggles, by hand."""

import numpy as np
import pytest
from gated_networks import cascade, residual
from strategies import lowered, placed
from test_holding import skipping

from netgen.energy import activity_of, toggle_weights
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import words_at
from netgen.ir.fixed import FixedPoint
from netgen.ir.gates import gates_of
from netgen.ir.netlist import netlist_of
from netgen.ir.network import Network
from netgen.operators.schedule import schedule
from netgen.quantize import quantize_network

STEP = FixedPoint(2, 0, signed=True)
NONE = np.zeros(2, dtype=np.int64)
CIRCUIT = chain(
    FixedPoint(2, 0, signed=False),
    np.ones(2),
    (
        ChainLayer(np.array([[1, 1], [1, -1]]), NONE, STEP, "identity", FixedPoint(4, 0, signed=True)),
        ChainLayer(np.array([[1, 1]]), NONE[:1], STEP, "identity", None),
    ),
)
"""Reads a and b, computes a + b (3 bits) and a - b (3 bits, signed), and adds these."""


def test_a_wire_weighs_as_much_as_its_signal_toggles() -> None:
    """b is always 2; the toggles of all wires are 3, 0, 3, 0, 5, 5, with a mean of 8/3; weights have a mean of 16.

    | a  | a + b | a - b |
    |----|-------|-------|
    | 00 | 010   | 110   |
    | 11 | 101   | 001   |
    | 01 | 011   | 111   |
    """
    netlist = netlist_of(CIRCUIT)
    stream = np.array([[0, 2], [3, 2], [1, 2], [1, 2]])
    assert toggle_weights(CIRCUIT, netlist, stream).tolist() == [18, 1, 18, 1, 30, 30]


def test_wires_weigh_alike_where_nothing_toggles() -> None:
    netlist, _ = placed(CIRCUIT)
    assert toggle_weights(CIRCUIT, netlist, np.full((3, 2), 1)).tolist() == [1] * 6


def test_a_wire_behind_a_gate_weighs_what_the_samples_with_the_gate_on_toggle() -> None:
    """Samples (1, 0), (0, 1), (2, -1), (-1, 2) in turn, 101 of them; the gate a - b is on for every second one.

    Into the block, a is 1, 2, 1, ... and b is 0, -1, 0, ...: 2 and 3 bits that change 50 times. By themselves both
    change by 1, 1, 2 and 2 bits in turn. The wire of the gate has one bit, which always changes.
    """
    circuit = skipping()
    netlist = netlist_of(circuit)
    stream = np.tile(np.array([[1, 0], [0, 1], [2, -1], [-1, 2]]), (26, 1))[:101]
    ends = zip(netlist.source.tolist(), netlist.target.tolist(), strict=True)
    weights = dict(zip(ends, toggle_weights(circuit, netlist, stream).tolist(), strict=True))
    known = {(0, 2): 150, (1, 2): 150, (0, 3): 100, (1, 3): 150, (0, 4): 100, (1, 4): 150, (0, 6): 150, (2, 6): 100}
    unit = weights[0, 2] / 150
    assert {wire: weights[wire] for wire in known} == {wire: round(unit * count) for wire, count in known.items()}


@pytest.mark.parametrize("network", [cascade(seed=10), residual(seed=2)], ids=["cascade", "skip"])
def test_weights_are_in_proportion_to_the_toggles_of_hardware_that_holds_blocks(network: Network) -> None:
    """As they are counted on the operators and their schedule, from the first sample with the gate on."""
    x = np.random.default_rng(3).normal(size=(300, 6))
    circuit = quantize_network(network, x)
    graph, words = lowered(circuit), circuit.encode(x)
    on = words_at(circuit, words, gates_of(circuit))[:, 0] > 0
    words = words[int(on.argmax()) :]
    toggles = activity_of(circuit, graph, words, timing=schedule(graph)).wires
    found = toggle_weights(circuit, netlist_of(circuit), words)
    assert found.tolist() == np.rint(16 * toggles / toggles.mean()).clip(1).tolist()
