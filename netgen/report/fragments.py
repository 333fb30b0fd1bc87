"""The report's numbers as pieces of HTML; all text is escaped."""

from collections.abc import Iterable
from html import escape

from netgen.report.agreement import CheckReport
from netgen.report.build import BuildReport, Port
from netgen.report.palette import TIMES, layer_colour
from netgen.report.wires import WireReport


def figures(report: BuildReport) -> str:
    """The key figures, one card each: wire length first."""
    wires, check = report.wires, report.check
    _, _, optimal = wires.verdict.partition(" · ")
    saved = f"{abs(100 * wires.saved):.1f} % {'shorter' if wires.saved >= 0 else 'longer'} than in index order"
    cards = (
        ("Wire length", f"{wires.total:,}", f"{saved}, {optimal}" if optimal else saved),
        (
            "Hardware accuracy",
            percent(check.hardware_accuracy, 2),
            f"quantized PyTorch {percent(check.quantized_accuracy, 2)}",
        ),
        ("Wires", f"{wires.wires:,}", f"{percent(report.sparsity)} of {report.weights_total:,} weights are zero"),
        ("Neurons", f"{wires.neurons:,}", f"on {TIMES.join(map(str, wires.shape))} sites"),
        ("Latency", f"{report.latency}", f"clock cycle{'s' * (report.latency != 1)}"),
    )
    return "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(note)}</small></dd></div>"
        for name, value, note in cards
    )


def wire_rows(wires: WireReport) -> tuple[str, str]:
    """Table rows of the layers, and the row that sums them up."""
    rows = [
        _row(
            f'<i class="dot" style="background:{layer_colour(row.layer)}"></i>{row.layer}',
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


def accuracy_rows(report: BuildReport) -> str:
    """One line per stage: a dot on a common scale that starts at a round figure below the least accuracy."""
    check = report.check
    stages = (
        ("Dense", "validation", report.dense_accuracy),
        ("Pruned", "validation", report.pruned_accuracy),
        ("Float", "test", check.finetuned_accuracy),
        ("Quantized", "test", check.quantized_accuracy),
        ("Hardware", "test", check.hardware_accuracy),
    )
    least = min(value for _, _, value in stages)
    floor = max(int(20 * least - 0.2), 0) / 20
    lines = [
        f'<li class="{data}"><span>{name}<small>{data}</small></span>'
        f'<span class="track"><i style="left:{100 * (value - floor) / (1 - floor):.2f}%"></i></span>'
        f"<b>{percent(value, 2)}</b></li>"
        for name, data, value in stages
    ]
    scale = f'<li class="scale"><span></span><span><small>{percent(floor, 0)}</small><small>100 %</small></span></li>'
    return "\n".join([*lines, scale])


def check_facts(check: CheckReport) -> str:
    """The agreement, the error against its bound, and the saturated words."""
    noun = "sample" if check.samples == 1 else "samples"
    worst = check.worst
    saturated, words = sum(check.saturated), sum(check.words)
    bound = "within the proved bound of" if check.within_bound else "beyond the proved bound of"
    facts = (
        ("Agreement", check.agreement, f"{check.samples:,} {noun}, {check.simulator}"),
        ("Worst output error", f"{check.error[worst]:.4g}", f"output {worst}, {bound} {check.bound[worst]:.4g}"),
        ("Saturated words", f"{saturated:,}", f"of {words:,} computed"),
    )
    return "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(note)}</small></dd></div>"
        for name, value, note in facts
    )


def format_rows(report: BuildReport) -> str:
    """The number formats of every layer."""
    rows = []
    before = report.input
    for row in report.formats:
        low, high = row.accumulator
        after = row.output or report.score
        rows.append(
            _row(
                f'<i class="dot" style="background:{layer_colour(row.layer)}"></i>{row.layer}',
                escape(row.activation),
                str(before),
                str(row.weight),
                f"{row.bias} bit",
                f"{low} bit" if low == high else f"{low}&ndash;{high} bit",
                str(after),
            )
        )
        before = after
    return "\n".join(rows)


def port_rows(ports: Iterable[Port]) -> str:
    """The ports of the emitted module."""
    return "\n".join(
        _row(f"<code>{escape(port.name)}</code>", escape(port.direction), f"{port.width:,} bit") for port in ports
    )


def percent(part: float, digits: int = 1) -> str:
    """A part of one as text."""
    return f"{100 * part:.{digits}f} %"


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _bar(share: float) -> str:
    return f'<span class="bar"><i style="width:{100 * share:.2f}%"></i></span><span>{percent(share)}</span>'
