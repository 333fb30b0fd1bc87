"""What the reports of all builds share: what they measure of the earlier stages' files, and the files they write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netgen.energy import Workload
from netgen.flow import files, imported, nouns
from netgen.flow.design import load_design, timing_of
from netgen.flow.energy import LabelledWords, measured_by, networks_in, words_origin
from netgen.flow.folder import placed_spec
from netgen.flow.stage import Work
from netgen.ir.circuit import Circuit
from netgen.ir.gating import EnergyReport
from netgen.ir.grid import Placement
from netgen.operators.design import Design
from netgen.operators.prove import Proof

if TYPE_CHECKING:
    from netgen.report import BuildReport, CheckReport, LogicReport, WireReport

__all__ = ["Measurements", "describe", "measured", "report_key", "write_report"]


@dataclass(frozen=True, eq=False)
class Measurements:
    """What is measured of a placed and checked build.

    Attributes:
        before: the neurons in index order.
    """

    design: Design
    before: Placement
    wires: "WireReport"
    logic: "LogicReport"
    check: "CheckReport"
    energy: EnergyReport


def report_key(work: Work, earlier: Sequence[str]) -> dict[str, object]:
    """What a report depends on beside its samples: the results of earlier stages, and the spec."""
    made: dict[str, object] = {stage: work.store.digest(stage) for stage in earlier}
    return made | {"spec": placed_spec(work.spec, work.folder, work.base)}


def describe(work: Work) -> str:  # noqa: ARG001 - the signature of every stage
    """Say what a report consists of."""
    return "tables, page and picture"


def measured(work: Work, names_of: Callable[[Circuit], list[str]] = lambda _: []) -> Measurements:
    """Measure the build that earlier stages have left.

    Args:
        names_of: gives the names of the layers in the user's model; none where netgen trained the network.
    """
    from netgen import report
    from netgen.place import place

    made, netlist, placement = work.folder, work.get(nouns.netlist), work.get(nouns.placement)
    grid, regions = work.get(nouns.board)
    before = place(netlist, grid, regions, method="index")
    design = load_design(made, work.spec, work.get(nouns.circuit))
    bound = nouns.figure_in(made / "certificate.json", "lower_bound")
    proof = report.record.read(Proof, files.read_text(made / "proof.json"))
    network, unpruned = networks_in(made, work.spec)
    workload = Workload(design.circuit, placement, design.graph, design.timing, None, network, unpruned)
    return Measurements(
        design=design,
        before=before,
        wires=report.wire_report(netlist, before, placement, bound=bound, names=names_of(design.circuit)),
        logic=report.logic_report(design, netlist, placement, sharing=work.spec.emit.sharing, proof=proof),
        check=report.record.read(report.CheckReport, files.read_text(made / "check.json")),
        energy=_energy(work, workload),
    )


def _energy(work: Work, workload: Workload) -> EnergyReport:
    """The energy of a sample; without the model of wires where no two samples follow each other."""
    spec, words = work.spec, work.get(nouns.test_words)
    if len(words) < 2:
        return measured_by(spec.name, ("eyeriss",), workload)
    if spec.network.reads_graph:
        raw = work.get(imported.samples)
        samples, labels = len(raw.test), raw.labels if len(raw.test) else None
    else:
        samples, labels = len(words), work.get(nouns.data).test.labels
    return measured_by(
        spec.name,
        ("wires", "eyeriss"),
        workload,
        words=LabelledWords(words, labels, words_origin(samples)),
        timed=lambda graph: timing_of(graph, spec, work.get(nouns.netlist), workload.placement),
        seed=spec.seed,
    )


def write_report(work: Work, folder: Path, summary: "BuildReport", found: Measurements) -> None:
    """Write `report.json`, `report.html`, `placement.png` and `spec.yaml` into a folder."""
    from netgen import report

    netlist, placement = work.get(nouns.netlist), work.get(nouns.placement)
    (folder / "report.json").write_text(report.to_json(summary), encoding="utf-8")
    (folder / "report.html").write_text(report.page(summary, netlist, found.before, placement), encoding="utf-8")
    report.picture(netlist, placement, folder / "placement.png")
    (folder / "spec.yaml").write_text(placed_spec(work.spec, work.folder, work.base), encoding="utf-8")
