"""What counts as a wire and as a neuron, worked by hand on circuits of a few weights."""

import numpy as np
import pytest

from netgen.errors import FitError
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.fixed import FixedPoint
from netgen.ir.netlist import Netlist, netlist_of

WEIGHT = FixedPoint(4, 0, True)
INPUT = FixedPoint(3, 0, False)
HIDDEN = FixedPoint(4, 0, False)


def circuit(first: list[list[int]], second: list[list[int]], bias: list[int] | None = None) -> Circuit:
    weight = np.array(first)
    hidden = ChainLayer(weight, np.array(bias or [0] * len(weight)), WEIGHT, "relu", HIDDEN)
    output = ChainLayer(np.array(second), np.zeros(len(second), np.int64), WEIGHT, "identity", None)
    return chain(INPUT, np.ones(weight.shape[1]), (hidden, output))


def test_every_nonzero_weight_is_a_wire_between_consecutive_layers() -> None:
    """Inputs 0 to 2, hidden 3 and 4, output 5; wires ordered by layer, then target, then source."""
    netlist = netlist_of(circuit([[1, 0, -2], [0, 3, 0]], [[5, -1]]))
    assert netlist.layer.tolist() == [0, 0, 0, 1, 1, 2]
    assert list(zip(netlist.source.tolist(), netlist.target.tolist(), strict=True)) == [
        (0, 3),
        (2, 3),
        (1, 4),
        (3, 5),
        (4, 5),
    ]
    assert (netlist.neurons, netlist.wires, netlist.layers) == (6, 5, 3)


def test_a_wire_is_as_wide_as_the_words_it_can_carry() -> None:
    """Inputs are 3 bits, 0 to 7. Hidden 0 reaches 1 * 7 = 7: 3 bits; hidden 1 saturates at 15: 4 bits."""
    netlist = netlist_of(circuit([[1, -2], [0, 3]], [[1, 1]]))
    assert netlist.width.tolist() == [3, 3, 3, 3, 4]


def test_neurons_cut_off_from_inputs_or_outputs_are_dropped_with_their_wires() -> None:
    """Input 1 feeds hidden 1 only, which nothing reads; hidden 2 has a bias and no input. Both go, and input 1 too."""
    netlist = netlist_of(circuit([[2, 0], [0, 1], [0, 0]], [[1, 0, 1]], bias=[0, 0, 3]))
    assert netlist.names == ["n0_0", "n1_0", "n2_0"]
    assert netlist.source.tolist() == [0, 1]
    assert netlist.target.tolist() == [1, 2]


def test_names_count_dead_neurons() -> None:
    netlist = netlist_of(circuit([[0, 0], [0, 1], [0, 0], [0, 1]], [[1, 1, 1, 1]]))
    assert netlist.names == ["n0_1", "n1_1", "n1_3", "n2_0"]


def test_a_circuit_of_zeros_has_no_neurons() -> None:
    netlist = netlist_of(circuit([[0]], [[0]]))
    assert (netlist.neurons, netlist.wires, netlist.layers) == (0, 0, 0)


PARTS = "a netlist needs one layer and index per neuron, one source, target, width, weight per wire"


@pytest.mark.parametrize(
    ("source", "target", "width", "message"),
    [
        ([0], [2], [1], "a wire ends at neuron 2, but there are 2; number them 0 to 1"),
        ([0, -1], [1, 1], [1, 1], "a wire ends at neuron -1, but there are 2; number them 0 to 1"),
        ([0, 1], [1], [1, 1], PARTS),
        ([0], [1], [], PARTS),
    ],
)
def test_a_netlist_that_does_not_hold_together_is_refused(
    source: list[int], target: list[int], width: list[int], message: str
) -> None:
    with pytest.raises(FitError, match=f"^{message}$"):
        Netlist(*(np.array(part, dtype=np.int64) for part in ([0, 1], [0, 0], source, target, width)))


def test_a_negative_layer_is_refused() -> None:
    nothing = np.zeros(0, np.int64)
    with pytest.raises(FitError, match=r"^a layer has number -1; number the layers from 0$"):
        Netlist(np.array([0, -1]), np.zeros(2, np.int64), nothing, nothing, nothing)


def test_more_neurons_than_a_grid_has_sites_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netgen.ir.netlist.MOST_NEURONS", 2)
    nothing = np.zeros(0, np.int64)
    with pytest.raises(FitError, match=r"^3 neurons; at most 2 fit in memory$"):
        Netlist(np.zeros(3, np.int64), np.arange(3), nothing, nothing, nothing)


def test_a_netlist_cannot_be_changed() -> None:
    netlist = netlist_of(circuit([[1]], [[1]]))
    with pytest.raises(ValueError, match="read-only"):
        netlist.source[0] = 1


def test_a_gate_gives_one_bit_to_each_neuron_that_it_lets_select() -> None:
    """Words a, g and w of 3 bits enter two selections: those of g have 1 bit; g is read by a sum, too: 3 bits."""
    top = CircuitLayer(
        "top",
        np.array([0, 3, 5]),
        np.array([0, 1, 2, 1, 2]),
        np.ones(5, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        0,
        gather="select",
    )
    last = CircuitLayer(
        "last", np.array([0, 3]), np.array([1, 3, 4]), np.ones(3, dtype=np.int64), np.zeros(1, dtype=np.int64), 0
    )
    netlist = netlist_of(Circuit(INPUT, np.ones(3), (top, last)))
    assert netlist.width.tolist() == [3, 1, 3, 1, 3, 3, 3, 3]
