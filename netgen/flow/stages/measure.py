"""Measure the validation accuracy of the circuit, in integers: `quantized.json`."""

import json
from pathlib import Path

import numpy as np

from netgen.flow import nouns
from netgen.flow.stage import Stage, Work
from netgen.ir.circuit import classify, evaluate


def _depends(work: Work) -> dict[str, object]:
    return nouns.data_key(work) | {"quantize": work.store.digest("quantize")}


def _describe(work: Work) -> str:
    return f"{len(work.get(nouns.data).validation):,} validation samples in integers"


def _make(work: Work, folder: Path) -> None:
    circuit, data = work.get(nouns.circuit), work.get(nouns.data)
    features = data.validation.features
    if work.spec.network.reads_graph:  # its circuit reads raw features
        words = circuit.encode(features.astype(np.float64) / data.scale)
    else:
        words = circuit.input.encode(features)
    accuracy = float((classify(evaluate(circuit, words)) == data.validation.labels).mean())
    (folder / "quantized.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")


STAGE = Stage("measure", _depends, _make, _describe)
