"""A finished build folder, read back: what is in it, and whether it can be read."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from netgen.errors import BuildError
from netgen.flow import files
from netgen.ir.circuit import Circuit, from_json
from netgen.ir.grid import Placement
from netgen.ir.netlist import Netlist, netlist_of
from netgen.ir.network import Network
from netgen.operators import file as operators
from netgen.operators.design import Design
from netgen.operators.graph import OperatorGraph
from netgen.operators.schedule import Schedule, schedule
from netgen.operators.wiring import long_wires, sites_for, sites_of
from netgen.spec.board import board_of
from netgen.spec.spec import Spec, load_spec

if TYPE_CHECKING:
    from netgen.report import BuildReport

Noun = TypeVar("Noun")


@dataclass(frozen=True, eq=False)
class Build:
    """A build folder and what is in it."""

    folder: Path
    spec: Spec
    network: Network
    circuit: Circuit
    netlist: Netlist
    placement: Placement
    report: "BuildReport"


def load_build(folder: Path | str) -> Build:
    """Read a finished build.

    Raises: BuildError, when something in it is missing or damaged.
    """
    folder = Path(folder)
    spec = load_spec_of(folder)
    circuit = load_circuit(folder)
    netlist = netlist_of(circuit)
    grid, _ = board_of(spec.place, netlist)
    return Build(
        folder=folder,
        spec=spec,
        network=files.read_network(folder / "network.npz"),
        circuit=circuit,
        netlist=netlist,
        placement=files.read_placement(folder / "placement.csv", netlist, grid),
        report=load_report(folder),
    )


def load_circuit(folder: Path) -> Circuit:
    """Read the circuit of a build folder.

    Raises: BuildError, when it is missing or damaged.
    """
    return _parsed(folder / "circuit.json", from_json)


def load_report(folder: Path) -> "BuildReport":
    """Read the report of a build folder.

    Raises: BuildError, when it is missing or damaged.
    """
    from netgen.report import from_json as report_from_json

    return _parsed(folder / "report.json", report_from_json)


def load_operators(folder: Path) -> OperatorGraph:
    """Read the operator graph of a build folder.

    Raises: BuildError, when it is missing or damaged.
    """
    return _parsed(folder / "operators.json", operators.from_json)


def load_design(folder: Path, spec: Spec, circuit: Circuit) -> Design:
    """The hardware of a build folder, with the Verilog as it stands there.

    Raises: BuildError, when something in it is missing or damaged.
    """
    from netgen import hdl

    graph = load_operators(folder)
    netlist = netlist_of(circuit)
    placement = files.read_placement(folder / "placement.csv", netlist, board_of(spec.place, netlist)[0])
    verilog = files.read_text(folder / "top.v")
    return hdl.design_with(circuit, graph, timing_of(graph, spec, netlist, placement), verilog=verilog)


def timing_of(graph: OperatorGraph, spec: Spec, netlist: Netlist, placement: Placement) -> Schedule:
    """The pipeline that a spec asks for."""
    emit, long = spec.emit, []
    if emit.longest_wire is not None:
        at = sites_for(emit.sharing)(graph, sites_of(netlist, placement))
        long = long_wires(graph, at, placement.grid.pitch, emit.longest_wire)
    return schedule(graph, emit.pipeline, steps=emit.steps, long=long)


def load_spec_of(folder: Path) -> Spec:
    """The spec of a build folder, its paths as seen from that folder.

    Raises: BuildError, when there is none, or not the whole of it.
    """
    path = folder / "spec.yaml"
    if not path.is_file():
        raise BuildError(f"{folder}: no finished build here; run netgen build first")
    spec = load_spec(path)
    if spec.to_yaml() != path.read_text(encoding="utf-8"):
        raise BuildError(f"{path}: not as the build wrote it, every key of it; build again")
    return spec


def placed_spec(spec: Spec, folder: Path, base: Path) -> str:
    """The YAML that a build folder keeps of its spec: every key, paths of files as seen from the folder."""

    def seen(path: str | None) -> str | None:
        return path if path is None or not (base / path).exists() else os.path.relpath(base / path, folder)

    data = spec.data.model_copy(update={"path": seen(spec.data.path)})
    network = spec.network.model_copy(update={"weights": seen(spec.network.weights)})
    return spec.model_copy(update={"data": data, "network": network}).to_yaml()


def _parsed(path: Path, parse: Callable[[str], Noun]) -> Noun:
    """What a file says; errors name it."""
    text = files.read_text(path)
    try:
        return parse(text)
    except BuildError as error:
        raise BuildError(f"{path}: {error}") from error
