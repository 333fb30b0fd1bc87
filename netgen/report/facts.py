"""The facts of a report that are no table: each with its name, value and explanation, the same in text and page."""

from typing import NamedTuple

from netgen.report.agreement import CheckReport
from netgen.report.build import BuildReport
from netgen.report.logic import LogicReport
from netgen.report.palette import TIMES

LUT_TARGET = "AMD UltraScale+"
"""The FPGA family whose look-up tables `operators.cost` estimates."""


class Fact(NamedTuple):
    """One fact.

    Attributes:
        note: what the value counts or refers to; reads on from the value.
    """

    name: str
    value: str
    note: str


def check_facts(check: CheckReport) -> tuple[Fact, ...]:
    """How far hardware and float scores, or outputs that are no classes, lie apart, and how many values saturate."""
    worst = check.worst
    against = "" if check.pruned_accuracy is None else f"{check.reference} in "
    distance = f"at output {worst}, hardware against {against}float"
    if check.bound:
        bound = "within the proved bound of" if check.within_bound else "BEYOND the proved bound of"
        distance += f"; {bound} {check.bound[worst]:.4g}"
    noise = [ratio for ratio in check.noise if ratio is not None]
    ratio = (Fact("Signal to noise", f"{min(noise):.1f} dB", "at the output with the most noise"),) if noise else ()
    if len(check.heads) == 1 and check.heads[0].snr is not None:  # an output that is always near 0 has little signal
        compared = f", hardware against {against}float" if against else ""
        ratio = (Fact("Signal to noise", f"{check.heads[0].snr:.1f} dB", f"over all outputs and samples{compared}"),)
    what = "output" if check.hardware_accuracy is None else "score"
    mean = sum(check.mean_error) / len(check.mean_error)
    distances = (
        *ratio,
        Fact(f"Mean {what} error", f"{mean:.4g}", "over all outputs and samples"),
        Fact(f"Worst {what} error", f"{check.error[worst]:.4g}", distance),
    )
    return (
        *_head_facts(check),
        *(distances if check.heads or check.bound else ()),  # a circuit of the user's own has no float network
        Fact("Saturated inputs", f"{check.input_overflows:,}", f"of {check.inputs:,} input values"),
        Fact("Saturated words", f"{sum(check.saturated):,}", f"of {sum(check.words):,} words that layers computed"),
    )


def _head_facts(check: CheckReport) -> tuple[Fact, ...]:
    """The errors of each output where there are several, and how often classes are those of the float network."""
    found = []
    for head in check.heads:
        if len(check.heads) > 1:
            value = "exact" if head.worst == 0 else "no signal" if head.snr is None else f"{head.snr:.1f} dB"
            note = f"signal to noise; worst error {head.worst:.4g}, mean error {head.mean:.4g}"
            found.append(Fact(f"Output {head.name}", value, note))
        if head.same_class is not None:
            name = f"Same class, {head.name}" if len(check.heads) > 1 else "Same class"
            note = f"of the samples, hardware and {check.reference} in float"
            found.append(Fact(name, percent(head.same_class, 2), note))
    return tuple(found)


def size_line(report: BuildReport) -> str:
    """Neurons of each layer, `64-32-10`, where each reads the one before; else how many layers there are."""
    if report.imported is None:
        return "-".join(map(str, report.sizes))
    count = len(report.sizes) - 1
    return f"{report.sizes[0]:,} inputs, {count:,} layer{'s' * (count != 1)}, {sum(report.sizes[1:]):,} neurons"


def size_facts(report: BuildReport) -> tuple[Fact, ...]:
    """Weights, neurons and cycles."""
    wires = report.wires
    weights = f"non-zero weights after quantization, {report.weights_left:,} after pruning, of {report.weights_total:,}"
    sparsity: tuple[Fact, ...] = (Fact("Sparsity", percent(report.sparsity, 2), "of the weights are zero"),)
    if report.imported is not None:  # whose zeros are not there
        sparsity = ()
        if report.imported.kept:
            weights = f"non-zero weights after quantization, of {report.weights_total:,} in the model"
        else:
            weights += " before pruning"
    return (
        Fact("Wires", f"{wires.wires:,}", weights),
        *sparsity,
        Fact("Neurons", f"{wires.neurons:,}", f"on {TIMES.join(map(str, wires.shape))} sites"),
        Fact("Latency", f"{report.latency}", f"clock cycle{'s' * (report.latency != 1)}"),
    )


def logic_facts(logic: LogicReport) -> tuple[Fact, ...]:
    """The operators that compute the circuit, what they cost, and what is proved of them."""
    cost, proof = logic.cost, logic.proof
    kinds = {
        "adders": cost.adders,
        "multipliers": cost.multiplications,
        "tables": cost.tables,
        "comparisons, selections and limits": cost.choices,
    }
    kinds["inputs, constants and shifts"] = proof.operators - sum(kinds.values())
    counts = "; ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    return (
        Fact("Operators", f"{proof.operators:,}", f"in all: {counts}" if counts else "in all"),
        Fact("Operator levels", f"{cost.levels}", "on the longest path from an input to an output"),
        Fact("LUT estimate", f"{cost.lut:,}", f"look-up tables with 6 inputs ({LUT_TARGET}), before synthesis"),
        Fact("Registers", f"{cost.registers:,}", "bits"),
        Fact(
            "Operator wire length",
            f"{logic.wire_length:,}",
            f"over {logic.wires:,} wires between operators on different sites; sharing: {logic.sharing}",
        ),
        Fact(
            "Proved neurons",
            f"{proof.neurons:,}",
            f"have the same words as in the circuit, for all inputs ({proof.weights:,} weights)",
        ),
        Fact("Proved ranges", f"{proof.operators:,}", "operators cannot overflow, whatever the input"),
    )


def origin_facts(report: BuildReport) -> tuple[Fact, ...]:
    """Data set, seed, and what an input word means."""
    origin, imported = report.origin, report.imported
    read: tuple[Fact, ...] = ()
    if imported is not None:
        flips = f"; {imported.flips:,} rounding steps at a tie" if imported.flips else ""
        agrees = f"greatest relative difference from {imported.reference}, on {imported.samples:,} samples{flips}"
        how = "read as it is" if imported.kept else "trained, pruned and retrained"
        read = (
            Fact("Network", imported.source, "trained as it is built" if imported.trained else how),
            *((Fact("Import error", f"{imported.worst:.2g}", agrees),) if imported.samples else ()),
        )
    word = Fact("Input word", str(report.input), f"is {report.input_word}")
    if origin is None:
        return (*read, word)
    name, source = (
        (origin.path, f"read by loader {origin.source}") if origin.path else (origin.source, "from scikit-learn")
    )
    samples = (
        f"for training, {origin.validation:,} for validation, {origin.test:,} for test; "
        f"{origin.features:,} features, {origin.classes:,} classes"
    )
    return (
        *read,
        Fact("Data set", name, f"{source}; SHA-256 {origin.digest[:12]}"),
        Fact("Samples", f"{origin.train:,}", samples),
        word,
        Fact("Seed", f"{origin.seed}", "of all random choices"),
    )


def percent(part: float, digits: int = 1) -> str:
    """A part of one as text."""
    return f"{100 * part:.{digits}f} %"
