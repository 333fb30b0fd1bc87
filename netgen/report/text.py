"""The report of a build, or of a check, as text for the terminal."""

from collections.abc import Iterable

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from netgen.report.accuracy import AccuracyRow, tested_rows, validation_rows
from netgen.report.agreement import CheckReport
from netgen.report.build import BuildReport
from netgen.report.energy import render_energy
from netgen.report.facts import Fact, check_facts, logic_facts, origin_facts, percent, size_facts, size_line
from netgen.report.gating import render_gates
from netgen.report.table import totals_table
from netgen.report.wires import WireReport


def render(report: BuildReport) -> RenderableType:
    """Draw the whole report, at most 80 columns wide: warnings, wires, agreement, energy, gates, accuracy, facts."""
    title = Text.assemble((report.name, "bold"), ("  " + size_line(report), "dim"))
    facts = (*check_facts(report.check), *size_facts(report), *logic_facts(report.logic), *origin_facts(report))
    return Group(
        title,
        *(Text.assemble(("warning: ", "bold yellow"), line) for line in report.warnings),
        wire_table(report.wires),
        Text("before: sites in index order; after: as placed; bits: length times bit width", style="dim"),
        Text(),
        Text(report.wires.verdict, style="bold"),
        Text(report.wires.claim, style="dim"),
        agreement_line(report.check),
        Text(),
        *((render_energy(report.energy), Text()) if report.energy else ()),
        *((render_gates(report.gates), Text()) if report.gates is not None else ()),
        _accuracies((*validation_rows(report), *tested_rows(report.check))),
        Text(),
        _grid(facts),
        _formats(report),
    )


def render_check(check: CheckReport) -> RenderableType:
    """Draw a check alone: agreement, edited files, accuracy, error and saturation."""
    edits = (Text(edit, style="yellow") for edit in check.edits.values())
    return Group(
        agreement_line(check), *edits, Text(), _accuracies(tested_rows(check)), Text(), _grid(check_facts(check))
    )


def wire_table(wires: WireReport) -> Table:
    """Draw wire lengths per layer and in total, in index order and as placed."""
    table = totals_table()
    columns = {
        "layer": "all",
        "wires": f"{wires.wires:,}",
        "before": f"{wires.before:,}",
        "after": f"{wires.total:,}",
        "saved": percent(wires.saved),
        "mean": f"{wires.mean:.2f}",
        "longest": f"{wires.longest:,}",
        "share": percent(1.0 if wires.total else 0.0),
        "bits": f"{wires.bits:,}",
    }
    named = any(row.name for row in wires.layers)
    for name, footer in columns.items():
        table.add_column(name, footer, justify="right", no_wrap=True, style="bold" if name == "after" else "")
    if named:
        table.add_column("name", overflow="ellipsis", no_wrap=True, max_width=14)
    for row in wires.layers:
        table.add_row(
            str(row.layer),
            f"{row.wires:,}",
            f"{row.before:,}",
            f"{row.total:,}",
            percent(1 - row.total / row.before if row.before else 0.0),
            f"{row.mean:.2f}",
            f"{row.longest:,}",
            percent(row.share),
            f"{row.bits:,}",
            *([Text(row.name)] if named else []),
        )
    return table


def agreement_line(check: CheckReport) -> Text:
    """Write `agreement: exact (10,000 samples, verilator)`, or the first difference."""
    style = "bold green" if check.difference is None else "bold red"
    noun = "sample" if check.samples == 1 else "samples"
    return Text.assemble(
        "agreement: ", (check.agreement, style), (f" ({check.samples:,} {noun}, {check.simulator})", "dim")
    )


def _accuracies(rows: Iterable[AccuracyRow]) -> Table:
    """One line for each network that was measured, with the samples on which it was."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for row in rows:
        table.add_row(f"accuracy ({row.samples})", percent(row.accuracy, 2), row.network)
    return table


def _grid(facts: Iterable[Fact]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value, note in facts:
        table.add_row(name.lower().replace("lut", "LUT"), f"{value} {note}")
    return table


def _formats(report: BuildReport) -> Table:
    """The number formats of every layer; s4.3 is a signed word of 4 bits, 3 of them fractional."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("layer", "input", "weight", "bias", "accumulator", "output"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in report.formats:
        low, high = row.accumulator
        table.add_row(
            str(row.layer),
            " ".join(map(str, row.inputs)),
            str(row.weight or ""),
            f"{row.bias} bit",
            f"{low} bit" if low == high else f"{low} to {high} bit",
            str(row.output),
        )
    return table
