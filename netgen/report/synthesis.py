"""FPGA utilization as a table for the terminal."""

from typing import TYPE_CHECKING

from netgen.ir.utilization import Utilization

if TYPE_CHECKING:
    from rich.console import RenderableType


def render_utilization(found: Utilization) -> "RenderableType":
    """Draw cells by class and the depth, a line each; then the number of cells of each type."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    counts = {
        "look-up tables": found.lut,
        "registers": found.registers,
        "carry cells": found.carry,
        "wide multiplexers": found.mux,
        "multiplier blocks": found.dsp,
        "memories": found.memory,
        "pads, constants": found.pads,
        "other cells": found.other,
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="bold")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    table.add_row("depth", "loop" if found.depth is None else f"{found.depth:,}", style="")
    title = Text.assemble((found.target, "bold"), (f"  estimated by Yosys {found.yosys}, before placement", "dim"))
    cells = ", ".join(f"{name} {count:,}" for name, count in found.cells.items())
    return Group(title, Text(), table, Text(), Text(f"cells: {cells}", style="dim"))
