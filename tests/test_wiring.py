"""Sites of operators, and the wires between them, worked by hand."""

import numpy as np

from netgen.ir.chain import ChainLayer, chain
from netgen.ir.fixed import FixedPoint
from netgen.lower import lower
from netgen.operators.graph import OperatorGraph
from netgen.operators.wiring import long_wires, operator_wire_lengths, sites_along_wires, sites_at_neurons

HOME = (4, 1, 0)
SITES = {(0, 0): (0, 0, 0), (0, 1): (0, 2, 0), (0, 2): HOME, (1, 0): (4, 1, 1)}


def graph() -> OperatorGraph:
    """One neuron, (a + b) + c: a and b have the same shift and level, and are added first."""
    format_ = FixedPoint(2, 0, signed=True)
    layer = ChainLayer(np.array([[1, 1, 1]]), np.zeros(1, np.int64), format_, "identity", None)
    return lower(chain(FixedPoint(2, 0, signed=False), np.ones(3), (layer,)), sharing="csd", argmax=False)


def test_adders_at_their_neuron_need_a_wire_from_each_input() -> None:
    """a and b are 4 + 1 + 1 = 6 away from the neuron, c is 1 above: 13."""
    found = graph()
    assert sum(operator_wire_lengths(found, sites_at_neurons(found, SITES), (1, 1, 1))) == 13


def test_adders_along_wires_lie_where_the_wires_meet() -> None:
    """a and b meet at (0, 1, 0), 1 from each, and go on for 4 + 1; c is 1 away: 8."""
    found = graph()
    at = sites_along_wires(found, SITES)
    (adder,) = (n for n, op in enumerate(found.operators) if op.kind == "add" and n != found.words[0][0])
    assert at[adder] == (0, 1, 0)
    assert sum(operator_wire_lengths(found, at, (1, 1, 1))) == 8


def test_adders_lie_where_a_wire_leads_already() -> None:
    """c is at the neuron, (2, 5). The wires of a + b are 2 + 6 + 5 long at the median, (2, 0), and 0 + 4 + 7 at (4, 0),
    where 2 a is computed."""
    format_ = FixedPoint(3, 0, signed=True)
    layer = ChainLayer(np.array([[1, 1, 1], [2, 0, 0]]), np.zeros(2, np.int64), format_, "identity", None)
    found = lower(chain(FixedPoint(2, 0, signed=False), np.ones(3), (layer,)), sharing="csd", argmax=False)
    home, other = (2, 5, 0), (4, 0, 0)
    sites = {(0, 0): (0, 0, 0), (0, 1): (8, 0, 0), (0, 2): home, (1, 0): home, (1, 1): other}
    at = sites_along_wires(found, sites)
    (adder,) = (n for n, op in enumerate(found.operators) if op.kind == "add" and n != found.words[0][0])
    assert at[adder] == other
    assert sum(operator_wire_lengths(found, at, (1, 1, 1))) == 4 + 0 + 4 + 7


def test_a_pitch_counts_along_its_axis() -> None:
    """Along x 4 steps of 2, along y 1 of 1, along z 1 of 5: 14 each for a and b, 5 for c."""
    found = graph()
    assert sum(operator_wire_lengths(found, sites_at_neurons(found, SITES), (2, 1, 5))) == 33


def test_long_wires_are_those_beyond_the_limit() -> None:
    found = graph()
    at = sites_at_neurons(found, SITES)
    assert {source for source, _ in long_wires(found, at, (1, 1, 1), 5)} == {0, 1}
    assert not long_wires(found, at, (1, 1, 1), 6)
