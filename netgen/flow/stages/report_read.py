"""Write what a build of a network that was read says about itself; the same files as `report`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from netgen.flow import files, imported, nouns
from netgen.flow.feature_scale import misfit
from netgen.flow.folder import placed_spec
from netgen.flow.reporting import measured, write_report
from netgen.flow.stage import Stage, Work
from netgen.ir.imported import ImportReport
from netgen.learn.warnings import ignored

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

    spec, made, found = work.spec, work.folder, measured(work, lambda circuit: [layer.name for layer in circuit.layers])
    source = report.record.read(ImportReport, files.read_text(made / "imported.json"))
    notes = json.loads(files.read_text(made / "formats.json"))["notes"]
    given = spec.data.source == imported.GIVEN
    network = work.get(imported.float_network)
    unfit = None if network is None else misfit(network, spec.network, work.get(imported.samples))
    summary = report.build_report(
        name=spec.name,
        warnings=(
            *filter(None, (unfit,)),
            *_fall(found.check),
            *source.assumed,
            *ignored(spec),
            *(() if given else work.get(nouns.data).notes),
            *notes,
            *report.saturation(found.check, layers=bool(_fall(found.check))),
        ),
        origin=None if given else report.origin_of(spec, work.get(nouns.data)),
        imported=source,
        network=network,
        design=found.design,
        wires=found.wires,
        logic=found.logic,
        check=found.check,
    )
    write_report(work, folder, summary, found)


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
