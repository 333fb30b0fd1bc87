"""Choose formats, fine-tune under them, round: `network.npz`, still float, and `circuit.json`, its integers."""

from pathlib import Path

from netgen.flow import files, nouns
from netgen.flow.learning import learner, learning_key
from netgen.flow.stage import Stage, Work
from netgen.ir.circuit_file import to_json


def _depends(work: Work) -> dict[str, object]:
    spec = work.spec
    keys = learning_key(work) | {
        "pruned": work.store.digest("prune"),
        "prune": spec.prune.model_dump(),
        "quantize": spec.quantize.model_dump(),
    }
    if spec.quantize.accuracy is not None:  # bit allocation weighs wire length and look-up tables
        keys |= {"place": spec.place.model_dump(), "tables": spec.emit.tables}
    return keys


def _describe(work: Work) -> str:
    return f"{work.spec.quantize.epochs} epochs of {len(work.get(nouns.data).train):,} samples"


def _make(work: Work, folder: Path) -> None:
    from netgen.nn.defaults import torch_defaults

    pruned = files.read_network(work.folder / "pruned.npz")
    with torch_defaults(threads=None):
        network, circuit = work.get(learner).quantized(pruned)
    files.write_network(folder / "network.npz", network)
    (folder / "circuit.json").write_text(to_json(circuit), encoding="utf-8")


STAGE = Stage("quantize", _depends, _make, _describe)
