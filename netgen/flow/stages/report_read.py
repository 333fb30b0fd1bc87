"""Write what a build of a network that was read says about itself; the same files as `report`."""

import json
from dataclasses import replace
from pathlib import Path

from netgen.flow import files, imported, nouns
from netgen.flow.feature_scale import misfit
from netgen.flow.reporting import describe, measured, report_key, write_report
from netgen.flow.stage import Stage, Work
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network
from netgen.learn.targets import missed
from netgen.learn.warnings import fixed_functions, guessing, ignored, pruning_fell, unused
from netgen.spec.network import NetworkSpec

LATER = ("quantize", "place", "certify", "lower", "emit", "check")


def _depends(work: Work) -> dict[str, object]:
    spec = work.spec
    stages = imported.first_stage(spec), imported.network_stage(spec), *LATER
    return report_key(work, stages) | imported.samples_key(work)


def _make(work: Work, folder: Path) -> None:
    from netgen import report

    spec, made, found = work.spec, work.folder, measured(work, lambda circuit: [layer.name for layer in circuit.layers])
    source = report.record.read(ImportReport, files.read_text(made / "imported.json"))
    source = replace(source, kept=not spec.network.prunes_graph)
    notes = json.loads(files.read_text(made / "formats.json"))["notes"]
    fall = json.loads(files.read_text(made / "blame.json"))["line"]
    given = spec.data.source == imported.GIVEN
    network = work.get(imported.float_network)
    pruned = network is not None and spec.network.prunes_graph
    first = work.get(imported.whole_network) if pruned else network
    read = None if spec.network.layers else first  # no model of the user's own can misfit there
    unfit = None if read is None else misfit(read, spec.network, work.get(imported.samples))
    gates = found.energy.gates
    length = found.wires.total if gates is None else round(gates.needed)
    summary = report.build_report(
        name=spec.name,
        warnings=(
            *filter(None, (unfit, fall)),
            *_pruned(work, length, unfit),
            *source.assumed,
            *ignored(spec, compiled=spec.network.source in {imported.GIVEN, imported.CIRCUIT}),
            *fixed_functions(spec, network),
            *(() if given else work.get(nouns.data).notes),
            *notes,
            *report.saturation(found.check, layers=False),
        ),
        origin=None if given else report.origin_of(spec, work.get(nouns.data)),
        imported=source,
        scaled=_scaled(spec.network),
        network=network,
        weights_before=first.wires if pruned and first is not None else None,
        circuit_accuracy=_measured_accuracy(work) if spec.network.tables is not None else None,
        design=found.design,
        wires=found.wires,
        logic=found.logic,
        check=found.check,
        energy=found.energy.energies,
        gates=gates,
    )
    write_report(work, folder, summary, found)


def _pruned(work: Work, length: int, unfit: str | None) -> tuple[str, ...]:
    """Say what training and pruning did to a network that is not built as it was read; none for one that is.

    Args:
        length: wire length of the placed circuit; with gates, what a sample needs of it in the mean.
        unfit: says already that the model does not fit its samples; None where it fits.
    """
    spec, network = work.spec, work.get(imported.float_network)
    if not spec.network.prunes_graph or network is None:
        return ()
    found = json.loads(files.read_text(work.folder / "pruned.json"))
    before, after = float(found["before"]), float(found["validation_accuracy"])
    integers = _measured_accuracy(work)
    fix = pruning_fell(spec, before, after)
    did = (
        f"prune: {network.wires:,} of {found['wires']:,} wires are left; validation accuracy {before:.2%} before, "
        f"{after:.2%} after pruning and retraining, {integers:.2%} in integers{fix and f'; {fix}'}"
    )
    whole, left = (_weights_of(one) for one in (work.get(imported.whole_network), network))
    return (
        *(guessing(before, integers, work.get(nouns.data), spec) if unfit is None else ()),
        did,
        *missed(spec, before=whole, left=left, length=length),
        *_untrained(network),
        *unused(spec),
    )


def _untrained(network: Network) -> tuple[str, ...]:
    """Say which outputs have no part in training; one line, or none."""
    first, *others = (head.name for head in network.outputs)
    if not others:
        return ()
    what = f"{', '.join(others)} {'has' if len(others) == 1 else 'have'} none"
    return (
        f"prune: only {first}, the first output, has labels; {what}, so weights that only serve "
        f"{'it' if len(others) == 1 else 'them'} are pruned first and fit no more; prune a model without "
        f"{'it' if len(others) == 1 else 'them'}",
    )


def _measured_accuracy(work: Work) -> float:
    """Validation accuracy of the circuit, in integers, 0 to 1."""
    return float(nouns.figure_in(work.folder / "quantized.json", "validation_accuracy"))


def _weights_of(network: Network) -> int:
    """Wires of sums: those that pruning counts."""
    return sum(layer.wires for layer in network.layers if layer.gather == "sum")


def _scaled(network: NetworkSpec) -> str:
    """What a model reads of a raw feature; empty where it reads the feature itself."""
    number = "raw feature" if network.scale == 1 else f"raw feature * {network.scale:.6g}"
    if network.mean:
        number = f"({number} - {_one(network.mean, 'mean')})"
    if network.std:
        number = f"{number} / {_one(network.std, 'std')}"
    return "" if number == "raw feature" else number


def _one(values: tuple[float, ...], name: str) -> str:
    """A number, or that there are several."""
    return f"{values[0]:.6g}" if len(values) == 1 else f"network.{name} in spec.yaml"


STAGE = Stage("report", _depends, _make, describe)
