"""A circuit on an FPGA board, as tables for the terminal."""

from typing import TYPE_CHECKING

from netgen.ir.hosted import HostReport
from netgen.ir.routed import PathStep, Routed
from netgen.ir.routed_length import RoutingReport

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

__all__ = ["render_host", "render_routed"]


def render_routed(found: Routed) -> "RenderableType":
    """Draw cells, frequency and critical path."""
    from rich.console import Group
    from rich.text import Text

    title = Text.assemble((found.board, "bold"), (f"  {found.about}; {found.nextpnr}, seed {found.seed}", "dim"))
    table = _two_columns()
    table.add_row("look-up tables", f"{found.mapped.lut:,}", "")
    table.add_row("registers", f"{found.mapped.registers:,}", "")
    table.add_row("carry cells", f"{found.mapped.carry:,}", "")
    for kind, cells in found.cells.items():
        share = f"{cells.used / cells.available:.0%}" if cells.available else ""
        table.add_row(kind, f"{cells.used:,}", f"of {cells.available:,}  {share}")
    fmax = "no registers" if found.fmax is None else f"{found.fmax:.2f} MHz"
    wanted = f"the board's clock has {found.clock:g} MHz" if found.top == "uart" else "out of context, without pins"
    table.add_row("Fmax", fmax, wanted)
    notes = [Text(f"bitstream: {found.bitstream}", style="dim")] if found.bitstream else []
    mapped = Text(f"mapped by Yosys {found.mapped.yosys}; the cells with capitals are the device's", style="dim")
    parts: list[RenderableType] = [table, Group(Text("critical path"), _path(found.path))]
    if found.lengths is not None:
        others = Group(*_others(found.lengths))
        parts.append(Group(Text("routed length, in tiles of the FPGA"), _lengths(found.lengths), others))
    spaced: list[RenderableType] = [piece for part in parts for piece in (Text(), part)]
    return Group(title, *spaced, Text(), mapped, *notes)


def _lengths(found: RoutingReport) -> "Table":
    from netgen.report.table import totals_table

    table, layers = totals_table(), found.layers
    table.add_column("layer", "all")
    bits = sum(layer.bit_length for layer in layers)
    between = sum(layer.between for layer in layers if layer.bit_length)
    totals = (
        f"{sum(layer.wires for layer in layers):,}",
        f"{sum(layer.length for layer in layers):,}",
        f"{bits:,}",
        f"{sum(layer.between for layer in layers):,.0f}",
        f"{sum(layer.inside for layer in layers):,.0f}",
        _ratio(between, bits),
    )
    names = ("wires", "wire length", "x bits", "between", "inside", "tiles/step")
    for name, total in zip(names, totals, strict=True):
        table.add_column(name, total, justify="right")
    for layer in layers:
        table.add_row(
            layer.name or str(layer.layer),
            f"{layer.wires:,}",
            f"{layer.length:,}",
            f"{layer.bit_length:,}",
            f"{layer.between:,.0f}",
            f"{layer.inside:,.0f}",
            _ratio(layer.between, layer.bit_length),
        )
    return table


def _ratio(tiles: float, steps: int) -> str:
    return f"{tiles / steps:.2f}" if steps else ""


def _others(found: RoutingReport) -> "list[Text]":
    from rich.text import Text

    kinds = ", ".join(f"{kind} {length:,}" for kind, length in found.kinds.items() if kind not in {"core", "input"})
    rank = (
        "" if found.correlation is None else f"{found.correlation:.2f} rank correlation of length and distance by wire"
    )
    lines = (f"to the outputs {found.outputs:,.0f}; besides: {kinds}", rank)
    return [Text(line, style="dim") for line in lines if line]


def _path(path: tuple[PathStep, ...]) -> "Table":
    from netgen.report.table import totals_table

    table = totals_table()
    logic, routing = sum(step.logic for step in path), sum(step.routing for step in path)
    totals = (str(sum(step.cells for step in path)), f"{logic:.2f}", f"{routing:.2f}", f"{logic + routing:.2f}")
    table.add_column("neuron or operator", "all")
    for name, total in zip(("cells", "logic, ns", "routing, ns", "ns"), totals, strict=True):
        table.add_column(name, total, justify="right")
    for step in path:
        numbers = (step.logic, step.routing, step.logic + step.routing)
        table.add_row(step.name or "name lost in mapping", str(step.cells), *(f"{number:.2f}" for number in numbers))
    return table


def render_host(found: HostReport) -> "RenderableType":
    """Draw what a board answered, a line each."""
    from rich.console import Group
    from rich.text import Text

    wheres = {
        "loopback": "its program in Icarus, clock cycle by clock cycle",
        "routed": "what was routed, in Icarus, clock cycle by clock cycle",
    }
    simulated, where = found.port in wheres, wheres.get(found.port, found.port)
    table = _two_columns()
    table.add_row("samples", f"{found.samples:,}", found.origin)
    exact = "exact" if found.equal == found.samples else f"{found.samples - found.equal:,} differ"
    table.add_row("agreement", exact, "every score and the class, with evaluate")
    if found.accuracy is not None and found.expected is not None:
        table.add_row("accuracy", f"{found.accuracy:.2%}", f"in integers {found.expected:.2%}")
    rate = "of the board, by its clock" if simulated else "with this computer and its port"
    table.add_row("samples per second", f"{found.samples_per_second:,.0f}", f"at {found.baud:,.0f} baud, {rate}")
    return Group(Text.assemble((found.board, "bold"), (f"  {where}", "dim")), Text(), table)


def _two_columns() -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="bold")
    table.add_column(style="dim")
    return table
