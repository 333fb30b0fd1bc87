"""Random graphs of all operations compute what PyTorch computes, from the module to the hardware."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from circuit_in_torch import evaluate_in_torch
from random_modules import KINDS, SHAPE, Batch, Drawn
from strategies import FUZZ_CASES, designed_as, skip_if_missing
from stream_bench import judge, noisy, simulated

from netgen.importer.read import read_with_report
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.fixed import Words
from netgen.ir.network import Network
from netgen.lower import SHARING
from netgen.operators.graph import evaluate as evaluate_operators
from netgen.operators.prove import prove
from netgen.operators.schedule import Pipeline
from netgen.quantize.calibrate_graph import Calibration, circuit_of, round_network
from netgen.quantize.network_module import QuantizedNetwork, words_of_module

GRAPHS = max(300, FUZZ_CASES // 2)
"""300 in CI, 5,000 by `make fuzz`."""
TOGETHER = 15
"""Graphs in one module, which are exported, lowered and simulated together."""
IN_CI, DEEPER = (1, 4), (2, 9)
"""At least, and fewer than so many operations in a graph, beside its head; deeper ones by `make fuzz`."""


def _batch(number: int) -> Batch:
    seeds = range(number * TOGETHER, (number + 1) * TOGETHER)
    return Batch(seeds, IN_CI if seeds.stop <= 300 else DEEPER).double().eval()


def test_the_graphs_have_every_kind_of_operation_many_times() -> None:
    kinds = [kind for seed in range(300) for kind in Drawn(seed, IN_CI).kinds]
    assert min(kinds.count(kind) for kind in KINDS) >= 15


def test_pipelines_and_ways_of_sharing_meet_in_twenty_modules() -> None:
    """As many as hold 300 graphs."""
    assert 300 // TOGETHER == len(SHARING) * len(get_args(Pipeline)) == len({_hardware(k)[:2] for k in range(20)})


def _hardware(number: int) -> tuple[str, Pipeline, int]:
    """Sharing, pipeline and steps for the module of a number."""
    sharings, pipelines = list(SHARING), get_args(Pipeline)
    return sharings[number % len(sharings)], pipelines[number % len(pipelines)], (1, 2, 3)[number % 3]


@pytest.mark.native
@pytest.mark.parametrize("number", range(GRAPHS // TOGETHER))
def test_fuzz_random_graphs_compute_what_pytorch_computes(
    number: int, tmp_path: Path, native_tool: Callable[[str], str]
) -> None:
    """The network in double precision; then, quantized, `evaluate`, PyTorch, PyTorch's integers, operators, Verilog."""
    tools = native_tool("iverilog"), native_tool("vvp")
    sharing, pipeline, steps = _hardware(number)
    skip_if_missing(sharing)
    module, rng = _batch(number), np.random.default_rng(number)
    x = rng.normal(size=(2, *SHAPE))
    network, report = read_with_report(module, torch.from_numpy(x[:1]))
    assert report.worst < 1e-11
    _compare(network, module, x)
    rounded = round_network(network, rng.normal(size=(64, *SHAPE)), Calibration(None, 4, 4, 4))
    circuit, raw = circuit_of(rounded), rng.normal(size=(8, math.prod(SHAPE)))
    words = circuit.encode(raw)
    expected = evaluate_in_torch(circuit, words)
    assert np.array_equal(evaluate(circuit, words), expected)
    quantized = QuantizedNetwork(rounded.corrected, rounded.formats)
    assert np.array_equal(words_of_module(quantized, circuit, raw), expected)
    _build(circuit, words, expected, (sharing, pipeline, steps), number, tmp_path, tools)


def _compare(network: Network, module: Batch, x: np.ndarray) -> None:
    """The module's own outputs in double precision are those of the network."""
    with torch.no_grad():
        right = [[one.numpy() for one in module(sample[None])] for sample in torch.from_numpy(x)]
    for index, (found, head) in enumerate(zip(network.evaluate(x), network.outputs, strict=True)):
        expected = np.concatenate([one[index] for one in right])
        if head.function == "argmax":  # equal scores may differ by rounding
            scores = np.sort(np.concatenate(list(network.values(x)))[:, head.neuron], axis=-1)
            sure = scores[:, -1] - scores[:, -2] > 1e-9
            assert np.array_equal(np.asarray(found)[sure], expected[sure]), head.name
        else:
            atol = 1e-10 * np.abs(expected).max()
            np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-9, atol=atol, err_msg=head.name)


def _build(
    circuit: Circuit,
    words: Words,
    expected: Words,
    hardware: tuple[str, Pipeline, int],
    number: int,
    folder: Path,
    tools: tuple[str, str],
) -> None:
    """The operators are proved, and they and the emitted Verilog give the expected scores."""
    sharing, pipeline, steps = hardware
    design = designed_as(circuit, sharing=sharing, pipeline=pipeline, steps=steps, tables=(0, 6)[number % 2])
    prove(design.graph, circuit)
    assert np.array_equal(evaluate_operators(design.graph, words)[0], expected)
    run = noisy(design, words, seed=number, cycles=40)
    judge(run, simulated([run], folder, tools)[0])
