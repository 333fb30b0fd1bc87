"""Functions that several neurons call: what the compiling simulators make of them, and what they cost."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from strategies import designed_as
from test_hdl_kernels import convolution

from netgen.ir.circuit import evaluate
from netgen.operators.design import Design
from netgen.simulate import SIMULATORS, Cost, simulate

Tool = Callable[[str], str]
TOOLS = {"verilator": ("verilator", "make", "g++"), "icarus": ("iverilog", "vvp")}

INPUTS = np.array(list(product(range(4), repeat=6)), dtype=np.int64)
"""(4096, 6), all input words of `convolution`."""


def _function(design: Design) -> str:
    """The statements of the design's one function."""
    found = re.findall(r" function .*?\n    begin\n(.*?)    end\n", design.verilog, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


@pytest.mark.native
@pytest.mark.parametrize("simulator", TOOLS)
@pytest.mark.parametrize("tables", [0, 5])
def test_a_design_beyond_the_threshold_equals_evaluate_on_every_input(
    tables: int, simulator: str, monkeypatch: pytest.MonkeyPatch, native_tool: Tool
) -> None:
    """The threshold is lowered to 0 operators; then `design_of` writes functions by itself."""
    for tool in TOOLS[simulator]:
        native_tool(tool)
    monkeypatch.setattr("netgen.hdl.emit.LARGE", 0)
    design = designed_as(convolution(), argmax=True, sharing="csd", tables=tables, kernels=None)
    assert design.verilog.count("= kernel1_") == 4
    found = simulate(design, INPUTS, simulator=simulator, jobs=2)
    assert np.array_equal(found.scores, evaluate(design.circuit, INPUTS))


@pytest.mark.native
@pytest.mark.parametrize("simulator", TOOLS)
def test_a_fault_in_a_function_is_seen_in_every_neuron_that_calls_it(
    simulator: str, native_tool: Tool, tmp_path: Path
) -> None:
    """The fault adds 1 to the function's result; each score that reads one of its calls differs in some sample."""
    for tool in TOOLS[simulator]:
        native_tool(tool)
    design = designed_as(convolution(), sharing="csd", kernels=True)
    wrong = re.sub(r"(      kernel1_\d+ = )(.*);", r"\1(\2) ^ 1;", design.verilog, count=1)
    assert wrong != design.verilog
    cache = tmp_path / "programs"
    right = simulate(design, INPUTS, simulator=simulator, cache=cache).scores
    found = simulate(replace(design, verilog=wrong), INPUTS, simulator=simulator, cache=cache).scores
    assert np.array_equal(right, evaluate(design.circuit, INPUTS))
    assert (found != right).any(axis=0).all()


def test_a_function_costs_once_what_each_call_costs_in_place() -> None:
    """By hand: in place, the statements of the function stand four times; else once, with four calls."""
    cost = Cost(start=0.0, build=2.0, run=0.0, memory=1.0, functions=True)
    repeated, in_place = (designed_as(convolution(), sharing="csd", kernels=kernels) for kernels in (True, False))
    saved = 3 * _function(repeated).count(" = ") - 4
    assert cost.bytes_of(in_place) - cost.bytes_of(repeated) == saved
    assert cost.seconds(in_place, 9, built=False) - cost.seconds(repeated, 9, built=False) == 2 * saved


def test_simulators_that_copy_functions_pay_for_all_operators() -> None:
    """Yosys copies a function to each place where it is called; Amaranth does not read the Verilog."""
    repeated, in_place = (designed_as(convolution(), sharing="csd", kernels=kernels) for kernels in (True, False))
    assert {name for name, simulator in SIMULATORS.items() if simulator.cost.functions} == set(TOOLS)
    for name in ("amaranth", "cxxrtl"):
        assert SIMULATORS[name].cost.bytes_of(repeated) == SIMULATORS[name].cost.bytes_of(in_place)
