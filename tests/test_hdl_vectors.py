"""Test vectors: what they reach, and that the testbench finds every fault that any input shows."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from mutants import MUTATIONS, mutant
from strategies import all_inputs, designed_as, random_circuit

from netgen import hdl
from netgen.hdl import Coverage, Vectors, vectors, vectors_of
from netgen.ir.chain import ChainLayer, chain, chain_layers
from netgen.ir.circuit import Circuit
from netgen.ir.fixed import FixedPoint, Words
from netgen.operators.design import Design
from netgen.operators.graph import Operator, OperatorGraph, evaluate, values_of
from netgen.operators.kinds import Input, Maximum, Minimum, Subtract, Table

Tool = Callable[[str], str]

PAIR, WEIGHTS = FixedPoint(2, 0, signed=False), FixedPoint(3, 0, signed=True)
NAMES = ["sums", "tables", "bits"]
ARITHMETIC = sorted(MUTATIONS.keys() - {"lo", "hi", "left shift", "source"})
"""What is left out leaves the values right, or connects an operator otherwise, which few inputs may show."""


def circuit_of(name: str) -> Circuit:
    """Three layers of small whole numbers, whose words of 3 bits saturate at 0 and at 7.

    There are 2**14 inputs: more than a batch of candidates, few enough to try all.
    """
    rng = np.random.default_rng(5)
    sizes = (14 if name == "bits" else 7, 6, 4, 3)  # each of seven inputs becomes two bits
    layers = []
    for depth, (n_in, n_out) in enumerate(pairwise(sizes)):
        weight = rng.integers(-3, 4, (n_out, n_in)) * (rng.random((n_out, n_in)) < (0.3 if name == "bits" else 0.4))
        last = depth == len(sizes) - 2
        output = None if last else FixedPoint(3 if name == "sums" else 2, -1, signed=False)
        bias = rng.integers(-2, 3, n_out)
        layers.append(ChainLayer(weight, bias, WEIGHTS, "identity" if last else "relu", output))
    return chain(PAIR, np.ones(7), tuple(layers), (1, 3) if name == "bits" else ())


def design_of(name: str) -> Design:
    return designed_as(circuit_of(name), argmax=True, tables=0 if name == "sums" else 8)


def chosen(design: Design, *, samples: int = 40) -> Vectors:
    """Four given vectors, and others found from a few random samples."""
    form = design.circuit.input
    rng = np.random.default_rng(0)
    words = rng.integers(form.lo, form.hi + 1, (samples, design.circuit.features))
    return vectors_of(design, words[:4], words[4:])


def outputs_of(graph: OperatorGraph, inputs: Words) -> Words:
    scores, best = evaluate(graph, inputs)
    assert best is not None
    return np.column_stack([scores, best])


def mutants_of(graph: OperatorGraph) -> dict[str, OperatorGraph]:
    """Each bit of each entry of each table inverted; each limit of a maximum or minimum one higher and one lower."""
    found = {}

    def change(number: int, what: str, operation: object) -> None:
        operators = list(graph.operators)
        operators[number] = replace(operators[number], operation=operation)  # type: ignore[arg-type]
        found[f"{number} {what}"] = replace(graph, operators=tuple(operators))

    for number, operator in enumerate(graph.operators):
        operation = operator.operation
        if isinstance(operation, Table):
            for address, entry in enumerate(operation.entries):
                for bit in range(operator.width):
                    entries = list(operation.entries)
                    step = 1 << bit if entry >> bit & 1 == 0 else -(1 << bit)
                    entries[address] += -step if operator.signed and bit == operator.width - 1 else step
                    change(number, f"entry {address} bit {bit}", Table(tuple(entries)))
        if isinstance(operation, Maximum | Minimum):
            for step in (-1, 1):
                change(number, f"limit {step}", replace(operation, limit=operation.limit + step))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_vectors_find_every_changed_bit_and_limit_that_any_input_shows(name: str) -> None:
    """All 16,384 inputs say which faults can be seen at all."""
    design = design_of(name)
    every, inputs = all_inputs(design.circuit), chosen(design).inputs
    right, found = outputs_of(design.graph, every), outputs_of(design.graph, inputs)
    mutants = mutants_of(design.graph)
    visible = {what for what, graph in mutants.items() if (outputs_of(graph, every) != right).any()}
    seen = {what for what, graph in mutants.items() if (outputs_of(graph, inputs) != found).any()}
    assert seen == visible
    assert len(visible) > 5
    assert len(inputs) < 1000


@pytest.mark.parametrize("name", NAMES)
def test_the_vectors_find_every_perturbed_operator_that_any_input_shows(name: str) -> None:
    """Signs, offsets, constants, factors, limits, shifts and entries changed at random, one at a time."""
    design = design_of(name)
    every, inputs = all_inputs(design.circuit), chosen(design).inputs
    right, found = outputs_of(design.graph, every), outputs_of(design.graph, inputs)
    rng, visible = np.random.default_rng(1), 0
    for mutation in ARITHMETIC:
        for _ in range(30):
            graph = mutant(design.graph, mutation, rng)
            if graph is not None and (outputs_of(graph, every) != right).any():
                visible += 1
                assert (outputs_of(graph, inputs) != found).any(), mutation
    assert visible > 20


@pytest.mark.parametrize("name", NAMES)
def test_the_vectors_bring_every_operator_to_its_least_and_greatest_value(name: str) -> None:
    design = design_of(name)

    def extremes(inputs: Words) -> list[tuple[int, int]]:
        return [(int(values.min()), int(values.max())) for _, values in values_of(design.graph, inputs)]

    assert extremes(chosen(design).inputs) == extremes(all_inputs(design.circuit))


def test_every_sum_of_many_inputs_reaches_its_extremes() -> None:
    """40 inputs of 8 bits, one layer: each operator is a sum, whose coefficients come from one input at a time.

    A random sample comes near no extreme. Some proved limits lie beyond, as sources of a sum share inputs.
    """
    design = designed_as(random_circuit((40, 6), seed=3))
    impulses = np.concatenate([np.zeros((1, 40), dtype=np.int64), np.eye(40, dtype=np.int64)])
    found = chosen(design)
    at_impulses, at_vectors = (dict(values_of(design.graph, inputs)) for inputs in (impulses, found.inputs))
    for number in range(len(design.graph.operators)):
        still, *steps = at_impulses[number].tolist()
        steps = [255 * (step - still) for step in steps]
        least, greatest = (still + sum(side(step, 0) for step in steps) for side in (min, max))
        assert (at_vectors[number].min(), at_vectors[number].max()) == (least, greatest)
    assert found.coverage.limits[0] > 0.9 * found.coverage.limits[1]


def _graph(second: tuple[int, ...]) -> OperatorGraph:
    """Two bits, their AND as a table, and a table of the first bit and that."""
    inputs = [Operator(Input(k), (), 0, 1, 0, None) for k in range(2)]
    conjunction = Operator(Table((0, 0, 0, 1)), (0, 1), 0, 1, 1, 0)
    last = Operator(Table(second), (0, 2), 0, 1, 2, 0)
    return OperatorGraph((*inputs, conjunction, last), 2, ((2,), (3,)))


def test_coverage_counts_what_was_counted_by_hand() -> None:
    """y = x0 and (x0 and x1).

    Entries: all 4 of the first table; of the second 3, as (x0 and x1) is not 1 where x0 is 0. Bits: of the first table
    those where x0 is 1, which are 2; of the second 3. Limits: 0 and 1 of all 4 operators. Nothing is compared.
    """
    bit = FixedPoint(1, 0, signed=False)
    design = replace(designed_as(random_circuit((2, 1), seed=1, entry=bit)), graph=_graph((0, 0, 0, 1)))
    given = np.array([[0, 0]])
    found = vectors_of(design, given, given)
    assert found.coverage == Coverage(entries=(7, 8), bits=(5, 8), limits=(8, 8), edges=(0, 0))
    assert found.inputs[0].tolist() == [0, 0]
    assert sorted(map(tuple, found.inputs.tolist())) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_an_operator_that_reaches_no_proved_limit_is_brought_to_the_extremes_that_it_has() -> None:
    """x0 - x1 goes from -3 to 3; a loose proof says -9 to 9. No other goal needs (3, 0) or (0, 3)."""
    inputs = [Operator(Input(k), (), 0, 3, 0, None) for k in range(2)]
    graph = OperatorGraph((*inputs, Operator(Subtract(), (0, 1), -9, 9, 1, 0)), 2, ((2,),))
    design = replace(designed_as(random_circuit((2, 1), seed=1, entry=PAIR)), graph=graph)
    given = np.array([[0, 0]])
    found = vectors_of(design, given, given)
    assert found.inputs[:2].tolist() == [[0, 0], [3, 3]]
    assert sorted(map(tuple, found.inputs[2:].tolist())) == [(0, 3), (3, 0)]
    assert found.coverage.limits == (4, 6)


def test_the_head_of_the_testbench_says_what_its_vectors_reach() -> None:
    inputs = np.zeros((20, 7), dtype=np.int64)
    found = Vectors(inputs, 16, Coverage((1000, 1200), (5, 8), (8, 8), (0, 0)))
    text = hdl.testbench_of(design_of("tables"), found)["top_tb.v"]
    assert (
        "// The first 16 vectors are samples of the test set; 4 more were chosen to reach:\n"
        "//   1,000 of 1,200 entries of look-up tables\n"
        "//   5 of 8 bits of these entries, such that a wrong bit changes an output\n"
        "//   8 of 8 least and greatest values of operators, as proved for all inputs\n"
        "// The other 203 were reached by no input that was tried.\n"
    ) in text


def test_the_same_circuit_and_samples_give_the_same_vectors() -> None:
    one, two = (hdl.testbench_of(design, chosen(design)) for design in (design_of("tables"), design_of("tables")))
    assert one == two


def test_there_are_no_more_vectors_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "MOST", 7)
    assert len(chosen(design_of("tables")).inputs) == 4 + 7
    monkeypatch.setattr(vectors, "BITS", 5 * 14)  # an input has 14 bits
    assert len(chosen(design_of("tables")).inputs) == 4 + 5


def test_a_circuit_that_is_only_constants_needs_no_further_vectors() -> None:
    circuit = random_circuit((2, 2), seed=1)
    (layer,) = chain_layers(circuit)
    still = replace(layer, weight=np.zeros_like(layer.weight))
    assert len(chosen(designed_as(chain(circuit.input, circuit.input_scale, [still]))).inputs) < 10


def _inverted(verilog: str) -> list[str]:
    """The Verilog with each bit of each table inverted, one at a time."""
    found = []
    for plane in re.finditer(r"table(\d+)\((\d+)'h([0-9a-f]+), ", verilog):
        for bit in range(int(plane[2])):
            wrong = f"{int(plane[3], 16) ^ (1 << bit):0{len(plane[3])}x}"
            found.append(verilog[: plane.start(3)] + wrong + verilog[plane.end(3) :])
    return found


def _layer(weight: list[list[int]], width: int | None) -> ChainLayer:
    output = None if width is None else FixedPoint(width, -1, signed=False)
    bias = np.zeros(len(weight), dtype=np.int64)
    return ChainLayer(np.array(weight), bias, WEIGHTS, "identity" if width is None else "relu", output)


@pytest.mark.native
def test_the_testbench_fails_for_every_bit_of_a_table_that_any_input_shows(tmp_path: Path, native_tool: Tool) -> None:
    """Every fifth bit of the tables is inverted in the Verilog; Icarus runs the testbench of each, and all inputs."""
    circuit = chain(PAIR, np.ones(4), (_layer([[1, 2, 0, 0], [0, -1, 1, 2]], 2), _layer([[1, -2]], None)))
    design = designed_as(circuit, tables=6, pipeline="none")
    iverilog, vvp = native_tool("iverilog"), native_tool("vvp")

    def passes(verilog: str, found: Vectors) -> bool:
        for file, text in {**hdl.testbench_of(design, found), "top.v": verilog}.items():
            (tmp_path / file).write_text(text)
        build = [iverilog, "-o", "top_tb.vvp", "top.v", "top_tb.v"]
        subprocess.run(build, cwd=tmp_path, check=True)
        run = [vvp, "-n", "top_tb.vvp"]
        return subprocess.run(run, cwd=tmp_path, capture_output=True, check=False).returncode == 0

    few = chosen(design)
    every = replace(few, inputs=all_inputs(circuit))
    assert len(few.inputs) < len(every.inputs) == 256
    wrong = _inverted(design.verilog)[::5]
    assert len(wrong) > 15
    verdicts = [(passes(verilog, few), passes(verilog, every)) for verilog in wrong]
    assert all(a == b for a, b in verdicts)
    assert any(not a for a, _ in verdicts)
    assert passes(design.verilog, few)
