"""Train truth tables: `tables.npz`, their accuracy in `dense.json`, and what they are in `imported.json`."""

import json
from pathlib import Path

from netgen.flow import nouns
from netgen.flow.array_files import write_arrays
from netgen.flow.learning import learner, learning_key
from netgen.flow.stage import Stage, Work
from netgen.ir.imported import ImportReport
from netgen.learn.tables import train_tables


def _describe(work: Work) -> str:
    return f"{work.spec.train.epochs} epochs of {len(work.get(nouns.data).train):,} samples"


def _make(work: Work, folder: Path) -> None:
    from netgen.nn.defaults import torch_defaults
    from netgen.report import record

    with torch_defaults():
        tables, accuracy = train_tables(work.get(learner))
    write_arrays(folder / "tables.npz", tables.arrays)
    (folder / "dense.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")
    count, inputs = tables.source.shape
    source = f"{count:,} truth tables of {inputs} bits"
    report = ImportReport(source, reference="", worst=0.0, samples=0, trained=True)
    (folder / "imported.json").write_text(record.write(report), encoding="utf-8")


STAGE = Stage("train", learning_key, _make, _describe)
