"""Choose formats for a network that was read, fine-tune it if asked, and round it: `circuit.json`, `formats.json`."""

import json
from pathlib import Path

from netgen.flow import imported
from netgen.flow.stage import Stage, Work
from netgen.flow.store import digest_of
from netgen.flow.tuning import tuning, tuning_key
from netgen.ir.circuit_file import to_json


def _depends(work: Work) -> dict[str, object]:
    if work.spec.network.source == imported.CIRCUIT:
        return {"circuit": digest_of(to_json(work.get(imported.given_circuit)).encode())}
    keys = {
        "input_width",
        "input_range",
        "weight_width",
        "activation_width",
        "formats",
        "per_channel",
        "bias_correction",
        "equalize",
    }
    return {
        **imported.samples_key(work),
        "network": work.store.digest(imported.network_stage(work.spec)),
        "quantize": work.spec.quantize.model_dump(include=keys | {"requantize"}),
        "fine_tune": tuning_key(work) if _tunes(work) else None,
    }


def _tunes(work: Work) -> bool:
    return work.spec.quantize.fine_tune != "none"


def _describe(work: Work) -> str:
    if work.spec.network.source == imported.CIRCUIT:
        return "as it is given"
    network, samples = work.get(imported.network), work.get(imported.samples)
    seen = f"{len(samples.calibration):,} samples" if len(samples.calibration) else "the ranges of its inputs"
    spec = work.spec.quantize
    what = f"; then fine-tuned against {spec.fine_tune} for {spec.epochs} epochs" if _tunes(work) else ""
    return f"{network.neurons - network.features:,} neurons and {network.wires:,} wires, by {seen}{what}"


def _make(work: Work, folder: Path) -> None:
    notes: tuple[str, ...] = ()
    if work.spec.network.source == imported.CIRCUIT:
        circuit = work.get(imported.given_circuit)
    elif _tunes(work):
        from netgen.learn.fine_tuning import fine_tune
        from netgen.nn.defaults import torch_defaults

        training, validation = work.get(tuning)
        with torch_defaults():
            found = fine_tune(
                work.get(imported.network),
                work.get(imported.samples).calibration,
                training,
                validation,
                work.spec,
                progress=work.progress,
            )
        divided = work.get(imported.given).note if work.spec.data.source == imported.GIVEN else ""
        circuit, notes = found.circuit, (*found.notes, *filter(None, (divided,)))
    else:
        from netgen.quantize import quantize_read

        found = quantize_read(work.get(imported.network), work.get(imported.samples).calibration, work.spec.quantize)
        circuit, notes = found.circuit, found.notes
    (folder / "circuit.json").write_text(to_json(circuit), encoding="utf-8")
    (folder / "formats.json").write_text(json.dumps({"notes": list(notes)}) + "\n", encoding="utf-8")


STAGE = Stage("quantize", _depends, _make, _describe)
