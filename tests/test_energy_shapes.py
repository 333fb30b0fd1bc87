"""The shapes that an accelerator computes, of circuits of any layers."""

from dataclasses import replace

import numpy as np
from five_neurons import five_neurons

from netgen.energy import dense_shapes, shapes_of
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.fixed import FixedPoint
from netgen.ir.network import Head, Layer, Network, Port

STARTS, SOURCE = np.array([0, 3, 6]), np.array([0, 1, 2, 1, 2, 3])
"""A kernel of three entries on four inputs, in two positions."""
ENTRIES = np.array([5, 6, 7, 5, 6, 7])


def convolution(weight: tuple[float, ...] = (1, -2, 3)) -> Network:
    entries = np.array(weight * 2, dtype=np.float64)
    layer = Layer("conv", STARTS, SOURCE, entries, np.zeros(2), parameter=ENTRIES)
    return Network((Port("x", (4,)),), (layer,), (Head("y", np.array([4, 5])),))


def circuit(*, kept: list[int], name: str = "conv") -> Circuit:
    """The same in integers, with some of its wires."""
    starts = np.searchsorted(np.repeat([0, 1], 3)[kept], [0, 1, 2])
    weight = np.tile([1, -2, 3], 2)[kept]
    layer = CircuitLayer(name, starts, SOURCE[kept], weight, np.zeros(2, dtype=np.int64), 0)
    return Circuit(FixedPoint(4, 0, False), np.ones(4), (layer,))


def _one_neuron() -> CircuitLayer:
    return CircuitLayer("conv", np.array([0, 3]), SOURCE[:3], np.array([1, -2, 3]), np.zeros(1, dtype=np.int64), 0)


def test_a_kernel_entry_counts_once_however_many_wires_it_stands_in() -> None:
    (shape,) = shapes_of(circuit(kept=[0, 1, 2, 3, 4, 5]), convolution())
    assert (shape.macs, shape.weights, shape.inputs, shape.outputs) == (6, 3, 4, 2)


def test_a_pruned_entry_counts_neither_as_weight_nor_as_multiplication() -> None:
    (shape,) = shapes_of(circuit(kept=[0, 2, 3, 5]), convolution())
    assert (shape.macs, shape.weights, shape.inputs, shape.outputs) == (4, 2, 4, 2)


def test_without_the_network_every_wire_has_a_weight_of_its_own() -> None:
    for network in (None, replace(convolution(), layers=(replace(convolution().layers[0], name="other"),))):
        (shape,) = shapes_of(circuit(kept=[0, 1, 2, 3, 4, 5]), network)
        assert shape.weights == 6


def test_widths_are_those_of_the_words() -> None:
    """Inputs to 15; sums 15 - 30 + 45 from -30 to 60, so 7 bits signed, which are the outputs; weights to 3, signed."""
    (shape,) = shapes_of(circuit(kept=[0, 1, 2, 3, 4, 5]), convolution())
    assert (shape.input_bits, shape.weight_bits, shape.sum_bits, shape.output_bits) == (4, 3, 7, 7)


def test_dense_shapes_have_the_weights_that_pruning_removed() -> None:
    (shape,) = dense_shapes(circuit(kept=[0, 2, 3, 5]), convolution(), convolution())
    assert (shape.macs, shape.weights, shape.inputs, shape.outputs) == (6, 3, 4, 2)
    small = replace(circuit(kept=[0, 1, 2]), layers=(_one_neuron(),))  # the other position was dead, and is gone
    (shape,) = dense_shapes(small, None, convolution())
    assert (shape.macs, shape.weights, shape.inputs, shape.outputs) == (6, 3, 4, 2)
    first, second = dense_shapes(five_neurons().circuit)
    assert (first.macs, first.weights, second.macs) == (4, 4, 2)
    assert not first.sparse


def test_maxima_multiply_nothing() -> None:
    made = circuit(kept=[0, 1, 2, 3, 4, 5])
    ones = np.array([1, 1])
    pool = CircuitLayer("pool", np.array([0, 2]), np.array([4, 5]), ones, np.zeros(1, dtype=np.int64), 0, gather="max")
    assert [shape.number for shape in shapes_of(replace(made, layers=(*made.layers, pool)))] == [1]
