"""A design that nextpnr has packed, placed and routed on ECP5, written as Verilog that any simulator reads.

The cells are those that nextpnr packs, for which Yosys has no models. An input that nothing drives is 1.

Source: what the cells compute is that of `TRELLIS_SLICE`, `CCU2C` and `TRELLIS_FF` in Yosys's cells_sim.v.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from netgen.errors import SynthError
from netgen.fpga.levels import Cell

__all__ = ["ecp5_verilog"]


def ecp5_verilog(routed: str, name: str) -> str:
    """Write a routed design as a module with its ports.

    Args:
        routed: JSON, of nextpnr's `--write`.
        name: of the module.
    Raises: SynthError, when it has a kind of cell that netgen's circuits and wrappers do not need.
    """
    (module,) = json.loads(routed)["modules"].values()
    cells, ports = module["cells"], module["ports"]
    lines = [f"module {name}(", ",\n".join(_port(port, about) for port, about in ports.items()), ");"]
    nets = {bit for about in ports.values() for bit in about["bits"]}
    nets |= {bit for cell in cells.values() for bits in cell["connections"].values() for bit in bits}
    first = {cell["connections"]["Q"][0]: _first(cell) for cell in cells.values() if cell["type"] == "TRELLIS_FF"}
    lines += [f"  reg n{net} = {first[net]};" if net in first else f"  wire n{net};" for net in sorted(nets)]
    for port, about in ports.items():
        for k, bit in enumerate(about["bits"]):
            pin = f"{port}[{k}]" if len(about["bits"]) > 1 else port
            lines.append(f"  assign n{bit} = {pin};" if about["direction"] == "input" else f"  assign {pin} = n{bit};")
    for title, cell in cells.items():
        if cell["type"] not in _KINDS:
            raise SynthError(f"cell {title} is a {cell['type']}, which cannot be simulated after routing")
        lines += (f"  {line}" for line in _KINDS[cell["type"]](cell))
    return "\n".join([*lines, "endmodule", ""])


def _port(name: str, about: Cell) -> str:
    width = len(about["bits"])
    return f"  {about['direction']} wire {f'[{width - 1}:0] ' if width > 1 else ''}{name}"


def _read(cell: Cell, port: str) -> str:
    (bit,) = cell["connections"].get(port) or (None,)
    return "1'b1" if bit is None else f"n{bit}"


def _drive(cell: Cell, port: str, value: str) -> Iterator[str]:
    for bit in cell["connections"].get(port, ()):
        yield f"assign n{bit} = {value};"


def _text(cell: Cell, parameter: str, default: str) -> str:
    return str(cell["parameters"].get(parameter, default)).strip()


def _logic(cell: Cell) -> Iterator[str]:
    """A look-up table, with a multiplexer behind it, or in a carry chain."""
    entries = f"16'b{_text(cell, 'INITVAL', '0' * 16).replace('x', '0')}"
    table = f"({entries} >> {{{', '.join(_read(cell, port) for port in 'DCBA')}}})"
    low = f"({entries} >> {{2'b0, {_read(cell, 'B')}, {_read(cell, 'A')}}})"
    mode = _text(cell, "MODE", "LOGIC")
    if mode == "CCU2":
        injects = _text(cell, "CCU2_INJECT1", "NO") == "YES"
        carry = _read(cell, "FCI")
        begun = "1'b0" if injects else low
        yield from _drive(cell, "F", f"{table} & 1'b1" if injects else f"({table} ^ {carry}) & 1'b1")
        yield from _drive(cell, "FCO", f"(({table} & 1'b1) ? {carry} : {begun}) & 1'b1")
        return
    if mode != "LOGIC":
        raise SynthError(f"a TRELLIS_COMB in mode {mode} cannot be simulated after routing")
    yield from _drive(cell, "F", table)
    if cell["connections"].get("FXA"):
        yield from _drive(cell, "OFX", f"{_read(cell, 'M')} ? {_read(cell, 'FXB')} : {_read(cell, 'FXA')}")
    else:
        yield from _drive(cell, "OFX", f"{_read(cell, 'M')} ? {_read(cell, 'F1')} : {table} & 1'b1")


def _register(cell: Cell) -> Iterator[str]:
    """A register, with enable and synchronous set or reset."""
    (net,) = cell["connections"]["Q"]
    unusual = {"CLKMUX": "CLK", "LSRMUX": "LSR", "SRMODE": "LSR_OVER_CE", "LSRMODE": "LSR"}
    for parameter, usual in unusual.items():
        if _text(cell, parameter, usual) != usual:
            raise SynthError(
                f"a TRELLIS_FF with {parameter} {_text(cell, parameter, usual)} cannot be simulated after routing"
            )
    data = _read(cell, "DI" if _text(cell, "SD", "0") == "1" else "M")
    enable = {"1": "1'b1", "0": "1'b0", "INV": f"~{_read(cell, 'CE')}"}.get(_text(cell, "CEMUX", "CE"))
    reset = _read(cell, "LSR") if cell["connections"].get("LSR") else "1'b0"
    loads = f"if ({enable or _read(cell, 'CE')}) n{net} <= {data};"
    yield f"always @(posedge {_read(cell, 'CLK')}) if ({reset}) n{net} <= {_first(cell)}; else {loads}"


def _first(cell: Cell) -> str:
    """The value of a register after power-up and reset."""
    return f"1'b{int(_text(cell, 'REGSET', 'RESET') == 'SET')}"


def _pad(cell: Cell) -> Iterator[str]:
    if _text(cell, "DIR", "INPUT") == "INPUT":
        yield from _drive(cell, "O", _read(cell, "B"))
    else:
        yield from _drive(cell, "B", _read(cell, "I"))


def _clock(cell: Cell) -> Iterator[str]:
    yield from _drive(cell, "CLKO", _read(cell, "CLKI"))


_KINDS: Mapping[str, Callable[[Cell], Iterator[str]]] = MappingProxyType(
    {"TRELLIS_COMB": _logic, "TRELLIS_FF": _register, "TRELLIS_IO": _pad, "DCCA": _clock}
)
