"""The objective of a search: how long the wires of one spec's network are, and how accurate it is.

No hardware is made: the build ends with the placement.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from netgen.data import load_dataset
from netgen.flow import nouns
from netgen.flow.build import run_stages, stages_until
from netgen.flow.fingerprint import code_digest
from netgen.flow.stage import Work
from netgen.flow.store import Store, digest_of
from netgen.ir.grid import wire_lengths
from netgen.progress import Progress, silent
from netgen.spec.spec import Spec

__all__ = ["Result", "evaluate", "fingerprint"]

LAST = "place"
"""The last stage of a trial."""

MEASURED = {"train": "dense.json", "prune": "pruned.json", "measure": "quantized.json"}
"""The file in which a stage leaves validation accuracy."""


@dataclass(frozen=True)
class Result:
    """What counts about one spec.

    Attributes:
        stage: the last stage that ran: `place`, or the one after which validation accuracy was below the floor.
        accuracy: validation accuracy then, 0 to 1; from `measure` on that of the circuit, in integers.
        wire_length: in units of the pitch; None where nothing was placed.
    """

    stage: str
    accuracy: float
    wire_length: int | None = None


def evaluate(
    spec: Spec,
    folder: Path,
    *,
    base: Path | None = None,
    floor: float = 0.0,
    wait: float = 0.0,
    progress: Progress = silent,
) -> Result:
    """Train, prune, quantize and place a spec in a folder of its own, and measure the result.

    A build of the same spec makes the same network and placement. Stages that an earlier call has finished are kept.

    Args:
        base: folder from which the spec's paths are seen.
        floor: validation accuracy, 0 to 1, below which the spec is given up: dense, pruned or quantized.
        wait: seconds to wait for another process to leave the folder.
    Raises: NetgenError, when a stage cannot do its work.
    """
    accuracy = 0.0
    with Store.open(folder, wait=wait) as store:
        work = Work(spec, store, base or Path(), progress=progress)
        for stage in run_stages(work, until=LAST):
            if stage.name in MEASURED:
                accuracy = nouns.figure_in(folder / MEASURED[stage.name], "validation_accuracy")
                if accuracy < floor:
                    return Result(stage.name, accuracy)
        lengths = wire_lengths(work.get(nouns.netlist), work.get(nouns.placement))
        return Result(LAST, accuracy, int(lengths.sum()))


def fingerprint(spec: Spec, base: Path | None = None) -> str:
    """A digest of all that decides what `evaluate` finds: keys, data, weights to start from, code and libraries."""
    base = base or Path()
    data = load_dataset(spec.data, seed=spec.seed, base=base)
    weights = base / spec.network.weights if spec.network.weights else None
    keys = spec.model_dump(mode="json", exclude={"name", "emit", "check", "search"})
    del keys["data"]["path"]
    if spec.quantize.accuracy is not None:  # bit allocation weighs look-up tables
        keys["tables"] = spec.emit.tables
    return digest_of(
        json.dumps([keys, data.digest], sort_keys=True).encode(),
        weights.read_bytes() if weights and weights.is_file() else b"",
        code_digest(*(stage.module for stage in stages_until(LAST, spec))).encode(),
    )
