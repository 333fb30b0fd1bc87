"""The drawing of an operator graph."""

import re

import numpy as np
import pytest

from netgen.errors import BuildError
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.fixed import FixedPoint
from netgen.lower import lower
from netgen.operators.graph import OperatorGraph
from netgen.report import drawing


def graph() -> OperatorGraph:
    """One neuron, 3 a + b, and one, b: 4 a - a is an adder, and b is added to it."""
    weight = np.array([[3, 1], [0, 1]])
    layer = ChainLayer(weight, np.zeros(2, np.int64), FixedPoint(3, 0, signed=True), "identity", None)
    return lower(chain(FixedPoint(2, 0, signed=False), np.ones(2), (layer,)), sharing="csd", argmax=False)


def test_every_operator_is_a_node_and_every_source_an_edge() -> None:
    found = graph()
    text = drawing(found)
    assert len(re.findall(r"\[label=\"[^\"]*to", text)) == len(found.operators)
    assert text.count(" -> ") == sum(len(op.sources) for op in found.operators)
    assert "0 to 12" in text  # 3 * 3 + 3


def test_a_neuron_is_drawn_with_what_it_needs_only() -> None:
    text = drawing(graph(), "n1_1")
    assert "n0_1 -> n1_1;" in text
    assert "n0_0" not in text


def test_of_the_layer_before_only_words_are_drawn() -> None:
    """Two layers of one neuron each, 3 a and then 3 of that: input a is not part of the second neuron."""
    narrow, wide = FixedPoint(3, 0, signed=True), FixedPoint(4, 0, signed=False)
    layers = [ChainLayer(np.array([[3]]), np.zeros(1, np.int64), narrow, "relu", out) for out in (wide, None)]
    text = drawing(lower(chain(FixedPoint(2, 0, signed=False), np.ones(1), tuple(layers)), argmax=False), "n2_0")
    assert "n1_0 -> " in text
    assert "n0_0" not in text
    assert "-> n1_0" not in text


def test_a_neuron_that_is_not_there_is_refused() -> None:
    with pytest.raises(BuildError, match=r"neuron 'n9_9': not in this circuit; give one such as n1_0"):
        drawing(graph(), "n9_9")
