"""Hardware: its words, its streams, its Verilog and its testbench."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator, SimulatorContext
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    FUZZ_CASES,
    any_circuits,
    classes_of,
    designed_as,
    inputs_of,
    pipelines,
    random_circuit,
    sharings,
    table_bits,
)

from netgen import hdl
from netgen.hdl import design_of, first_edit
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit, CircuitHead, evaluate
from netgen.ir.fixed import FixedPoint, Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import netlist_of
from netgen.lower import lower
from netgen.operators.design import Design, Simulated
from netgen.operators.names import names_of
from netgen.operators.schedule import schedule

Tool = Callable[[str], str]


def payload_of(words: Words, width: int) -> int:
    """Word k at bits k * width upwards: the contract, in Python integers."""
    return sum((int(word) % (1 << width)) << (k * width) for k, word in enumerate(words))


def outputs_of(design: Design, payload: int) -> tuple[list[int], int]:
    """The scores, and what lies above them."""
    width, n = design.score.width, len(design.circuit.scores)
    words = [payload >> (k * width) & ((1 << width) - 1) for k in range(n)]
    return [w - (1 << width) if design.score.signed and w >> (width - 1) else w for w in words], payload >> (n * width)


def stream(
    design: Design, inputs: Words, *, offer: Callable[[], bool], accept: Callable[[], bool]
) -> tuple[list[int], list[tuple[int, int]]]:
    """Drive both streams cycle by cycle.

    Args:
        offer, accept: asked in each cycle whether to begin offering a sample, and whether to be ready.
    Returns: the cycles in which samples were accepted; cycle and payload of each result.
    """
    top = design.component
    accepted: list[int] = []
    results: list[tuple[int, int]] = []

    async def bench(ctx: SimulatorContext) -> None:
        cycle, offering = 0, False
        while cycle < 50 * (len(inputs) + 10) and len(results) < len(inputs):
            offering = offering or (len(accepted) < len(inputs) and offer())
            ctx.set(top.i.valid, offering)
            if offering:
                ctx.set(top.i.payload.as_value(), payload_of(inputs[len(accepted)], design.circuit.input.width))
            ctx.set(top.o.ready, accept())
            _, _, ready, valid, taking, payload = await ctx.tick().sample(
                top.i.ready, top.o.valid, top.o.ready, top.o.payload.as_value()
            )
            if offering and ready:
                accepted.append(cycle)
                offering = False
            if valid and taking:
                results.append((cycle, payload))
            cycle += 1

    m = Module()
    m.domains.sync = ClockDomain()
    m.submodules.top = top
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return accepted, results


@given(st.data())
@settings(max_examples=FUZZ_CASES // 4)
def test_fuzz_the_component_equals_evaluate_whatever_stalls(data: st.DataObject) -> None:
    """For any circuit and inputs: nothing is lost, repeated or reordered, and without stalls latency is as stated."""
    circuit = data.draw(any_circuits())
    argmax = data.draw(st.booleans())
    sharing = data.draw(sharings())
    pipeline, steps = data.draw(pipelines())
    inputs = data.draw(inputs_of(circuit))
    noise = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    busy, willing = data.draw(st.sampled_from([(1.0, 1.0), (0.5, 0.5), (0.9, 0.2), (0.2, 0.9)]))
    tables = data.draw(table_bits())
    design = designed_as(circuit, argmax=argmax, sharing=sharing, pipeline=pipeline, steps=steps, tables=tables)
    accepted, results = stream(
        design, inputs, offer=lambda: bool(noise.random() < busy), accept=lambda: bool(noise.random() < willing)
    )
    expected = evaluate(circuit, inputs)
    found = [outputs_of(design, payload) for _, payload in results]
    assert [scores for scores, _ in found] == expected.tolist()
    assert [above for _, above in found] == (classes_of(circuit, expected).tolist() if argmax else [0] * len(inputs))
    if busy == willing == 1.0:
        assert accepted == list(range(len(inputs)))
        assert [cycle for cycle, _ in results] == [cycle + design.latency for cycle in accepted]


def test_reset_drops_the_samples_on_their_way_and_nothing_else() -> None:
    """Samples 0 and 1 are in the first two of three registers when `rst` rises, and 0 is offered; 2 and 3 come out."""
    circuit = random_circuit((3, 4, 2), seed=1)
    design = designed_as(circuit, argmax=True)
    inputs = np.array([[1, 2, 3], [4, 5, 6], [70, 8, 90], [11, 120, 13]])
    top = design.component
    results: list[list[int]] = []

    async def bench(ctx: SimulatorContext) -> None:
        ctx.set(top.o.ready, 1)
        for cycle in range(10):
            sample = {0: 0, 1: 1, 2: 0, 4: 2, 5: 3}.get(cycle)
            ctx.set(top.i.valid, sample is not None)
            if sample is not None:
                ctx.set(top.i.payload.as_value(), payload_of(inputs[sample], 8))
            ctx.set(reset, cycle == 2)
            _, _, valid, payload = await ctx.tick().sample(top.o.valid, top.o.payload.as_value())
            if valid:
                results.append(outputs_of(design, payload)[0])

    m = Module()
    m.domains.sync = domain = ClockDomain()
    reset = domain.rst
    m.submodules.top = top
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert results == evaluate(circuit, inputs[2:]).tolist()


def test_dead_neurons_and_rows_of_zeros_cost_no_register() -> None:
    """Of four hidden neurons one has no input, one no reader; the second score is only its bias."""
    hidden = FixedPoint(4, 0, signed=False)
    weights = FixedPoint(4, 0, signed=True)
    first = ChainLayer(np.array([[1, 3], [0, 0], [2, 5], [5, 1]]), np.array([0, 3, 0, 0]), weights, "relu", hidden)
    last = ChainLayer(np.array([[3, 2, 0, 1], [0, 0, 0, 0]]), np.array([1, -7]), weights, "identity", None)
    circuit = chain(FixedPoint(3, 0, signed=False), np.ones(2), (first, last))
    design = designed_as(circuit)
    assert re.findall(r"reg .*n(\d_\d)_d1;", design.verilog) == ["1_0", "1_3", "2_0"]
    inputs = np.array([[7, 7], [0, 1], [1, 0]])
    results = stream(design, inputs, offer=lambda: True, accept=lambda: True)[1]
    assert [outputs_of(design, payload)[0] for _, payload in results] == evaluate(circuit, inputs).tolist()


def test_words_are_called_after_their_neurons_and_carry_their_sites() -> None:
    circuit = random_circuit((2, 2), seed=3)
    site = np.array([[4, 0, 1], [0, 2, 0], [3, 1, 5], [0, 0, 0]])
    netlist = netlist_of(circuit)
    graph = lower(circuit, argmax=True)
    design = design_of(circuit, graph, schedule(graph), netlist, Placement(Grid((5, 3, 6)), site), title="one\ntwo")
    words = re.findall(r'\(\* site = "(.*)" \*\) wire [^=]*\b(\w+);', design.verilog)
    assert words == [("4,0,1", "n0_0"), ("0,2,0", "n0_1"), ("3,1,5", "n1_0"), ("0,0,0", "n1_1")]
    assert design.verilog.startswith("// one\n// two\n")
    assert design.verilog.count("i_payload[") == 2, (
        "input words are called by their neurons' names but where they enter"
    )


def test_each_operator_is_one_line_that_can_tell_its_range() -> None:
    """Constants stand where they are read; the high bits of some sums have a line of their own, without a comment."""
    circuit = random_circuit((4, 3, 3), seed=8)
    design = designed_as(circuit, argmax=True, comments=True)
    graph = design.graph
    lines = re.findall(
        r"wire (?:signed )?\[(\d+):0\] (\w+)(?:; assign \2)? = .*;  // (-?\d+) to (-?\d+)\n", design.verilog
    )
    wanted = {
        (str(op.width - 1), name, str(op.lo), str(op.hi))
        for op, name in zip(graph.operators, names_of(graph), strict=True)
        if op.kind != "constant"
    }
    assert set(lines) == wanted
    assert len(lines) == len(wanted)
    plain = designed_as(circuit, argmax=True)
    assert re.sub(r"(;)  // -?\d+ to -?\d+\n", r"\1\n", design.verilog) == plain.verilog


def test_the_header_states_ports_formats_and_latency() -> None:
    circuit = random_circuit((3, 2, 4), seed=5)
    text = designed_as(circuit, argmax=True).verilog
    width = circuit.score_format.width
    wires = sum(layer.wires for layer in circuit.layers)
    assert "i_payload  3 of u8.4: input word k in bits k * 8 to k * 8 + 7, unsigned, in steps of 2**-4" in text
    assert f"o_payload  4 of {circuit.score_format}: score k in bits k * {width} to k * {width} + {width - 1}" in text
    assert "and the class, u2, in the highest bits" in text
    assert "Latency 3 cycles, initiation interval 1: a sample may enter in every cycle." in text
    assert f"9 neurons, {wires} wires, layers 3 - 2 - 4" in text
    assert "input wire [23:0] i_payload," in text
    assert f"output wire [{4 * width + 1}:0] o_payload," in text


def test_comments_name_the_layers_and_outputs_of_the_users_model_on_one_line_each() -> None:
    """Whatever the names contain, the code is that of a circuit whose layers have numbers."""
    plain = random_circuit((3, 2, 4), seed=5)
    layers = tuple(replace(one, name=f"body.{k}\n) ; é\\") for k, one in enumerate(plain.layers))
    head = CircuitHead("logits", np.array([7, 5]), np.array(0.25), np.array(-2.0))
    named = designed_as(replace(plain, layers=layers, outputs=(head,))).verilog
    assert "\n// layer 2: body.1?) ; ?xe9?, 4 neurons\n" in named
    assert "\n  // layer 2: body.1?) ; ?xe9?\n" in named
    assert "//            scores 0 to 1: logits, k means k * 0.25 -2.0\n" in named
    assert first_edit(designed_as(replace(plain, layers=layers)).verilog, designed_as(plain).verilog) is None


def test_the_same_circuit_gives_the_same_bytes() -> None:
    circuit = random_circuit((5, 4, 3), seed=7)
    assert designed_as(circuit, argmax=True).verilog == designed_as(circuit, argmax=True).verilog


def test_no_result_is_left_without_a_name() -> None:
    text = designed_as(random_circuit((6, 5, 4, 3), seed=2, entry=FixedPoint(5, 2, signed=True)), argmax=True).verilog
    assert not re.search(r"\b_\d+_\b|\\", text.split("module top")[1])


def test_payloads_pack_and_unpack_as_documented() -> None:
    """Against Python integers; 3 scores of an odd width and a class of 2 bits end inside a 32-bit word."""
    circuit = random_circuit((3, 2, 3), seed=9, entry=FixedPoint(7, 0, signed=True))
    design = designed_as(circuit, argmax=True)
    inputs = np.array([[-64, 63, -1], [0, 5, -7]])
    for row, payload in zip(inputs, design.pack_inputs(inputs), strict=True):
        assert int.from_bytes(payload.astype("<u4").tobytes(), "little") == payload_of(row, 7)
    outputs = Simulated(scores=np.array([[-5, 3, 0], [7, -1, 1]]), classes=np.array([1, 2]))
    packed = design.pack_outputs(outputs)
    for k, payload in enumerate(packed):
        whole = int.from_bytes(payload.astype("<u4").tobytes(), "little")
        assert outputs_of(design, whole) == (outputs.scores[k].tolist(), int(outputs.classes[k]))  # type: ignore[index]
    again = design.unpack_outputs(packed)
    assert np.array_equal(again.scores, outputs.scores)
    assert again.classes is not None
    assert again.classes.tolist() == [1, 2]


def odd_circuits() -> dict[str, Circuit]:
    """Circuits at the edges of what Verilog can say."""
    bit = FixedPoint(1, 0, signed=False)
    sign = FixedPoint(1, 0, signed=True)
    weights, wide = FixedPoint(4, 0, signed=True), FixedPoint(8, 0, signed=True)
    return {
        "ordinary": random_circuit((9, 7, 5), seed=1),
        "signed": random_circuit((6, 5, 4, 3), seed=2, entry=FixedPoint(5, 2, signed=True)),
        "sparse": random_circuit((20, 12, 8, 4), seed=3, density=0.15),
        "one bit": chain(bit, np.ones(1), (ChainLayer(np.array([[1]]), np.array([0]), weights, "identity", None),)),
        "only a sign": chain(
            sign, np.ones(2), (ChainLayer(np.array([[3, -8]]), np.array([0]), weights, "relu", None),)
        ),
        "only biases": chain(
            bit, np.ones(2), (ChainLayer(np.array([[0, 0], [0, 0]]), np.array([5, -6]), weights, "identity", None),)
        ),
        "only a sign left": chain(  # -1 iff the input is 1: all 8 bits of the sum, from -88 to 2, are dropped
            bit,
            np.ones(1),
            (
                ChainLayer(np.array([[-90]]), np.array([-510]), wide, "identity", FixedPoint(4, -10, signed=True)),
                ChainLayer(np.array([[1]]), np.array([0]), weights, "identity", None),
            ),
        ),
        "wide": random_circuit((40, 3, 9), seed=4, density=0.3),
    }


@pytest.mark.native
@pytest.mark.parametrize("name", odd_circuits())
def test_verilog_passes_lint_and_synthesis_checks(name: str, tmp_path: Path, native_tool: Tool) -> None:
    (tmp_path / "top.v").write_text(designed_as(odd_circuits()[name], argmax=name != "sparse").verilog)
    for command in (
        [native_tool("verilator"), "--lint-only", "-Wall", "top.v"],
        [native_tool("yosys"), "-q", "-p", "read_verilog top.v; synth -top top; check -assert"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "arning" not in done.stderr


def as_vectors(inputs: Words) -> hdl.Vectors:
    """These vectors and no others."""
    none = hdl.Coverage((0, 0), (0, 0), (0, 0), (0, 0))
    return hdl.Vectors(inputs, len(inputs), none)


def bench_verdict(design: Design, files: dict[str, str], folder: Path, native_tool: Tool) -> tuple[int, str]:
    """Exit status and text of the testbench in Icarus Verilog."""
    for name, text in {**files, "top.v": design.verilog}.items():
        (folder / name).write_text(text)
    build = [native_tool("iverilog"), "-Wall", "-o", "top_tb.vvp", "top.v", "top_tb.v"]
    assert not subprocess.run(build, cwd=folder, check=True, capture_output=True).stderr
    run = [native_tool("vvp"), "-n", "top_tb.vvp"]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.native
@pytest.mark.parametrize("argmax", [False, True])
@pytest.mark.parametrize("name", odd_circuits())
def test_the_testbench_passes_in_icarus(name: str, argmax: bool, tmp_path: Path, native_tool: Tool) -> None:
    circuit = odd_circuits()[name]
    rng = np.random.default_rng(0)
    inputs = rng.integers(circuit.input.lo, circuit.input.hi + 1, (60, circuit.sizes[0]))
    design = designed_as(circuit, argmax=argmax)
    assert bench_verdict(design, hdl.testbench_of(design, as_vectors(inputs)), tmp_path, native_tool) == (
        0,
        "PASS 60 vectors\n",
    )


@pytest.mark.native
def test_the_testbench_fails_when_one_weight_is_changed(tmp_path: Path, native_tool: Tool) -> None:
    """The first weight of the last layer that is not 0 becomes one more; vectors come from the circuit before."""
    circuit = random_circuit((6, 5, 3), seed=6)
    last = circuit.layers[-1]
    assert last.weight_format is not None
    wire = np.flatnonzero((last.weight != -1) & (last.weight < last.weight_format.hi))[0]
    weight = last.weight.copy()
    weight[wire] += 1
    changed = replace(circuit, layers=(*circuit.layers[:-1], replace(last, weight=weight)))
    inputs = np.random.default_rng(0).integers(0, 256, (40, 6))
    expected, found = evaluate(circuit, inputs), evaluate(changed, inputs)
    first, score = np.argwhere(expected != found)[0]
    verilog = designed_as(changed).verilog
    design = replace(designed_as(circuit), verilog=verilog)
    if changed.score_format.width != circuit.score_format.width:
        pytest.fail("choose another seed: the two circuits must have the same ports")
    status, text = bench_verdict(design, hdl.testbench_of(design, as_vectors(inputs)), tmp_path, native_tool)
    assert status != 0
    message = f"FAIL vector {first}, score {score}: expected {expected[first, score]}, found {found[first, score]}"
    assert message in text.splitlines()
