"""The Verilog text: its streams, and its equality with the Amaranth component."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import numpy as np
import pytest
from amaranth.back import rtlil
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import (
    FUZZ_CASES,
    any_circuits,
    designed_as,
    inputs_of,
    pipelines,
    random_circuit,
    random_graph,
    sharings,
    skip_if_missing,
    table_bits,
)
from stream_bench import Run, judge, noisy, simulated

from netgen.ir.circuit import Circuit
from netgen.ir.fixed import FixedPoint
from netgen.lower import SHARING
from netgen.operators.design import Design
from netgen.operators.schedule import Pipeline

Tool = Callable[[str], str]

STEPS: dict[Pipeline, tuple[int, ...]] = {"none": (1,), "layer": (1,), "levels": (1, 2), "cycles": (1, 3, 12)}


@pytest.fixture
def icarus(native_tool: Tool) -> tuple[str, str]:
    return native_tool("iverilog"), native_tool("vvp")


@pytest.mark.native
@pytest.mark.parametrize("sharing", SHARING)
def test_every_pipeline_gives_every_result_once_in_order_whatever_stalls(
    sharing: str, tmp_path: Path, icarus: tuple[str, str]
) -> None:
    """Also when `rst` rises at any time: samples on their way are dropped, the next ones come out right."""
    skip_if_missing(sharing)
    runs = []
    for seed, pipeline in enumerate(get_args(Pipeline)):
        for steps in STEPS[pipeline]:
            entry = FixedPoint(5, 2, signed=bool(seed % 2))
            circuit = random_circuit((5, 4, 4, 3), seed=seed, density=0.7, entry=entry, width=5)
            design = designed_as(circuit, argmax=bool(seed % 3), sharing=sharing, pipeline=pipeline, steps=steps)
            rng = np.random.default_rng(seed)
            inputs = rng.integers(entry.lo, entry.hi + 1, (100, 5))
            runs.append(noisy(design, inputs, seed=seed))
    for run, events in zip(runs, simulated(runs, tmp_path, icarus), strict=True):
        judge(run, events)
        assert sum(what == "out" for _, what, _ in events) > 20
        assert any(what == "reset" for cycle, what, _ in events if cycle > 1)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Any circuit, with any hardware that is made of it, and stalls and resets."""
    circuit = draw(any_circuits())
    pipeline, steps = draw(pipelines())
    argmax, sharing, long = draw(st.booleans()), draw(sharings()), draw(st.sampled_from([0, 1, 5]))
    design = designed_as(
        circuit,
        argmax=argmax,
        sharing=sharing,
        pipeline=pipeline,
        steps=steps,
        long=long,
        tables=draw(table_bits()),
        kernels=draw(st.booleans()),
    )
    return noisy(design, draw(inputs_of(circuit)), seed=draw(st.integers(0, 2**32 - 1)), cycles=60)


@pytest.mark.native
@given(batch=st.lists(runs(), min_size=1, max_size=12))
@settings(
    max_examples=max(FUZZ_CASES // 20, 1),
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the fixture only names programs
)
def test_fuzz_the_verilog_equals_evaluate_whatever_stalls_and_resets(batch: list[Run], icarus: tuple[str, str]) -> None:
    with TemporaryDirectory() as folder:
        for run, events in zip(batch, simulated(batch, Path(folder), icarus), strict=True):
            judge(run, events)


@pytest.mark.native
@pytest.mark.parametrize(("pipeline", "steps"), [("none", 1), ("levels", 2), ("cycles", 3)])
@pytest.mark.parametrize("sharing", ["none", "csd", "shared"])
def test_verilator_finds_nothing_to_warn_of(
    sharing: str, pipeline: Pipeline, steps: int, tmp_path: Path, native_tool: Tool
) -> None:
    circuit = random_circuit((5, 4, 3), seed=2, entry=FixedPoint(5, 2, signed=True))
    design = designed_as(circuit, argmax=True, sharing=sharing, pipeline=pipeline, steps=steps, comments=True)
    (tmp_path / "top.v").write_text(design.verilog)
    command = [native_tool("verilator"), "--lint-only", "-Wall", "top.v"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@given(circuit=any_circuits(), sharing=sharings(), argmax=st.booleans(), pipeline=pipelines())
@settings(max_examples=40)
def test_the_text_has_the_registers_of_the_schedule_and_no_other(
    circuit: Circuit, sharing: str, argmax: bool, pipeline: tuple[Pipeline, int]
) -> None:
    design = designed_as(circuit, argmax=argmax, sharing=sharing, pipeline=pipeline[0], steps=pipeline[1])
    registers = re.findall(r"^  reg (?:signed )?\[(\d+):(\d+)\]", design.verilog, re.MULTILINE)
    bits = [int(high) - int(low) + 1 for high, low in registers]
    assert sum(bits) == design.timing.registers(design.graph) + design.latency


_MITER = (
    "read_verilog top.v; read_rtlil component.il; proc; "
    "miter -equiv -flatten -make_outputs top component miter; hierarchy -top miter; opt; "
    "sat -verify -prove trigger 0 miter"
)


def proved_equal(design: Design, verilog: str, folder: Path, yosys: str) -> bool:
    """Whether Yosys proves, by SAT, that a text and the component give the same for every input.

    Amaranth calls ports `i__payload` where the text says `i_payload`; neither uses a clock.
    """
    text = verilog.replace("  input wire clk,\n  input wire rst,\n", "")
    (folder / "top.v").write_text(text)
    netlist = rtlil.convert(design.component, name="component", emit_src=False)
    (folder / "component.il").write_text(re.sub(r"\\([io])__", r"\\\1_", netlist))
    done = subprocess.run([yosys, "-q", "-p", _MITER], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "proof did fail" in done.stderr, done.stderr
    return done.returncode == 0


GRAPHS = (2, 4, 10, 11)
"""Seeds of small circuits of skips, maxima, steps, scales and rounding to even."""


def graph_of(seed: int) -> Circuit:
    return random_graph(np.random.default_rng(seed), deepest=4, inputs=4, widest=4, input_width=4)


def test_the_graphs_have_operators_of_every_kind_that_chains_have_not() -> None:
    kinds = {op.kind for seed in GRAPHS for op in designed_as(graph_of(seed), argmax=True).graph.operators}
    assert {"larger", "round", "select", "table", "greater"} <= kinds


@pytest.mark.native
@pytest.mark.parametrize("seed", GRAPHS)
def test_yosys_proves_that_text_and_component_of_a_graph_are_equal(
    seed: int, tmp_path: Path, native_tool: Tool
) -> None:
    design = designed_as(graph_of(seed), argmax=True, pipeline="none")
    assert proved_equal(design, design.verilog, tmp_path, native_tool("yosys"))


@pytest.mark.native
@pytest.mark.parametrize("seed", GRAPHS)
def test_verilator_finds_nothing_to_warn_of_in_a_graph(seed: int, tmp_path: Path, native_tool: Tool) -> None:
    (tmp_path / "top.v").write_text(designed_as(graph_of(seed), argmax=True, comments=True).verilog)
    command = [native_tool("verilator"), "--lint-only", "-Wall", "top.v"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.native
@pytest.mark.parametrize("sharing", SHARING)
def test_yosys_proves_that_text_and_component_are_equal(sharing: str, tmp_path: Path, native_tool: Tool) -> None:
    """Two writers, one graph; and of a text with one bit more or less in a sum, Yosys proves no such thing."""
    skip_if_missing(sharing)
    yosys = native_tool("yosys")
    circuit = random_circuit((4, 3, 2), seed=3, entry=FixedPoint(3, 1, signed=True), width=4)
    design = designed_as(circuit, argmax=True, sharing=sharing, pipeline="none")
    assert proved_equal(design, design.verilog, tmp_path, yosys)
    wrong = re.sub(r"(wire [^=\n]*n2_1\b[^=\n]* = )(.*);", r"\1(\2) ^ 1;", design.verilog, count=1)
    assert wrong != design.verilog
    assert not proved_equal(design, wrong, tmp_path, yosys)
