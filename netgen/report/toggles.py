"""The toggles of a circuit as tables for the terminal."""

from typing import TYPE_CHECKING

from netgen.ir.toggles import ToggleReport

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["render_toggles"]


def render_toggles(found: ToggleReport) -> "RenderableType":
    """Draw a table of toggles for each sample, by layer, and below it what was checked and simulated."""
    from rich.console import Group
    from rich.text import Text

    from netgen.report.table import totals_table

    kinds = ("words", "operators", "registers")
    each = found.samples - 1
    totals = [sum(getattr(layer, kind) for layer in found.layers) for kind in kinds]
    table = totals_table()
    neurons = f"{sum(layer.neurons for layer in found.layers):,}"
    for name, footer in zip(
        ("layer", "neurons", *kinds), ("all", neurons, *(f"{total / each:,.1f}" for total in totals)), strict=True
    ):
        table.add_column(name, footer, justify="right", no_wrap=True)
    for layer in found.layers:
        amounts = (getattr(layer, kind) / each for kind in kinds)
        table.add_row(str(layer.layer), f"{layer.neurons:,}", *(f"{amount:,.1f}" for amount in amounts))
    notes = [
        "neurons: those that toggle; words: bits of neurons' words that toggle for each sample; likewise operators",
        f"{found.samples:,} samples, {found.order}",
        *_lines(found),
    ]
    return Group(Text("bits that toggle for each sample"), table, *(Text(note, style="dim") for note in notes))


def _lines(found: ToggleReport) -> list[str]:
    lines, check, glitches = [], found.check, found.glitches
    if check is not None:
        lines.append(
            f"checked: {check.bits:,} bits of {check.registers:,} registers toggle {check.toggles:,} times, "
            "in integers and in the simulated Verilog"
        )
    if glitches is not None:
        lines.append(
            f"glitches: {glitches.ratio:.2f} times the settled toggles, in {glitches.gates:,} {glitches.cells} and "
            f"{glitches.registers:,} registers of unit delay, {glitches.samples:,} samples"
        )
    return lines
