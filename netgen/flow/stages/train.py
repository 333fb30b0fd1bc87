"""Train the dense perceptron: `dense.npz`, its state in plain arrays, and its accuracy in `dense.json`."""

import json
from pathlib import Path

from netgen.flow import nouns
from netgen.flow.learning import learner, learning_key
from netgen.flow.stage import Stage, Work


def _describe(work: Work) -> str:
    return f"{work.spec.train.epochs} epochs of {len(work.get(nouns.data).train):,} samples"


def _make(work: Work, folder: Path) -> None:
    from netgen.nn.defaults import torch_defaults
    from netgen.train import save_trained

    with torch_defaults(threads=None):
        network, accuracy = work.get(learner).dense()
    save_trained(folder / "dense.npz", network)
    (folder / "dense.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")


STAGE = Stage("train", learning_key, _make, _describe)
