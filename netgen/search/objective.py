"""One network weighed: how long its wires are and how well it does, without any hardware being made."""

import json
from dataclasses import dataclass
from pathlib import Path

from netgen.data import load_dataset
from netgen.flow import files
from netgen.flow.build import ROOMS, Line, code_digest
from netgen.flow.folder import load_circuit
from netgen.flow.store import Store, digest_of
from netgen.ir.grid import wire_lengths
from netgen.ir.netlist import netlist_of
from netgen.progress import Progress, silent
from netgen.spec.board import board_of
from netgen.spec.spec import Spec


@dataclass(frozen=True)
class Point:
    """What counts about one spec.

    Attributes:
        stage: the last stage that ran: `place`, or the one after which validation accuracy was below the floor.
        accuracy: validation accuracy then; from `quantize` on that of the circuit, in integers.
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
) -> Point:
    """Train, prune, quantize and place a spec in a folder of its own, and measure what comes out.

    A build of the same spec makes the same network and placement. What an earlier call has finished is kept.

    Args:
        base: folder from which the spec's paths are seen.
        floor: validation accuracy below which the spec is given up: dense, pruned or quantized.
        wait: seconds to wait for another process to leave the folder.
    Raises: NetgenError, when a stage cannot do its work.
    """
    base = base or Path()
    with Store.open(folder, wait=wait) as store:
        line = Line(spec, store, base, 1, progress)
        data = line.load()
        accuracy = 0.0
        for stage, run, file in (
            ("train", line.train, "dense.json"),
            ("prune", line.prune, "pruned.json"),
            ("quantize", line.quantize, "quantized.json"),
        ):
            run(data)
            if stage == "quantize":
                line.measure(data)
            accuracy = json.loads(files.read_text(folder / file))["validation_accuracy"]
            if accuracy < floor:
                return Point(stage, accuracy)
        netlist = netlist_of(load_circuit(folder))
        grid, regions = board_of(spec.place, netlist)
        line.place(netlist, grid, regions)
        placement = files.read_placement(folder / "placement.csv", netlist, grid)
        return Point("place", accuracy, int(wire_lengths(netlist, placement).sum()))


def fingerprint(spec: Spec, base: Path | None = None) -> str:
    """A digest of all that decides what `evaluate` finds: keys, data, weights to start from, code and libraries."""
    base = base or Path()
    data = load_dataset(spec.data, seed=spec.seed, base=base)
    weights = base / spec.network.weights if spec.network.weights else None
    keys = spec.model_dump(mode="json", exclude={"name", "emit", "check", "search"})
    del keys["data"]["path"]
    rooms = {room for stage in ("train", "prune", "quantize", "place") for room in ROOMS[stage]}
    return digest_of(
        json.dumps([keys, data.digest], sort_keys=True).encode(),
        weights.read_bytes() if weights and weights.is_file() else b"",
        code_digest(tuple(sorted(rooms))).encode(),
    )
