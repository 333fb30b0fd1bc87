"""A report for the terminal."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from netgen.report.agreement import CheckReport
from netgen.report.build import BuildReport
from netgen.report.logic import LogicReport
from netgen.report.wires import WireReport


def render(report: BuildReport) -> RenderableType:
    """The whole report, at most 80 columns wide: wires per layer, agreement, accuracy, sizes and widths."""
    title = Text.assemble((report.name, "bold"), ("  " + "-".join(map(str, report.sizes)), "dim"))
    return Group(
        title,
        wire_table(report.wires),
        Text(),
        Text(report.wires.verdict, style="bold"),
        agreement_line(report.check),
        Text(),
        _facts(report),
        _formats(report),
    )


def render_check(check: CheckReport) -> RenderableType:
    """A check alone: agreement, accuracy, error and saturation."""
    return Group(agreement_line(check), Text(), _grid(_check_facts(check)))


def wire_table(wires: WireReport) -> Table:
    """Wire length per layer, and in all, before and after placement."""
    table = Table(
        box=box.SIMPLE_HEAD,
        show_footer=True,
        footer_style="bold",
        header_style="dim",
        pad_edge=False,
        collapse_padding=True,  # nine columns, seven digits each, then fit into 80
    )
    columns = {
        "layer": "all",
        "wires": f"{wires.wires:,}",
        "before": f"{wires.before:,}",
        "after": f"{wires.total:,}",
        "saved": _percent(wires.saved),
        "mean": f"{wires.mean:.2f}",
        "longest": f"{wires.longest:,}",
        "share": _percent(1.0 if wires.total else 0.0),
        "bits": f"{wires.bits:,}",
    }
    for name, footer in columns.items():
        table.add_column(name, footer, justify="right", no_wrap=True, style="bold" if name == "after" else "")
    for row in wires.layers:
        table.add_row(
            str(row.layer),
            f"{row.wires:,}",
            f"{row.before:,}",
            f"{row.total:,}",
            _percent(1 - row.total / row.before if row.before else 0.0),
            f"{row.mean:.2f}",
            f"{row.longest:,}",
            _percent(row.share),
            f"{row.bits:,}",
        )
    return table


def agreement_line(check: CheckReport) -> Text:
    """`agreement: exact (10,000 samples, verilator)`, or the first difference."""
    style = "bold green" if check.difference is None else "bold red"
    noun = "sample" if check.samples == 1 else "samples"
    return Text.assemble(
        "agreement: ", (check.agreement, style), (f" ({check.samples:,} {noun}, {check.simulator})", "dim")
    )


def _facts(report: BuildReport) -> Table:
    """Accuracies, error, sizes and latency, a line each."""
    wires = report.wires
    facts = {
        "accuracy (validation)": f"dense {_percent(report.dense_accuracy, 2)}, "
        f"pruned {_percent(report.pruned_accuracy, 2)}",
        "weights": f"{report.weights_total:,}, pruned to {report.weights_left:,}, quantized to {wires.wires:,} wires",
        "sparsity": _percent(report.sparsity, 2),
        "grid": f"{' x '.join(map(str, wires.shape))} sites, {wires.neurons:,} neurons",
        "latency": f"{report.latency} cycle{'s' * (report.latency != 1)}",
        "operators": _operators(report.logic),
        "estimate": f"{report.logic.cost.lut:,} LUT, {report.logic.cost.registers:,} registers (netgen synth counts)",
        "operator wires": f"{report.logic.wire_length:,} in all, sharing {report.logic.sharing}",
        "proved": f"{report.logic.proof.neurons:,} neurons and {report.logic.proof.operators:,} ranges, for all inputs",
    }
    return _grid(_check_facts(report.check) | facts)


def _check_facts(check: CheckReport) -> dict[str, str]:
    saturated, words = sum(check.saturated), sum(check.words)
    return {
        "accuracy (test)": f"float {_percent(check.float_accuracy, 2)}, "
        f"quantized {_percent(check.quantized_accuracy, 2)}, hardware {_percent(check.hardware_accuracy, 2)}",
        "worst output error": f"{check.error[check.worst]:.4g} at output {check.worst}; "
        f"{'proved' if check.within_bound else 'BEYOND the proved'} bound {check.bound[check.worst]:.4g}",
        "saturated words": f"{saturated:,} of {words:,}",
    }


def _operators(logic: LogicReport) -> str:
    """How many of which kind, and how many behind one another."""
    cost = logic.cost
    parts = [f"{cost.adders:,} adders"]
    parts += [f"{cost.multiplications:,} multiplications"] * (cost.multiplications > 0)
    return ", ".join([*parts, f"{cost.choices:,} comparisons and choices; {cost.levels} levels"])


def _grid(facts: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in facts.items():
        table.add_row(name, value)
    return table


def _formats(report: BuildReport) -> Table:
    """The number formats of every layer; s4.3 is a signed word of 4 bits, 3 of them fractional."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("layer", "input", "weight", "bias", "accumulator", "output"):
        table.add_column(name, justify="right", no_wrap=True)
    before = report.input
    for row in report.formats:
        low, high = row.accumulator
        table.add_row(
            str(row.layer),
            str(before),
            str(row.weight),
            f"{row.bias} bit",
            f"{low} bit" if low == high else f"{low} to {high} bit",
            str(row.output or report.score),
        )
        before = row.output or report.score
    return table


def _percent(part: float, digits: int = 1) -> str:
    return f"{100 * part:.{digits}f} %"
