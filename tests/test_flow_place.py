"""The stage that places: what it minimizes."""

from pathlib import Path

import numpy as np

import netgen
from netgen.data import load_dataset
from netgen.energy import toggle_weights
from netgen.ir.grid import wire_lengths

SMALL = """
network: {hidden: [12, 8]}
train: {epochs: 3, batch_size: 32, learning_rate: 0.005}
prune: {sparsity: 0.7, rounds: 2, retrain: 1}
quantize: {epochs: 1}
place: {moves: 300000, certificate: false, weigh: length}
emit: {vectors: 4}
check: {simulator: amaranth, samples: 4}
"""


def test_a_placement_by_toggles_shortens_busy_wires_and_keeps_what_was_trained(tmp_path: Path) -> None:
    """Of the same circuit one placement is better by length, the other by length times toggles."""
    builds = {}
    for weigh in ("length", "toggles"):
        (tmp_path / "small.yaml").write_text(SMALL.replace("weigh: length", f"weigh: {weigh}"))
        build = netgen.build(tmp_path / "small.yaml", out=tmp_path / "out")
        lengths = wire_lengths(build.netlist, build.placement)
        trained = (build.folder / "pruned.npz").stat().st_mtime_ns
        builds[weigh] = lengths, trained
        data = load_dataset(build.spec.data, seed=build.spec.seed, base=tmp_path)
        words = build.circuit.input.encode(data.train.features)
        weights = toggle_weights(build.circuit, build.netlist, words)
        assert build.report.wires.total == lengths.sum()
    assert builds["length"][1] == builds["toggles"][1]
    assert builds["length"][0].sum() < builds["toggles"][0].sum()
    assert weights @ builds["toggles"][0] < weights @ builds["length"][0]
    assert len(np.unique(weights)) > 10
