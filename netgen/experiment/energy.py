"""Correct answers per kilowatt-hour: accuracy and energy of any builds, beside published figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from netgen.energy import EnergySettings
from netgen.errors import SpecError
from netgen.experiment.markdown import markdown
from netgen.experiment.published import PUBLISHED
from netgen.experiment.results import Results, write
from netgen.flow.built import Build
from netgen.flow.energy import LabelledWords, energy_in, load_words
from netgen.flow.gating import right_of
from netgen.ir.circuit import Circuit
from netgen.ir.energy import Picojoules
from netgen.ir.gating import GateReport
from netgen.ir.grid import wire_lengths
from netgen.progress import Progress, silent
from netgen.report.energy import joules
from netgen.report.energy_plot import EnergyPoint, energy_plot
from netgen.spec.spec import load_spec

__all__ = ["MODELS", "PITCH", "BuildEnergy", "compare_energy", "front_of", "per_kilowatt_hour"]

MODELS = ("wires", "eyeriss")
PITCH = 20.0
"""Length of a grid step in micrometres unless the user gives one: an adder of 8 bits takes 36 square micrometres at 45
nm (Horowitz, ISSCC 2014), so a neuron of eleven adders takes a square of 20."""
KILOWATT_HOUR = 3.6e18
"""In pJ."""
GATES = ("mean length", "gates on", "nothing held")
"""Columns of a table in which some builds have gates."""
GATES_NOTE = (
    "Mean length: the wire length that a sample computes in the mean, as gates hold the rest; gates on: share of the "
    "test samples, gate by gate; nothing held: how many times the grid steps x bits of the same circuit without holds "
    "are those of this row. The accelerator computes all blocks for every sample."
)
MOST_SHARES = 4
"""Gates whose shares a row names."""


@dataclass(frozen=True)
class BuildEnergy:
    """One build in the table.

    Attributes:
        data: name of the data set, or that a program gave samples.
        accuracy: of the circuit, and so of its hardware, on all test samples, 0 to 1; None without labels.
        steps: grid steps times bits for a sample.
        picojoules: of a sample, by model.
        length: wire length, as placed.
        gates: what gates decide; None where there are none.
    """

    name: str
    data: str
    accuracy: float | None
    wires: int
    steps: float
    picojoules: dict[str, Picojoules]
    length: int = 0
    gates: GateReport | None = None


def compare_energy(
    builds: Sequence[Path],
    *,
    out: Path,
    pitch: float = PITCH,
    node: str = "any",
    samples: int | None = None,
    jobs: int = 1,
    progress: Progress = silent,
) -> str:
    """Measure builds, and write a table and a plot: `energy.md` and `energy.svg`.

    Args:
        builds: build folders, and specs, which are built in `out` first.
        out: folder of the table and the plot.
        pitch: length of a grid step in micrometres; node: whose wires.
        samples: test samples whose toggles are counted; at most 1,000 by default.
        jobs: processes that simulate where a spec is built.
    Returns: the table, in Markdown.
    Raises: SpecError, without a build; NetgenError, for a build that cannot be read or made.
    """
    if not builds:
        raise SpecError("experiment energy: no builds; give build folders, such as hdl_out/digits, or specs")
    settings, out = EnergySettings(pitch=pitch, node=node), Results(out).folder
    rows = []
    for number, given in enumerate(builds):
        progress(f"energy: {given}", number / len(builds))
        folder = given if given.is_dir() else _built(given, out, jobs, progress)
        rows.append(_measured(folder, settings, samples))
    lines = "\n".join(_page(rows, builds, pitch=pitch, node=node, samples=samples)) + "\n"
    write(out / "energy.svg", energy_plot(list(_points(rows))))
    write(out / "energy.md", lines)
    return lines


def per_kilowatt_hour(accuracy: float, picojoules: Picojoules) -> tuple[float, float]:
    """Correct answers for a kilowatt-hour: the fewest and the most."""
    low, high = picojoules
    return accuracy * KILOWATT_HOUR / high, accuracy * KILOWATT_HOUR / low


def front_of(rows: Sequence[BuildEnergy], model: str) -> set[int]:
    """The builds, by number, that no other on the same data beats in accuracy and energy; energy in mid-range."""

    def beaten(row: BuildEnergy, other: BuildEnergy) -> bool:
        mine, theirs = (sqrt(one.picojoules[model][0] * one.picojoules[model][1]) for one in (row, other))
        least = row.accuracy or 0.0, other.accuracy or 0.0
        return least[1] >= least[0] and theirs <= mine and (least[1] > least[0] or theirs < mine)

    return {
        number
        for number, row in enumerate(rows)
        if row.accuracy is not None
        and not any(other.data == row.data and other.accuracy is not None and beaten(row, other) for other in rows)
    }


def accuracy_of(circuit: Circuit, found: LabelledWords) -> float | None:
    """The share of the samples that a circuit classifies rightly; None without labels."""
    right = right_of(circuit, found.words, found.labels)
    return None if right is None else float(right.mean())


def _built(spec: Path, out: Path, jobs: int, progress: Progress) -> Path:
    from netgen.flow.build import build

    return build(spec, out=out, jobs=jobs, progress=progress).folder


def _measured(folder: Path, settings: EnergySettings, samples: int | None) -> BuildEnergy:
    build = Build(folder, load_spec(folder / "spec.yaml"))
    circuit, spec = build.circuit, build.spec
    found = energy_in(folder, MODELS, settings=settings, samples=samples)
    ranges = {one.model: one.picojoules for one in found.energies}
    return BuildEnergy(
        name=folder.resolve().name,
        data=Path(spec.data.path).name if spec.data.path else spec.data.source,
        accuracy=accuracy_of(circuit, load_words(folder)),
        wires=circuit.wires,
        steps=found.energies[0].amount,
        picojoules={model: span for model, span in ranges.items() if span is not None},
        length=int(wire_lengths(build.netlist, build.placement).sum()),
        gates=found.gates,
    )


def _points(rows: Sequence[BuildEnergy]) -> Iterator[EnergyPoint]:
    for model in MODELS:
        for row in rows:
            if row.accuracy is not None and row.picojoules[model][0]:
                name = row.name if model == "wires" else ""
                yield EnergyPoint(name, f"netgen, by {model}", row.accuracy, row.picojoules[model])
    for one in PUBLISHED:
        if one.accuracy is not None and one.picojoules is not None:
            yield EnergyPoint(one.name, "published", one.accuracy, one.picojoules)


def _page(
    rows: Sequence[BuildEnergy], builds: Sequence[Path], *, pitch: float, node: str, samples: int | None
) -> Iterator[str]:
    """The lines of the page."""
    fronts = {model: front_of(rows, model) for model in MODELS}
    gated = len(GATES) if any(row.gates for row in rows) else 0
    header = ["build", "data", "accuracy", "wires", "wire length", *GATES[:gated], "grid steps x bits"]
    for model in MODELS:
        header += [f"{model}, energy of a sample", f"{model}, correct answers per kWh"]
    table = [header]
    for number, row in enumerate(rows):
        accuracy = "" if row.accuracy is None else f"{100 * row.accuracy:.2f} %"
        own = _gates(row)[:gated]
        cells = [row.name, row.data, accuracy, f"{row.wires:,}", f"{row.length:,}", *own, f"{row.steps:,.1f}"]
        for model in MODELS:
            mark = "**" if number in fronts[model] else ""
            cells += [f"{mark}{joules(row.picojoules[model])}{mark}", _answers(row.accuracy, row.picojoules[model])]
        table.append(cells)
    others = [["design", "task", "accuracy", "energy of a sample", "correct answers per kWh", "conditions", "source"]]
    for one in PUBLISHED:
        energy = joules(one.picojoules) if one.picojoules is not None else one.relative
        answers = "" if one.picojoules is None else _answers(one.accuracy, one.picojoules)
        accuracy = "" if one.accuracy is None else f"{100 * one.accuracy:.1f} %"
        others.append([one.name, one.task, accuracy, energy, answers, one.conditions, one.source])
    stream = "at most 1,000" if samples is None else f"{samples:,}"
    repeat = f"netgen experiment energy {' '.join(map(str, builds))} --pitch {pitch:g} --node {node}"
    repeat += "" if samples is None else f" --samples {samples}"
    yield from (
        "# Correct answers per kilowatt-hour",
        "",
        "Energy of one sample, by the models of [energy](../energy.md). A range is that of the published constants. "
        "Accuracy is that of the circuit, and so of its hardware, on all test samples.",
        "",
        "![accuracy over energy](energy.svg)",
        "",
        "## Builds",
        "",
        *markdown(table),
        "",
        f"Bold: no other build on the same data is better in both. A grid step is {pitch:g} um; wires of node {node}; "
        f"toggles of {stream} test samples in the order of the test set; `eyeriss` with a batch of 1, zeros left out.",
        *((GATES_NOTE,) if gated else ()),
        "",
        "## Published",
        "",
        *markdown(others),
        "",
        "These are other tasks, processes and ways of measuring: read them beside ours, not against them. The model "
        "`wires` leaves out clock, leakage, ports and memory for the samples, which a measured figure has.",
        "",
        f"Repeat: `{repeat}`",
    )


def _gates(row: BuildEnergy) -> tuple[str, ...]:
    """The cells of `GATES`; empty where there are no gates."""
    found = row.gates
    if found is None:
        return ("",) * len(GATES)
    shares = ", ".join(f"{100 * gate.on / found.samples:.0f} %" for gate in found.gates[:MOST_SHARES])
    more = ", …" if len(found.gates) > MOST_SHARES else ""
    moved = [one for one in found.savings if one.unit == found.savings[0].unit]
    ratio = sum(one.free for one in moved) / (sum(one.amount for one in moved) or 1.0)
    return f"{found.computed:,.1f}", shares + more, f"{ratio:.2f}" if moved else ""


def _answers(accuracy: float | None, picojoules: Picojoules) -> str:
    if accuracy is None or not picojoules[0]:
        return ""
    least, most = (f"{number:.2g}" for number in per_kilowatt_hour(accuracy, picojoules))
    return least if least == most else f"{least} to {most}"
