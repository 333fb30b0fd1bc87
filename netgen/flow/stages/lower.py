"""Write the circuit as operators, and prove that they compute it: `operators.json`, `proof.json`."""

import json
from pathlib import Path

from netgen.flow import nouns
from netgen.flow.stage import Stage, Work
from netgen.operators import file as operators
from netgen.operators.prove import prove
from netgen.operators.wiring import sites_of


def _depends(work: Work) -> dict[str, object]:
    emit = work.spec.emit
    keys: dict[str, object] = {
        "quantize": work.store.digest("quantize"),
        "emit": emit.model_dump(include={"sharing", "argmax", "tables"}),
    }
    return keys | ({"place": work.store.digest("place")} if emit.sharing == "local" else {})


def _describe(work: Work) -> str:
    weights = work.get(nouns.circuit).wires
    return f"{weights:,} weights to operators, sharing {work.spec.emit.sharing}, and the proof"


def _make(work: Work, folder: Path) -> None:
    from netgen.lower import lower

    emit, circuit = work.spec.emit, work.get(nouns.circuit)
    sites = sites_of(work.get(nouns.netlist), work.get(nouns.placement))
    graph = lower(circuit, sharing=emit.sharing, argmax=emit.argmax, sites=sites, tables=emit.tables)
    proof = prove(graph, circuit)
    (folder / "operators.json").write_text(operators.to_json(graph), encoding="utf-8")
    (folder / "proof.json").write_text(json.dumps(vars(proof)) + "\n", encoding="utf-8")


STAGE = Stage("lower", _depends, _make, _describe)
