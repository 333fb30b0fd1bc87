"""Placement weights by toggles, by hand."""

import numpy as np
from strategies import placed

from netgen.energy import toggle_weights
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.fixed import FixedPoint
from netgen.ir.netlist import netlist_of

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
