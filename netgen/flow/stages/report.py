"""Write what the build says about itself: `report.json`, `report.html`, `placement.png`, `spec.yaml`."""

from pathlib import Path

from netgen.flow import nouns
from netgen.flow.reporting import describe, measured, report_key, write_report
from netgen.flow.stage import Stage, Work
from netgen.learn.targets import missed
from netgen.learn.warnings import assumed, coarse, falls, guessing, scaled_weights, unused

EARLIER = ("train", "prune", "quantize", "measure", "place", "certify", "lower", "emit", "check")


def _depends(work: Work) -> dict[str, object]:
    return report_key(work, EARLIER) | nouns.data_key(work)


def _make(work: Work, folder: Path) -> None:
    from netgen import report

    spec, made, found = work.spec, work.folder, measured(work)
    dense, pruned, integers = (
        float(nouns.figure_in(made / file, "validation_accuracy"))
        for file in ("dense.json", "pruned.json", "quantized.json")
    )
    fell = falls(
        spec,
        dense=dense,
        pruned=pruned,
        quantized=integers,
        hardware=found.check.hardware_accuracy or 0.0,
        validation=len(work.get(nouns.data).validation),
        test=found.check.samples,
    )
    network = work.get(nouns.network)
    summary = report.build_report(
        name=spec.name,
        warnings=(
            *guessing(dense, integers, work.get(nouns.data), spec),
            *fell,
            *missed(spec, before=network.weights_total, left=network.weights_left, length=found.wires.total),
            *coarse(spec, work.get(nouns.data)),
            *report.saturation(found.check, layers=bool(fell)),
            *work.get(nouns.data).notes,
            *assumed(spec),
            *scaled_weights(spec, work.get(nouns.data)),
            *unused(spec),
        ),
        origin=report.origin_of(spec, work.get(nouns.data)),
        network=network,
        design=found.design,
        dense_accuracy=dense,
        pruned_accuracy=pruned,
        circuit_accuracy=integers,
        wires=found.wires,
        logic=found.logic,
        check=found.check,
        energy=found.energy.energies,
        gates=found.energy.gates,
    )
    write_report(work, folder, summary, found)


STAGE = Stage("report", _depends, _make, describe)
