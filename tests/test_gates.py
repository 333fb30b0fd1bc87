"""Which neurons are gates and nothing else."""

import numpy as np
from gated_networks import STEP, cascade, skipping, summed

from netgen.ir.gates import only_gates
from netgen.ir.network import Head, Network
from netgen.quantize import is_quantized


def test_a_gate_that_something_else_reads_is_no_gate_alone() -> None:
    network = cascade()
    (gate,) = np.flatnonzero(only_gates(network)).tolist()
    assert gate == network.first[2]
    assert np.flatnonzero(only_gates(skipping())).tolist() == [10, 11]
    reader = summed("reader", [gate], 1, np.random.default_rng(0))
    more = Network(network.inputs, (*network.layers, reader), network.outputs)
    assert not only_gates(more).any()
    shown = Network(network.inputs, network.layers, (*network.outputs, Head("gate", np.array([gate]))))
    assert not only_gates(shown).any()


def test_a_network_that_compares_for_its_gates_only_did_not_arrive_quantized() -> None:
    network = cascade()
    assert not is_quantized(network)
    rng = np.random.default_rng(0)
    stairs = summed("stairs", range(6), 3, rng, STEP)
    assert is_quantized(Network(network.inputs, (stairs,), (Head("y", np.arange(6, 9)),)))
