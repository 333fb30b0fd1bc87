"""Neurons that compute the same as calls of one Verilog function."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from strategies import designed_as
from test_hdl_verilog import proved_equal

from netgen.ir.activation import Rescale
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.fixed import FixedPoint
from netgen.operators.schedule import Pipeline

Tool = Callable[[str], str]


def convolution(*, greatest: bool = False) -> Circuit:
    """A kernel of three weights at four places, a neuron of its own, and sums or maxima of neighbours."""
    first = [{k: 3, k + 1: -2, k + 2: 1} for k in range(4)] + [{0: 1, 5: 1}]
    second = [{6 + k: 1, 7 + k: 1} for k in range(4)]
    return Circuit(
        FixedPoint(2, 0, signed=False),
        np.ones(6),
        (
            _layer("conv", first, Rescale(shift=1, lo=0)),
            _layer("last", second, Rescale(), greatest=greatest),
        ),
    )


def _layer(name: str, rows: list[dict[int, int]], activation: Rescale, *, greatest: bool = False) -> CircuitLayer:
    return CircuitLayer(
        name=name,
        starts=np.cumsum([0, *map(len, rows)]),
        source=np.array([source for row in rows for source in row], dtype=np.int64),
        weight=np.array([weight for row in rows for weight in row.values()], dtype=np.int64),
        bias=np.zeros(len(rows), dtype=np.int64),
        frac=0,
        activation=activation,
        gather="max" if greatest else "sum",
    )


def test_a_kernel_is_one_function_that_is_called_at_each_place() -> None:
    """The first layer has four neurons that compute the same; the fifth is written in place."""
    text = designed_as(convolution(), sharing="csd", kernels=True).verilog
    calls = re.findall(r"n1_(\d+) = (kernel1_\d+)\((n0_\d+), (n0_\d+), (n0_\d+)\);", text)
    assert [(index, *sorted(reads)) for index, _, *reads in calls] == [
        ("0", "n0_0", "n0_1", "n0_2"),
        ("1", "n0_1", "n0_2", "n0_3"),
        ("2", "n0_2", "n0_3", "n0_4"),
        ("3", "n0_3", "n0_4", "n0_5"),
    ]
    name = calls[0][1]
    assert {kernel for _, kernel, *_ in calls} == {name}
    assert re.findall(r"// (\d+) neurons\n  function \[2:0\] (\w+)\(", text) == [("4", name)]
    assert "n1_4 = n1_4_2[" in text


def test_without_kernels_every_neuron_is_written_in_place() -> None:
    text = designed_as(convolution(), sharing="csd").verilog
    assert ("function" in text, "kernel" in text) == (False, False)


def test_neurons_with_registers_inside_are_written_in_place() -> None:
    text = designed_as(convolution(), sharing="csd", pipeline="levels", kernels=True).verilog
    assert "function" not in text


@pytest.mark.native
@pytest.mark.parametrize("greatest", [False, True])
def test_yosys_proves_that_functions_and_component_are_equal(
    tmp_path: Path, native_tool: Tool, *, greatest: bool
) -> None:
    """And of a function with the lowest bit of its result inverted, Yosys proves no such thing."""
    design = designed_as(convolution(greatest=greatest), argmax=True, sharing="csd", pipeline="none", kernels=True)
    yosys = native_tool("yosys")
    assert proved_equal(design, design.verilog, tmp_path, yosys)
    wrong = re.sub(r"(      kernel1_\d+ = )(.*);", r"\1(\2) ^ 1;", design.verilog, count=1)
    assert wrong != design.verilog
    assert not proved_equal(design, wrong, tmp_path, yosys)


@pytest.mark.native
@pytest.mark.parametrize(("pipeline", "tables"), [("none", 0), ("layer", 0), ("layer", 6)])
def test_verilator_finds_nothing_to_warn_of_in_functions(
    pipeline: Pipeline, tables: int, tmp_path: Path, native_tool: Tool
) -> None:
    design = designed_as(convolution(), argmax=True, sharing="csd", pipeline=pipeline, tables=tables, kernels=True)
    (tmp_path / "top.v").write_text(design.verilog)
    command = [native_tool("verilator"), "--lint-only", "-Wall", "top.v"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
