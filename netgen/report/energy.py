"""The energy of a sample by layer and kind, as tables for the terminal and the page."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from netgen.ir.energy import Energy, Picojoules

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["energy_sections", "render_energy"]

_SCALES = ((1e12, "J"), (1e9, "mJ"), (1e6, "uJ"), (1e3, "nJ"), (1.0, "pJ"), (1e-3, "fJ"))


def joules(span: Picojoules) -> str:
    """A range of energy in the unit that suits its greater end: `1.2 to 34 nJ`."""
    low, high = span
    scale, unit = next((one for one in _SCALES if high >= one[0]), _SCALES[-1])
    least, most = (f"{end / scale:.3g}" for end in (low, high))
    return f"{most} {unit}" if least == most else f"{least} to {most} {unit}"


def headline(found: Energy) -> str:
    """What a sample costs, in one line."""
    span = found.picojoules
    amount = f"{found.amount:,.1f} {found.unit}"
    return amount if span is None else f"{joules(span)}; {amount}"


def _legend(found: Energy) -> str:
    """The units of the columns."""
    kinds: dict[str, list[str]] = {}
    for kind in found.kinds:
        kinds.setdefault(found.unit_of(kind), []).append(kind)
    return "; ".join(f"{', '.join(those)}: {unit}" for unit, those in kinds.items())


def _columns(found: Energy) -> list[str]:
    return ["layer", *found.kinds, *(["energy"] if found.picojoules is not None else [])]


def _rows(found: Energy) -> Iterator[list[str]]:
    """A row of cells for each layer, then one for all."""
    for layer in (*found.layers, None):
        amounts = (found.amount_of(layer=layer, kind=kind) for kind in found.kinds)
        span = found.picojoules_of(layer=layer)
        name = "all" if layer is None else str(layer)
        yield [name, *(f"{amount:,.1f}" for amount in amounts), *([] if span is None else [joules(span)])]


def render_energy(found: Sequence[Energy]) -> "RenderableType":
    """Draw a table for each model, and below it what its figures depend on."""
    from rich.console import Group
    from rich.text import Text

    from netgen.report.table import totals_table

    drawn: list[RenderableType] = []
    for one in found:
        *rows, total = _rows(one)
        table = totals_table()
        for name, footer in zip(_columns(one), total, strict=True):
            table.add_column(name, footer, justify="right", no_wrap=name != "energy")
        for row in rows:
            table.add_row(*row)
        title = Text.assemble((f"energy per sample, {one.model}: ", ""), (headline(one), "bold"))
        notes = (Text(line, style="dim") for line in (_legend(one), *one.conditions))
        drawn += [title, table, *notes, Text()]
    return Group(*drawn[:-1])


def energy_sections(found: Sequence[Energy]) -> str:
    """The section of the report page, as HTML; empty where nothing was measured."""
    if not found:
        return ""
    pieces = ["<section>", "  <h2>Energy per sample</h2>"]
    for one in found:
        *rows, total = _rows(one)
        note = "; ".join((_legend(one), *one.conditions))
        pieces += [
            f"  <h3>{escape(one.model)}: {escape(headline(one))}</h3>",
            '  <div class="scroll"><table class="energy">',
            f"    <thead>{_row(_columns(one), 'th')}</thead>",
            "    <tbody>",
            *(f"    {_row(row, 'td')}" for row in rows),
            "    </tbody>",
            f"    <tfoot>{_row(total, 'td')}</tfoot>",
            "  </table></div>",
            f'  <p class="lead wide">{escape(note)}.</p>',
        ]
    return "\n".join([*pieces, "</section>"])


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
