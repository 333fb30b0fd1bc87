"""Measure the validation accuracy of the circuit, in integers: `quantized.json`."""

import json
from pathlib import Path

from netgen.flow import nouns
from netgen.flow.stage import Stage, Work
from netgen.learn.measuring import circuit_accuracy


def _depends(work: Work) -> dict[str, object]:
    return nouns.data_key(work) | {"quantize": work.store.digest("quantize")}


def _describe(work: Work) -> str:
    return f"{len(work.get(nouns.data).validation):,} validation samples in integers"


def _make(work: Work, folder: Path) -> None:
    data = work.get(nouns.data)
    accuracy = circuit_accuracy(work.get(nouns.circuit), work.spec, data, data.validation)
    (folder / "quantized.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")


STAGE = Stage("measure", _depends, _make, _describe)
