"""Prune and retrain: `pruned.npz`, a float network, and its accuracy in `pruned.json`."""

import json
from pathlib import Path

from netgen.flow import files, nouns
from netgen.flow.learning import learner, learning_key, placing_key
from netgen.flow.stage import Stage, Work


def _depends(work: Work) -> dict[str, object]:
    spec = work.spec
    own = {"dense": work.store.digest("train"), "prune": spec.prune.model_dump()}
    return learning_key(work) | own | placing_key(work)


def _describe(work: Work) -> str:
    prune = work.spec.prune
    epochs = prune.retrain + (prune.rounds * prune.epochs if prune.rule != "none" else 0)
    return f"up to {epochs} epochs of {len(work.get(nouns.data).train):,} samples"


def _make(work: Work, folder: Path) -> None:
    from netgen.nn.defaults import torch_defaults
    from netgen.train import dense_network_of, device_of, load_trained

    dense = load_trained(work.folder / "dense.npz").to(device_of(work.spec.train.device))
    with torch_defaults(threads=None):
        network, accuracy = work.get(learner).pruned(dense)
    files.write_network(folder / "pruned.npz", dense_network_of(network))
    (folder / "pruned.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")


STAGE = Stage("prune", _depends, _make, _describe)
