"""Measure the validation accuracy of the circuit, in integers: `quantized.json`."""

import json
from pathlib import Path

from netgen.flow import nouns
from netgen.flow.learning import learner
from netgen.flow.stage import Stage, Work


def _depends(work: Work) -> dict[str, object]:
    return nouns.data_key(work) | {"quantize": work.store.digest("quantize")}


def _describe(work: Work) -> str:
    return f"{len(work.get(nouns.data).validation):,} validation samples in integers"


def _make(work: Work, folder: Path) -> None:
    accuracy = work.get(learner).accuracy(work.get(nouns.circuit), work.get(nouns.data).validation)
    (folder / "quantized.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")


STAGE = Stage("measure", _depends, _make, _describe)
