"""Prune and retrain a network of any layers: `network.npz`, and its accuracy before and after in `pruned.json`."""

import json
from pathlib import Path

from netgen.flow import imported, nouns
from netgen.flow.array_files import write_arrays
from netgen.flow.learning import learner, learning_key, placing_key
from netgen.flow.stage import Stage, Work
from netgen.ir.network_file import arrays_of


def _depends(work: Work) -> dict[str, object]:
    spec = work.spec
    first = imported.first_stage(spec)
    return learning_key(work) | {first: work.store.digest(first), "prune": spec.prune.model_dump()} | placing_key(work)


def _describe(work: Work) -> str:
    prune, network = work.spec.prune, work.get(imported.whole_network)
    epochs = prune.retrain + (prune.rounds * prune.epochs if prune.rule != "none" else 0)
    samples = len(work.get(nouns.data).train)
    return f"{network.wires:,} wires, up to {epochs} epochs of {samples:,} samples"


def _make(work: Work, folder: Path) -> None:
    from netgen.nn.defaults import torch_defaults
    from netgen.train import accuracy_of

    made, whole = work.get(learner), work.get(imported.whole_network)
    with torch_defaults():
        dense = made.trainable(whole)
        before = accuracy_of(dense, made.data.validation)
        network, accuracy = made.pruned(dense)
    write_arrays(folder / "network.npz", arrays_of(made.raw_network(network)))
    found = {"wires": whole.wires, "before": before, "validation_accuracy": accuracy}
    (folder / "pruned.json").write_text(json.dumps(found) + "\n")


STAGE = Stage("prune", _depends, _make, _describe)
