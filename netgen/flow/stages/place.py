"""Put every neuron on a site: `placement.csv`."""

from dataclasses import replace
from pathlib import Path

from netgen.flow import files, nouns
from netgen.flow.stage import Stage, Work

TOGGLING = 5_000
"""Samples by whose toggles wires are weighed."""


def _depends(work: Work) -> dict[str, object]:
    return {
        "quantize": work.store.digest("quantize"),
        "place": work.spec.place.model_dump(exclude={"certificate"}),
        "seed": work.spec.seed,
    } | (nouns.samples_key(work) if _weighs(work) else {})


def _weighs(work: Work) -> bool:
    return work.spec.place.weigh == "toggles"


def _describe(work: Work) -> str:
    netlist, (grid, _) = work.get(nouns.netlist), work.get(nouns.board)
    box = " x ".join(map(str, grid.shape))
    moves = work.spec.place.moves
    return f"{netlist.neurons:,} neurons, {netlist.wires:,} wires, {box} sites, {moves:,} moves"


def _make(work: Work, folder: Path) -> None:
    from netgen.place import place

    spec, netlist, (grid, regions) = work.spec, work.get(nouns.netlist), work.get(nouns.board)
    method, moves = spec.place.method, spec.place.moves
    if _weighs(work):
        from netgen.energy import toggle_weights

        weight = toggle_weights(work.get(nouns.circuit), netlist, work.get(nouns.train_words)[:TOGGLING])
        netlist = replace(netlist, weight=weight)
    placement = place(netlist, grid, regions, method=method, moves=moves, seed=spec.seed, progress=work.progress)
    (folder / "placement.csv").write_text(files.placement_csv(netlist, placement), encoding="utf-8")


STAGE = Stage("place", _depends, _make, _describe)
