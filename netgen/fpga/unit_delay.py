"""A mapped netlist in Verilog whose cells all have a delay of one unit: it shows how signals change before they settle.

Real delays differ by cell, load and wire. With equal ones, a signal changes in the order in which its paths have more
and more cells, which is the usual estimate of glitches before a layout (Ghosh, Devadas, Keutzer and White 1992).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

from netgen.errors import SynthError, refused
from netgen.fpga.levels import Cell
from netgen.fpga.synthesize import refusal
from netgen.fpga.yosys import find_yosys
from netgen.progress import Progress, silent
from netgen.tools import scratch_folder

__all__ = ["GATE", "REGISTER", "CellKind", "UnitDelay", "unit_delay_of"]

CellKind = Literal["gates", "luts"]
GATE, REGISTER = "g", "r"
"""The first letters of nets that gates and registers drive; the number of the net follows."""

_MAP: Mapping[str, str] = MappingProxyType({"gates": "abc -g simple", "luts": "abc -lut 4"})
_SCRIPT = (
    "read_verilog -sv top.v; synth -flatten -noabc -top top; dfflegalize -cell $_DFF_P_ 01 -cell $_DFFE_PP_ 01; "
    "{map}; opt_clean -purge; write_json netlist.json"
)
"""Registers keep their clock enable; all else that they may have becomes gates."""
_GATES: Mapping[str, str] = MappingProxyType(
    {
        "$_BUF_": "{A}",
        "$_NOT_": "~{A}",
        "$_AND_": "{A} & {B}",
        "$_OR_": "{A} | {B}",
        "$_XOR_": "{A} ^ {B}",
        "$_MUX_": "{S} ? {B} : {A}",
    }
)


@dataclass(frozen=True)
class UnitDelay:
    """A mapped netlist.

    Attributes:
        verilog: the module `top`, with the ports of the Verilog that was mapped.
        gates, registers: cells, each of which drives one net of one bit.
    """

    verilog: str
    gates: int
    registers: int

    @property
    def settled_after(self) -> int:
        """Units of time after which all signals have settled, whatever changes: no path has more cells."""
        return self.gates + 2


def unit_delay_of(
    verilog: str, *, cells: CellKind = "gates", yosys: str = "auto", progress: Progress = silent
) -> UnitDelay:
    """Map Verilog by Yosys, and give every cell a delay of one unit; every change passes on, however short.

    Args:
        verilog: of a module `top`, with one clock, `clk`.
        cells: `gates` with two inputs, inverters and multiplexers, or look-up tables with 4 inputs (`luts`).
        yosys: `wheel`, `native`, or `auto` for the newer of the two.
    Raises: SynthError, when there is no such kind of cells, Yosys is missing, or it refuses the Verilog.
    """
    if cells not in get_args(CellKind):
        raise SynthError(f"cells {cells!r}; use one of {', '.join(get_args(CellKind))}")
    with scratch_folder(SynthError) as folder:
        try:
            tool = find_yosys(yosys, folder, progress)
            progress(f"map to {cells}, by {tool}", 0.0)
            (folder / "top.v").write_text(verilog, encoding="utf-8")
            done = tool.run(_SCRIPT.format(map=_MAP[cells]), folder)
            if done.status:
                raise refusal(tool, done, "top.v")
            module = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"]["top"]
        except OSError as error:
            raise SynthError(refused(error, error.filename or folder, "set TMPDIR to another folder")) from error
    return _written(module)


def _written(module: Mapping[str, Any]) -> UnitDelay:
    """Write a module of Yosys's JSON."""
    cells, ports = list(module["cells"].values()), module["ports"]
    registers = [cell for cell in cells if cell["type"].startswith("$_DFF")]
    gates = [cell for cell in cells if not cell["type"].startswith("$_DFF")]
    nets = _Nets(ports, gates, registers)
    lines = ["module top(", ",\n".join(_port(name, port) for name, port in ports.items()), ");"]
    lines += [f"  reg {nets.name(bit)} = 0;" for bit in nets.driven]
    lines += ["  initial begin  // also the gates whose inputs never change", "    #1;"]
    lines += [f"    {_assignment(cell, nets)}" for cell in gates]
    lines += ["  end", *(_gate(cell, nets) for cell in gates), *(_register(cell, nets) for cell in registers)]
    for name, port in ports.items():
        if port["direction"] == "output":
            lines.append(f"  assign {name} = {{{', '.join(nets.name(bit) for bit in reversed(port['bits']))}}};")
    return UnitDelay("\n".join([*lines, "endmodule", ""]), len(gates), len(registers))


class _Nets:
    """The names of nets.

    Attributes:
        driven: by cells.
    """

    def __init__(self, ports: Mapping[str, Any], gates: Sequence[Cell], registers: Sequence[Cell]) -> None:
        self._names: dict[int | str, str] = {"0": "1'd0", "1": "1'd1", "x": "1'd0"}
        for name, port in ports.items():
            if port["direction"] == "input":
                wide = len(port["bits"]) > 1
                self._names |= {bit: f"{name}[{k}]" if wide else name for k, bit in enumerate(port["bits"])}
        self.driven = []
        for letter, port, driving in ((GATE, "Y", gates), (REGISTER, "Q", registers)):
            for cell in driving:
                (bit,) = cell["connections"][port]
                self._names[bit] = f"{letter}{bit}"
                self.driven.append(bit)

    def name(self, bit: int | str) -> str:
        return self._names[bit]


def _port(name: str, port: Mapping[str, Any]) -> str:
    return f"  {port['direction']} wire [{len(port['bits']) - 1}:0] {name}"


def _inputs(cell: Cell, nets: _Nets) -> Mapping[str, list[str]]:
    """The nets at each input port of a cell."""
    ports = [port for port, way in cell["port_directions"].items() if way == "input"]
    return {port: [nets.name(bit) for bit in cell["connections"][port]] for port in ports}


def _assignment(cell: Cell, nets: _Nets) -> str:
    """A gate's assignment: one that is not blocking keeps changes that are shorter than its delay."""
    inputs = _inputs(cell, nets)
    if cell["type"] == "$lut":
        entries = cell["parameters"]["LUT"].replace("x", "0")
        value = f"{len(entries)}'b{entries} >> {{{', '.join(reversed(inputs['A']))}}}"
    else:
        value = _GATES[cell["type"]].format(**{port: names[0] for port, names in inputs.items()})
    (output,) = cell["connections"]["Y"]
    return f"{nets.name(output)} <= #1 {value};"


def _gate(cell: Cell, nets: _Nets) -> str:
    """A gate, which no common signal may trigger: Icarus compares every two that have one."""
    names = dict.fromkeys(name for names in _inputs(cell, nets).values() for name in names if "'" not in name)
    return f"  always @({' or '.join(names)}) {_assignment(cell, nets)}" if names else ""


def _register(cell: Cell, nets: _Nets) -> str:
    connected = {port: nets.name(bits[0]) for port, bits in cell["connections"].items()}
    enable = f"if ({connected['E']}) " if "E" in connected else ""
    return f"  always @(posedge {connected['C']}) {enable}{connected['Q']} <= #1 {connected['D']};"
