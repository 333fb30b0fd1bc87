"""Gate off, no register of the block changes: proved on the Verilog by Yosys, and counted in a value change dump."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from strategies import designed_as
from test_holding import nested, skipping

from netgen.energy import activity_of
from netgen.hdl.expressions import Expressions
from netgen.ir.circuit import Circuit
from netgen.ir.netlist import netlist_of
from netgen.operators.design import Design
from netgen.operators.holding import blocks_of
from netgen.operators.kinds import Hold
from netgen.operators.schedule import Pipeline
from netgen.simulate.toggles import simulated_toggles

Tool = Callable[[str], str]
pytestmark = pytest.mark.native

PIPELINES: tuple[tuple[Pipeline, int], ...] = (("layer", 1), ("levels", 1), ("cycles", 3))


def _registers_of(design: Design) -> Iterator[tuple[str, str, str, bool]]:
    """Each register of a block: its name, what it loads, for which samples it may, and whether a gate holds it."""
    graph, timing = design.graph, design.timing
    named, delays = Expressions(graph, timing, input_width=1), timing.delays(graph)
    for gate, block in blocks_of(graph, timing).items():
        for number in block:
            for delay in range(delays[number]):
                cycle = timing.cycle[number] + delay
                before, register = (named.name_in(number, cycle + more) for more in (0, 1))
                valid = f"valid[{cycle}]" if cycle else "i_valid"
                held = delay == 0 and isinstance(graph.operators[number].operation, Hold)
                late = cycle - timing.cycle[gate] - delays[gate]  # cycles since the last register of the gate itself
                on = f"gate{gate}_d{late}" if late > 0 else named.name_in(gate, cycle)
                # after a reset, what is in the block may still move on
                yield register, before, f"{on} & {valid}" if held else on, held


def _watched(design: Design) -> str:
    """The Verilog, and in it a wire `bad` that tells whether a register of a block has changed that must not.

    It must not at a clock edge at which the gate of the sample before it is 0. For a proof by induction, `bad` tells as
    well whether a register that is not held would then load another value than it has.
    """
    graph, timing = design.graph, design.timing
    named, delays = Expressions(graph, timing, input_width=1), timing.delays(graph)
    lines, bad = [], []
    for gate in blocks_of(graph, timing):
        before = named.name_in(gate, timing.cycle[gate] + delays[gate])
        for late in range(1, timing.latency + 1):
            lines.append(
                f"  reg gate{gate}_d{late}; always @(posedge clk) if (i_ready) gate{gate}_d{late} <= {before};"
            )
            before = f"gate{gate}_d{late}"
    for k, (register, before, on, held) in enumerate(_registers_of(design)):
        lines += [
            f"  wire [63:0] is{k} = {register};",
            f"  reg off{k} = 0; reg [63:0] was{k};",
            f"  always @(posedge clk) begin off{k} <= ~({on}); was{k} <= is{k}; end",
        ]
        bad.append(f"off{k} & was{k} != is{k}")
        if not held:
            bad.append(f"~({on}) & {before} != {register}")
    assert bad
    watching = "\n".join([*lines, f"  (* keep *) wire bad = {' | '.join(f'({one})' for one in bad)};", "endmodule"])
    return design.verilog.replace("endmodule", watching)


def _proved(text: str, latency: int, folder: Path, yosys: str) -> bool:
    """Whether Yosys proves by induction that `bad` stays 0 once the pipeline has been filled.

    Registers begin with any values. The valid bits begin with 0, so that nothing stalls in the first cycles.
    """
    (folder / "top.v").write_text(text)
    script = (
        "read_verilog top.v; hierarchy -top top; proc; opt; "
        f"sat -verify -tempinduct -prove bad 0 -seq {latency + 1} -maxsteps {2 * latency + 8} top"
    )
    done = subprocess.run([yosys, "-p", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "proof did fail" in done.stderr + done.stdout, done.stderr + done.stdout[-2000:]
    return done.returncode == 0


@pytest.mark.parametrize("circuit", [skipping(), skipping(late_gate=True), nested()], ids=["early", "late", "nested"])
@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_yosys_proves_that_no_register_of_a_block_changes_while_its_gate_is_off(
    circuit: Circuit, pipeline: tuple[Pipeline, int], tmp_path: Path, native_tool: Tool
) -> None:
    """For all inputs, stalls and resets, from any values of the registers, once each has been loaded."""
    design = designed_as(circuit, pipeline=pipeline[0], steps=pipeline[1])
    assert _proved(_watched(design), design.latency, tmp_path, native_tool("yosys"))


@pytest.mark.parametrize("fault", [" & n1_0_1", " & i_valid"])
def test_yosys_finds_a_register_that_is_not_held(fault: str, tmp_path: Path, native_tool: Tool) -> None:
    design = designed_as(skipping())
    assert f"(i_ready & i_valid{fault})" in design.verilog or fault == " & i_valid"
    broken = replace(design, verilog=design.verilog.replace(fault, "", 1))
    assert not _proved(_watched(broken), design.latency, tmp_path, native_tool("yosys"))


def test_a_skipped_block_shows_no_toggle_in_a_value_change_dump(native_tool: Tool) -> None:
    """a > b never, or always: all signals of the block stand still, or all of them toggle; the inputs always do."""
    native_tool("iverilog")
    design = designed_as(skipping())
    rng = np.random.default_rng(0)
    low, high = np.sort(rng.integers(-4, 4, (60, 2)), axis=1).T
    ((_, block),) = blocks_of(design.graph, design.timing).items()
    names = Expressions(design.graph, design.timing, input_width=1).names
    inside = {names[k] for k in block if not isinstance(design.graph.operators[k].operation, Hold)}
    held = {f"{names[k]}_d1" for k in block if isinstance(design.graph.operators[k].operation, Hold)}
    for inputs, changes in ((np.stack([low, high], axis=1), False), (np.stack([high + 1, low], axis=1), True)):
        found = simulated_toggles(design, np.clip(inputs, -4, 3))
        signals = {name: bool(signal.every.any()) for name, signal in found.items()}
        assert signals["n0_0"]
        assert signals["n0_0_d3"]
        assert {name for name, _ in signals.items() if name.split("_d")[0] in inside} >= inside
        assert {toggles for name, toggles in signals.items() if name.split("_d")[0] in inside} == {changes}
        assert {signals[name] for name in held} == {changes}


def test_what_a_gate_holds_toggles_from_one_sample_that_enters_the_block_to_the_next() -> None:
    """Samples (1, 0), (0, 1), (2, -1), (-1, 2) in turn, 101 of them; the gate is on for every second one.

    What enters the block is a = 1, 2, 1, ..., of which 2 bits change 50 times, and b = 0, -1, 0, ..., 3 bits. By
    themselves a and b change by 1, 1, 2 and 2 bits in turn. The gate's wire carries one bit, which always changes.
    """
    design = designed_as(skipping())
    inputs = np.tile(np.array([[1, 0], [0, 1], [2, -1], [-1, 2]]), (26, 1))[:101]
    activity = activity_of(design.circuit, design.graph, inputs, timing=design.timing)
    netlist = netlist_of(design.circuit)
    carried = dict(
        zip(zip(netlist.source.tolist(), netlist.target.tolist(), strict=True), activity.wires.tolist(), strict=True)
    )
    into = {wire: carried[wire] for wire in ((0, 3), (1, 3), (0, 4), (1, 4))}
    assert into == {(0, 3): 100, (1, 3): 150, (0, 4): 100, (1, 4): 150}
    assert (carried[0, 2], carried[1, 2], carried[0, 6], carried[2, 6]) == (150, 150, 150, 100)
