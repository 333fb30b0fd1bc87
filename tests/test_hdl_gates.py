"""Networks with gates as Verilog: right whatever stalls and resets, and a skipped block stands still."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gated_networks import cascade, residual
from strategies import designed_as
from stream_bench import judge, noisy, simulated

from netgen.flow.toggles import check_toggles
from netgen.hdl.expressions import Expressions
from netgen.ir.circuit import Circuit, words_at
from netgen.ir.fixed import Words
from netgen.ir.gates import gates_of
from netgen.ir.network import Network
from netgen.operators.graph import values_of
from netgen.operators.holding import blocks_of
from netgen.operators.schedule import Pipeline
from netgen.quantize import quantize_network
from netgen.simulate.toggles import simulated_toggles

Tool = Callable[[str], str]
pytestmark = pytest.mark.native

NETWORKS = pytest.mark.parametrize("network", [cascade(seed=10), residual(seed=2)], ids=["cascade", "skip"])
PIPELINES: tuple[tuple[Pipeline, int], ...] = (("none", 1), ("layer", 1), ("levels", 1), ("levels", 3), ("cycles", 5))


def _quantized(
    network: Network, samples: int = 120
) -> tuple[Circuit, Words, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """The circuit of a network, input words, and whether its gate is on for each, which 25 to 75 % are."""
    x = np.random.default_rng(3).normal(size=(samples, 6))
    circuit = quantize_network(network, x)
    words = circuit.encode(x)
    on = words_at(circuit, words, gates_of(circuit))[:, 0] > 0
    assert 0.25 < on.mean() < 0.75
    return circuit, words, on


@NETWORKS
def test_cascades_and_skips_give_every_result_once_in_order_whatever_stalls_and_resets(
    network: Network, tmp_path: Path, native_tool: Tool
) -> None:
    circuit, words, on = _quantized(network)
    runs = []
    for seed, (pipeline, steps) in enumerate(PIPELINES):
        for sharing in ("none", "shared"):
            design = designed_as(circuit, argmax=bool(seed % 2), sharing=sharing, pipeline=pipeline, steps=steps)
            runs.append(noisy(design, words, seed=seed))
    for run, events in zip(runs, simulated(runs, tmp_path, (native_tool("iverilog"), native_tool("vvp"))), strict=True):
        judge(run, events)
        taken = [int(value) for _, what, value in events if what == "in"]
        assert len(taken) > 20
        assert 0 < on[taken].sum() < len(taken)
        assert any(what == "reset" for cycle, what, _ in events if cycle > 1)


@NETWORKS
@pytest.mark.parametrize("pipeline", [("layer", 1), ("levels", 2)], ids=str)
def test_a_block_changes_only_from_one_sample_with_its_gate_on_to_the_next(
    network: Network, pipeline: tuple[Pipeline, int], native_tool: Tool
) -> None:
    """In the dump of the Verilog: one sample with the gate on, 20 with it off, one on, 20 off.

    Each bit of each signal and register of the block toggles once where the two samples with the gate on differ, as if
    they followed each other, and never for the others.
    """
    native_tool("iverilog")
    circuit, words, on = _quantized(network)
    design = designed_as(circuit, pipeline=pipeline[0], steps=pipeline[1])
    off, (first, second) = words[~on], words[on][:2]
    stream = np.concatenate([first[None], off[:20], second[None], off[20:40]])
    found = simulated_toggles(design, stream)
    graph, timing = design.graph, design.timing
    values = dict(values_of(graph, np.stack([first, second])))
    ((_, block),) = blocks_of(graph, timing).items()
    names, delays = Expressions(graph, timing, input_width=1).names, timing.delays(graph)
    seen = changed = 0
    for number in block:
        before, after = (int(value) for value in values[number])
        width = graph.operators[number].width
        bits = [(before ^ after) >> bit & 1 for bit in range(width)]
        registers = [f"{names[number]}_d{delay}" for delay in range(1, delays[number] + 1)]
        own = [] if graph.operators[number].kind == "hold" else [names[number]]
        for name in [*registers, *(name for name in own if name in found)]:
            assert found[name].settled.tolist() == bits, name
            seen, changed = seen + 1, changed + any(bits)
    assert seen > 20
    assert changed > 10
    assert found["n0_0"].every.sum() > 20


@NETWORKS
def test_registers_toggle_in_verilog_as_they_do_in_integers(network: Network, native_tool: Tool) -> None:
    native_tool("iverilog")
    circuit, words, _ = _quantized(network)
    for pipeline, steps in PIPELINES[1:3]:
        check = check_toggles(designed_as(circuit, pipeline=pipeline, steps=steps), words)
        assert check.registers > 20
