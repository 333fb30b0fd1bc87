"""Write trained truth tables as a circuit, without what changes no score: `circuit.json`, `formats.json`."""

import json
from pathlib import Path

from netgen.flow import nouns
from netgen.flow.array_files import read_arrays
from netgen.flow.learning import learner
from netgen.flow.stage import Stage, Work
from netgen.ir.circuit_file import to_json
from netgen.ir.truth_tables import TruthTables, tables_from
from netgen.learn.tables import tables_to_circuit


def _depends(work: Work) -> dict[str, object]:
    made = work.get(learner)
    return nouns.data_key(work) | {
        "train": work.store.digest("train"),
        "word": str(made.word),
        "thresholds": made.thresholds,
    }


def _tables(work: Work) -> TruthTables:
    return read_arrays(work.folder / "tables.npz", "file of truth tables", tables_from)


def _describe(work: Work) -> str:
    return f"{len(work.get(_tables).source):,} truth tables, without those that are constant or equal"


def _make(work: Work, folder: Path) -> None:
    tables = work.get(_tables)
    circuit = tables_to_circuit(work.get(learner), tables)
    (folder / "circuit.json").write_text(to_json(circuit), encoding="utf-8")
    left, trained = len(circuit.layers[0]), len(tables.source)
    note = (
        f"network.tables: {left:,} of {trained:,} tables are left; the others are constant, a bit, or equal to another"
    )
    (folder / "formats.json").write_text(
        json.dumps({"notes": [note] if left < trained else []}) + "\n", encoding="utf-8"
    )


STAGE = Stage("quantize", _depends, _make, _describe)
