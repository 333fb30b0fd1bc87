"""Prune and retrain: `pruned.npz`, a float network, and its accuracy in `pruned.json`."""

import json
from pathlib import Path

from netgen.flow import files, nouns
from netgen.flow.learning import learner, learning_key
from netgen.flow.stage import Stage, Work


def _depends(work: Work) -> dict[str, object]:
    spec = work.spec
    placing = {"place": spec.place.model_dump(exclude={"certificate", "moves"})} if work.get(learner).follows else {}
    return learning_key(work) | {"dense": work.store.digest("train"), "prune": spec.prune.model_dump()} | placing


def _describe(work: Work) -> str:
    prune = work.spec.prune
    epochs = prune.retrain + (prune.rounds * prune.epochs if prune.rule != "none" else 0)
    return f"up to {epochs} epochs of {len(work.get(nouns.data).train):,} samples"


def _make(work: Work, folder: Path) -> None:
    from netgen.nn.defaults import torch_defaults
    from netgen.train import device_of, load_mlp

    spec, made = work.spec, work.get(learner)
    dense = load_mlp(work.folder / "dense.npz", batch_norm=spec.network.batch_norm, rounding=made.rounding)
    with torch_defaults(threads=None):
        network, accuracy = made.pruned(dense.to(device_of(spec.train.device)))
    files.write_network(folder / "pruned.npz", network)
    (folder / "pruned.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")


STAGE = Stage("prune", _depends, _make, _describe)
