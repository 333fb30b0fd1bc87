"""Pieces of the report page as HTML; all text is escaped."""

from collections.abc import Iterable
from html import escape

from netgen.report.accuracy import tested_rows, validation_rows
from netgen.report.agreement import CheckReport
from netgen.report.build import BuildReport, ModulePort
from netgen.report.facts import LUT_TARGET, Fact, check_facts, percent
from netgen.report.palette import TIMES, layer_colour
from netgen.report.wires import WireReport


def figures(report: BuildReport) -> str:
    """The key figures, one card each: wire length first."""
    wires, check, cost = report.wires, report.check, report.logic.cost
    _, _, optimal = wires.verdict.partition(" · ")
    saved = f"{abs(100 * wires.saved):.1f} % {'shorter' if wires.saved >= 0 else 'longer'} than in index order"
    cards = (
        ("Wire length", f"{wires.total:,}", f"{saved}, {optimal}" if optimal else saved),
        _fidelity(check),
        ("Wires", f"{wires.wires:,}", _weights(report)),
        ("Neurons", f"{wires.neurons:,}", f"on {TIMES.join(map(str, wires.shape))} sites"),
        ("Latency", f"{report.latency}", f"clock cycle{'s' * (report.latency != 1)}"),
        ("Look-up tables", f"{cost.lut:,}", f"estimate: 6 inputs, {LUT_TARGET}"),
    )
    return "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(note)}</small></dd></div>"
        for name, value, note in cards
    )


def _weights(report: BuildReport) -> str:
    """How many weights there were; a model that was read has no zeros."""
    if report.imported is not None:
        return f"of {report.weights_total:,} weights {'in the model' if report.imported.kept else 'before pruning'}"
    return f"{percent(report.sparsity)} of {report.weights_total:,} weights are zero"


def _fidelity(check: CheckReport) -> tuple[str, str, str]:
    """The card of accuracy or, where samples have no labels, of the greatest error."""
    samples = f"{check.samples:,} test sample{'s' * (check.samples != 1)}"
    if check.hardware_accuracy is None:
        return "Worst error", f"{check.error[check.worst]:.3g}", f"hardware against float, {samples}"
    return "Hardware accuracy", percent(check.hardware_accuracy, 2), samples


def wire_rows(wires: WireReport) -> tuple[str, str]:
    """Table rows of the layers, and the row of their totals."""
    rows = [
        _row(
            f'<i class="dot" style="background:{layer_colour(row.layer)}"></i>{row.layer} {escape(row.name)}'.rstrip(),
            f"{row.wires:,}",
            f"{row.before:,}",
            f"<b>{row.total:,}</b>",
            f"{row.mean:.2f}",
            f"{row.longest:,}",
            f"{row.bits:,}",
            _bar(row.share),
        )
        for row in wires.layers
    ]
    total = _row(
        "all",
        f"{wires.wires:,}",
        f"{wires.before:,}",
        f"<b>{wires.total:,}</b>",
        f"{wires.mean:.2f}",
        f"{wires.longest:,}",
        f"{wires.bits:,}",
        "",
    )
    return "\n".join(rows), total


def warning_items(report: BuildReport) -> str:
    """The warnings as a list; nothing where there are none."""
    lines = "".join(f"<li>{escape(line)}</li>" for line in report.warnings)
    return f'<ul class="warnings">{lines}</ul>' if lines else ""


def accuracy_groups(report: BuildReport) -> str:
    """Accuracies of validation and of test samples: a bar for the share classified wrongly, on one scale from 0."""
    titles = (("Validation samples", validation_rows(report)), ("Test samples", tested_rows(report.check)))
    groups = [(title, rows) for title, rows in titles if rows]
    if not groups:
        return ""
    most = error_scale(max(1 - row.accuracy for _, rows in groups for row in rows))
    lines = []
    for title, rows in groups:
        lines.append(f"<h3>{title}</h3>")
        lines += [
            f"<li><span>{escape(row.network)}</span>"
            f'<span class="track"><i style="width:{100 * (1 - row.accuracy) / most:.2f}%"></i></span>'
            f"<b>{percent(row.accuracy, 2)}</b></li>"
            for row in rows
        ]
    scale = f"<small>0 % wrong</small><small>{percent(most, 0)}</small>"
    return "\n".join([*lines, f'<li class="scale"><span></span><span>{scale}</span></li>'])


def error_scale(most: float) -> float:
    """The end of the scale of errors: the first round share that is not below the greatest."""
    return next((share for share in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if most <= share), 1.0)


def fact_items(facts: Iterable[Fact]) -> str:
    """Facts as items of a definition list."""
    return "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)} <small>{escape(note)}</small></dd></div>"
        for name, value, note in facts
    )


def check_items(check: CheckReport) -> str:
    """The agreement, the error against its bound, and the saturated values."""
    noun = "sample" if check.samples == 1 else "samples"
    agreement = Fact("Agreement", check.agreement, f"for {check.samples:,} {noun}, {check.simulator}")
    return fact_items((agreement, *check_facts(check)))


def format_rows(report: BuildReport) -> str:
    """The number formats of every layer."""
    rows = []
    for row in report.formats:
        low, high = row.accumulator
        rows.append(
            _row(
                f'<i class="dot" style="background:{layer_colour(row.layer)}"></i>{row.layer}',
                escape(row.activation),
                " ".join(map(str, row.inputs)),
                str(row.weight or ""),
                f"{row.bias} bit",
                f"{low} bit" if low == high else f"{low}&ndash;{high} bit",
                str(row.output),
            )
        )
    return "\n".join(rows)


def port_rows(ports: Iterable[ModulePort]) -> str:
    """The ports of the emitted module."""
    return "\n".join(
        _row(f"<code>{escape(port.name)}</code>", escape(port.direction), f"{port.width:,} bit") for port in ports
    )


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _bar(share: float) -> str:
    return f'<span class="bar"><i style="width:{100 * share:.2f}%"></i></span><span>{percent(share)}</span>'
