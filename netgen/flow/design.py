"""The hardware of a build folder: its pipeline, and its design with the Verilog as it stands on disk."""

from pathlib import Path

from netgen.errors import BuildError
from netgen.flow import files
from netgen.flow.folder import load_operators
from netgen.ir.circuit import Circuit
from netgen.ir.grid import Placement
from netgen.ir.netlist import Netlist, netlist_of
from netgen.operators.design import Design
from netgen.operators.graph import OperatorGraph
from netgen.operators.prove import misfit_of
from netgen.operators.schedule import Schedule, schedule
from netgen.operators.wiring import long_wires, sites_for, sites_of
from netgen.spec.board import board_of
from netgen.spec.spec import Spec

__all__ = ["load_design", "timing_of"]


def load_design(folder: Path, spec: Spec, circuit: Circuit) -> Design:
    """Read the hardware of a build folder, with its `top.v` as it stands there.

    Raises: BuildError, when something in it is missing or damaged.
    """
    from netgen import hdl

    graph = load_operators(folder)
    if misfit := misfit_of(graph, circuit):
        raise BuildError(f"{folder / 'operators.json'}: not those of circuit.json ({misfit}); build it again")
    netlist = netlist_of(circuit)
    placement = files.read_placement(folder / "placement.csv", netlist, board_of(spec.place, netlist)[0])
    verilog = files.read_text(folder / "top.v")
    return hdl.design_with(circuit, graph, timing_of(graph, spec, netlist, placement), verilog=verilog)


def timing_of(graph: OperatorGraph, spec: Spec, netlist: Netlist, placement: Placement) -> Schedule:
    """Schedule the pipeline that a spec asks for."""
    emit, long = spec.emit, []
    if emit.longest_wire is not None:
        at = sites_for(emit.sharing)(graph, sites_of(netlist, placement))
        long = long_wires(graph, at, placement.grid.pitch, emit.longest_wire)
    return schedule(graph, emit.pipeline, steps=emit.steps, long=long)
