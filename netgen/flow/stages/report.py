"""Write what the build says about itself: `report.json`, `report.html`, `placement.png`, `spec.yaml`."""

from pathlib import Path

from netgen.flow import files, nouns
from netgen.flow.design import load_design
from netgen.flow.folder import placed_spec
from netgen.flow.stage import Stage, Work
from netgen.learn.warnings import assumed, coarse, falls, guessing, scaled_weights, unused
from netgen.operators.prove import Proof

EARLIER = ("train", "prune", "quantize", "measure", "place", "certify", "lower", "emit", "check")


def _depends(work: Work) -> dict[str, object]:
    made: dict[str, object] = {stage: work.store.digest(stage) for stage in EARLIER}
    return made | nouns.data_key(work) | {"spec": placed_spec(work.spec, work.folder, work.base)}


def _describe(work: Work) -> str:  # noqa: ARG001 - the signature of every stage
    return "tables, page and picture"


def _make(work: Work, folder: Path) -> None:
    from netgen import report
    from netgen.place import place

    spec, made = work.spec, work.folder
    netlist, (grid, regions), placement = work.get(nouns.netlist), work.get(nouns.board), work.get(nouns.placement)
    before = place(netlist, grid, regions, method="index")
    design = load_design(made, spec, work.get(nouns.circuit))
    bound = nouns.figure_in(made / "certificate.json", "lower_bound")
    check = report.record.read(report.CheckReport, files.read_text(made / "check.json"))
    dense, pruned, integers = (
        float(nouns.figure_in(made / file, "validation_accuracy"))
        for file in ("dense.json", "pruned.json", "quantized.json")
    )
    fell = falls(
        spec,
        dense=dense,
        pruned=pruned,
        quantized=integers,
        hardware=check.hardware_accuracy or 0.0,
        validation=len(work.get(nouns.data).validation),
        test=check.samples,
    )
    summary = report.build_report(
        name=spec.name,
        warnings=(
            *guessing(dense, work.get(nouns.data), spec),
            *fell,
            *coarse(spec, work.get(nouns.data)),
            *report.saturation(check, layers=bool(fell)),
            *work.get(nouns.data).notes,
            *assumed(spec),
            *scaled_weights(spec, work.get(nouns.data)),
            *unused(spec),
        ),
        origin=report.origin_of(spec, work.get(nouns.data)),
        network=work.get(nouns.network),
        design=design,
        dense_accuracy=dense,
        pruned_accuracy=pruned,
        circuit_accuracy=integers,
        wires=report.wire_report(netlist, before, placement, bound=bound),
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


STAGE = Stage("report", _depends, _make, _describe)
