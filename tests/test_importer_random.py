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

from netgen.flow.classes import decoded
from netgen.importer.read import read_with_report
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.circuit_file import from_json, to_json
from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Network
from netgen.lower import SHARING
from netgen.operators.graph import evaluate as evaluate_operators
from netgen.operators.prove import prove
from netgen.operators.schedule import Pipeline
from netgen.quantize.calibrate_graph import Calibration, circuit_of, layered_circuit, round_network
from netgen.quantize.layer_rounding import Rounded, round_layers
from netgen.quantize.network_module import QuantizedNetwork, words_of_module
from netgen.report.bound_graph import graph_error_bound

GRAPHS = max(300, FUZZ_CASES // 2)
"""300 in CI, 5,000 by `make fuzz`."""
TOGETHER = 15
"""Graphs in one module, which are exported, lowered and simulated together."""
IN_CI, DEEPER = (1, 4), (2, 9)
"""At least, and fewer than so many operations in a graph, beside its head; deeper ones by `make fuzz`."""


def batch_of(number: int) -> Batch:
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
    module, rng = batch_of(number), np.random.default_rng(number)
    x, samples = rng.normal(size=(2, *SHAPE)), rng.normal(size=(64, *SHAPE))
    network, report = read_with_report(module, torch.from_numpy(x[:1]))
    assert report.worst < 1e-11
    _compare(network, module, x)
    raw = rng.normal(size=(8, math.prod(SHAPE)))
    rounded = round_network(network, samples, Calibration(None, 4, 4, 4))
    circuit, words, expected = _integers(rounded, raw)
    _fine_tuned(rounded, raw, rng)
    _build(circuit, words, expected, (sharing, pipeline, steps), number, tmp_path, tools)
    for precise in (rounded, round_network(network, samples, Calibration(None, 16, 16, 16))):
        _within_bound(network, precise, raw)


def _integers(rounded: Rounded, raw: Reals) -> tuple[Circuit, Words, Words]:
    """The circuit, its input words and its scores: the same before it is simplified, and by three programs."""
    whole, circuit = layered_circuit(rounded), circuit_of(rounded)
    words = circuit.encode(raw)
    form = rounded.inputs[0]
    assert np.array_equal(words, np.clip(np.floor(raw * 2.0**form.frac + 0.5), form.lo, form.hi))
    expected = evaluate_in_torch(whole, words)
    assert np.array_equal(evaluate(whole, words), expected)
    assert np.array_equal(evaluate(circuit, words), expected)
    assert np.array_equal(evaluate_in_torch(circuit, words), expected)
    assert np.array_equal(evaluate(from_json(to_json(circuit)), words), expected)
    assert np.array_equal(words_of_module(QuantizedNetwork(rounded.corrected, rounded.formats), circuit, raw), expected)
    return circuit, words, expected


def _fine_tuned(rounded: Rounded, raw: Reals, rng: np.random.Generator) -> None:
    """With other weights, as after fine-tuning, PyTorch and the circuit give equal words."""
    module = QuantizedNetwork(rounded.corrected, rounded.formats)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.from_numpy(rng.normal(size=parameter.shape) * 0.1))
    circuit = circuit_of(round_layers(module.network(), rounded.formats))
    assert np.array_equal(words_of_module(module, circuit, raw), evaluate(circuit, circuit.encode(raw)))


def _within_bound(network: Network, rounded: Rounded, raw: Reals) -> None:
    """The outputs of the integers are the float ones of the network that was read, to within the proved bound.

    All integers follow from the prepared network, so they may agree and be another function than what was read.
    Of 16 bits, the bound is less than a thousandth of the output for half of the outputs.
    """
    whole, form = layered_circuit(rounded), rounded.inputs[0]
    bound = graph_error_bound(rounded.network, whole)
    assert bound is not None
    raw = np.clip(raw, form.lo * form.step, form.hi * form.step)
    found, right = decoded(whole, evaluate(whole, whole.encode(raw))), network.head_values(raw)
    limit = np.concatenate([one.ravel() for one in bound]) + 1e-9 * (1 + np.abs(right).max(axis=0))
    assert (np.abs(found - right) <= limit).all()


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
            atol = 1e-10 * np.abs(expected).max() + 1e-13  # where all of an output cancels, a thousand roundings
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
