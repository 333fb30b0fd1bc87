"""Train the network that a spec's layers describe: `dense.npz`, `imported.json`, and its accuracy in `dense.json`."""

import json
from pathlib import Path

from netgen.flow import imported, nouns
from netgen.flow.array_files import write_arrays
from netgen.flow.learning import learner, learning_key
from netgen.flow.stage import Stage, Work
from netgen.ir.network_file import arrays_of


def _describe(work: Work) -> str:
    return f"{work.spec.train.epochs} epochs of {len(work.get(nouns.data).train):,} samples"


def _make(work: Work, folder: Path) -> None:
    from netgen.nn.defaults import torch_defaults
    from netgen.report import record

    with torch_defaults():
        network, report, accuracy = work.get(learner).dense_network()
    write_arrays(folder / imported.first_file(work.spec), arrays_of(network))
    (folder / "imported.json").write_text(record.write(report), encoding="utf-8")
    (folder / "dense.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")


STAGE = Stage("train", learning_key, _make, _describe)
