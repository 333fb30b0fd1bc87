"""Write what a build of a network that was read says about itself; the same files as `report`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from netgen.flow import files, imported, nouns
from netgen.flow.design import load_design
from netgen.flow.feature_scale import misfit
from netgen.flow.folder import placed_spec
from netgen.flow.stage import Stage, Work
from netgen.ir.imported import ImportReport
from netgen.operators.prove import Proof

if TYPE_CHECKING:
    from netgen.report import CheckReport

EARLIER = ("read", "quantize", "place", "certify", "lower", "emit", "check")
FALL = 0.01
"""Loss of accuracy from the model to the hardware, 0 to 1, that a user should know of."""


def _depends(work: Work) -> dict[str, object]:
    made: dict[str, object] = {stage: work.store.digest(stage) for stage in EARLIER}
    return made | imported.samples_key(work) | {"spec": placed_spec(work.spec, work.folder, work.base)}


def _describe(work: Work) -> str:  # noqa: ARG001 - the signature of every stage
    return "tables, page and picture"


def _make(work: Work, folder: Path) -> None:
    from netgen import report
    from netgen.place import place

    spec, made = work.spec, work.folder
    netlist, (grid, regions), placement = work.get(nouns.netlist), work.get(nouns.board), work.get(nouns.placement)
    before = place(netlist, grid, regions, method="index")
    design = load_design(made, spec, work.get(nouns.circuit))
    check = report.record.read(report.CheckReport, files.read_text(made / "check.json"))
    source = report.record.read(ImportReport, files.read_text(made / "imported.json"))
    notes = json.loads(files.read_text(made / "formats.json"))["notes"]
    given = spec.data.source == imported.GIVEN
    network = work.get(imported.float_network)
    unfit = None if network is None else misfit(network, spec.network, work.get(imported.samples))
    summary = report.build_report(
        name=spec.name,
        warnings=(
            *filter(None, (unfit,)),
            *_fall(check),
            *source.assumed,
            *notes,
            *report.saturation(check, layers=bool(_fall(check))),
        ),
        origin=None if given else report.origin_of(spec, work.get(nouns.data)),
        imported=source,
        network=network,
        design=design,
        wires=report.wire_report(
            netlist,
            before,
            placement,
            bound=nouns.figure_in(made / "certificate.json", "lower_bound"),
            names=[layer.name for layer in design.circuit.layers],
        ),
        logic=report.logic_report(
            design,
            netlist,
            placement,
            sharing=spec.emit.sharing,
            proof=report.record.read(Proof, files.read_text(made / "proof.json")),
        ),
        check=check,
    )
    (folder / "report.json").write_text(report.to_json(summary), encoding="utf-8")
    (folder / "report.html").write_text(report.page(summary, netlist, before, placement), encoding="utf-8")
    report.picture(netlist, placement, folder / "placement.png")
    (folder / "spec.yaml").write_text(placed_spec(spec, made, work.base), encoding="utf-8")


def _fall(check: "CheckReport") -> tuple[str, ...]:
    """Warn of accuracy that quantizing lost."""
    model, hardware = check.model_accuracy, check.hardware_accuracy
    if model is None or hardware is None or model - hardware <= FALL:
        return ()
    return (
        f"quantize: accuracy fell from {model:.1%} (your model, in float) to {hardware:.1%} (hardware); widen "
        "quantize.weight_width, activation_width or input_width",
    )


STAGE = Stage("report", _depends, _make, _describe)
