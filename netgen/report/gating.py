"""The gates of a circuit as tables for the terminal and the page: how often each is on, by class, and the savings."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from netgen.ir.energy import Picojoules
from netgen.ir.gating import GateReport, GateUse
from netgen.report.energy import joules
from netgen.report.facts import percent

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["gate_sections", "render_gates", "shown_gates"]

MOST_SHOWN = 8
"""Gates in a table of 80 columns; the others are in the JSON."""
MOST_CLASSES = 20
"""Rows of a table by class; more of them are in the JSON."""


class _Table(NamedTuple):
    """A table of text cells: its title, the header and the rows."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def shown_gates(found: GateReport) -> tuple[GateUse, ...]:
    """The gates that tables show: those with the longest blocks, in the order of the circuit."""
    longest = sorted(found.gates, key=lambda gate: gate.block, reverse=True)[:MOST_SHOWN]
    return tuple(gate for gate in found.gates if gate in longest)[:MOST_SHOWN]


def _tables(found: GateReport) -> Iterator[_Table]:
    """How often gates are on, that by class, and the energy with and without holds."""
    gates = shown_gates(found)
    header = ["gate", "layer", "on", *(["right, on", "right, off"] if found.labelled else []), "block", "held"]
    rows = []
    for gate in gates:
        right = [(gate.right_on, gate.on), (gate.right_off, gate.off)] if found.labelled else []
        rows.append(
            [
                gate.name,
                gate.layer,
                _share(gate.on, found.samples),
                *(_share(part or 0, whole) for part, whole in right),
                f"{gate.block:,}",
                f"{gate.held:,}",
            ]
        )
    yield _Table("gates: blocks that are computed for some samples only", header, rows)
    if found.labelled and len(gates[0].classes) <= MOST_CLASSES:
        by_class = [
            [str(first.label), f"{first.samples:,}", *(_share(own.on, own.samples) for own in row)]
            for row in zip(*(gate.classes for gate in gates), strict=True)
            for first in row[:1]
        ]
        names = ["class", "samples", *(gate.name for gate in gates)]
        yield _Table("samples of each class for which a gate is on", names, by_class)
    if found.savings:
        yield _savings(found)


def _savings(found: GateReport) -> _Table:
    """Energy by kind, then of all kinds that have a length, and in picojoules of all where a length is known."""
    rows = [_saving(one.kind, one.amount, one.free) for one in found.savings]
    moved = [one for one in found.savings if one.unit == found.savings[0].unit]
    if len(moved) > 1:
        names = " and ".join(one.kind for one in moved)
        rows.append(_saving(names, sum(one.amount for one in moved), sum(one.free for one in moved)))
    ours, free = (_total([getattr(one, name) for one in found.savings]) for name in ("picojoules", "free_picojoules"))
    if ours is not None and free is not None:
        least, most = sorted(_ratio(a, b) for a, b in zip(ours, free, strict=True))
        rows.append(["all", joules(ours), joules(free), least if least == most else f"{least} to {most}"])
    return _Table(
        "energy per sample, wires: as built, and with nothing held", ["", "built", "nothing held", "ratio"], rows
    )


def _saving(name: str, amount: float, free: float) -> list[str]:
    return [name, f"{amount:,.1f}", f"{free:,.1f}", _ratio(amount, free)]


def _notes(found: GateReport) -> Iterator[str]:
    """What the figures are, a line each."""
    mean = f"wire length {found.wire_length:,}, of which a sample computes {found.computed:,.1f} in the mean"
    yield f"{mean} ({percent(found.computed / found.wire_length if found.wire_length else 1.0)})"
    if round(found.computed, 1) != round(found.needed, 1):
        why = (
            "hardware also computes what a block reads up to the layer of its gate, or shares with neurons outside"
            if found.computed > found.needed
            else "operators hold more"
        )
        yield f"training counts {found.needed:,.1f}, what a sample needs by its paths; {why}"
    yield f"on: share of {found.samples:,} {found.origin}, evaluated in integers" + (
        "; right: of the samples with the gate on, or off, those that are classified rightly" if found.labelled else ""
    )
    yield (
        "block: wire length that only samples with the gate on need; held: wire length that stands still for the others"
    )
    if len(found.gates) < found.total:
        yield f"the first {len(found.gates):,} of {found.total:,} gates; the others count as always on"
    if len(shown_gates(found)) < len(found.gates):
        yield f"the {MOST_SHOWN} gates with the longest blocks, of {len(found.gates):,}; all are in the JSON"
    if found.savings:
        units: dict[str, list[str]] = {}
        for one in found.savings:
            units.setdefault(one.unit, []).append(one.kind)
        yield "; ".join(f"{', '.join(kinds)}: {unit}" for unit, kinds in units.items())
        yield f"energy: {found.stream}; nothing held: the same placement without the registers that gates hold"


def render_gates(found: GateReport) -> "RenderableType":
    """Draw the tables of gates, at most 80 columns wide, and below them what they count."""
    from rich.console import Group
    from rich.text import Text

    from netgen.report.table import totals_table

    drawn: list[RenderableType] = []
    for one in _tables(found):
        table = totals_table(footer=False)
        for number, name in enumerate(one.header):
            table.add_column(name, justify="right" if number else "left", no_wrap=True)
        for row in one.rows:
            table.add_row(*(Text(cell) for cell in row))
        drawn += [Text(one.title), table]
    return Group(*drawn, *(Text(line, style="dim") for line in _notes(found)))


def gate_sections(found: GateReport | None) -> str:
    """The section of the report page, as HTML; empty where there are no gates."""
    if found is None:
        return ""
    pieces = ["<section>", "  <h2>Gates</h2>"]
    for one in _tables(found):
        pieces += [
            f"  <h3>{escape(one.title)}</h3>",
            '  <div class="scroll"><table class="energy">',
            f"    <thead>{_row(one.header, 'th')}</thead>",
            "    <tbody>",
            *(f"    {_row(row, 'td')}" for row in one.rows),
            "    </tbody>",
            "  </table></div>",
        ]
    return "\n".join([*pieces, f'  <p class="lead wide">{escape("; ".join(_notes(found)))}.</p>', "</section>"])


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _share(part: int, whole: int) -> str:
    return percent(part / whole, 2) if whole else ""


def _ratio(amount: float, free: float) -> str:
    return f"{free / amount:.2f}" if amount else ""


def _total(spans: Sequence[Picojoules | None]) -> Picojoules | None:
    """The sum of ranges; None where one is not known."""
    known = [span for span in spans if span is not None]
    return (sum(low for low, _ in known), sum(high for _, high in known)) if len(known) == len(spans) else None
