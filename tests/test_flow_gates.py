"""A cascade from data to hardware: trained, pruned, quantized, and equal in every bit."""

from pathlib import Path

import netgen

CASCADE = """
network: {layers: [dense 8, exit, dense 12]}
train: {epochs: 8, batch_size: 32, learning_rate: 0.005, regularizer: distance, strength: 0.02}
prune: {rule: obs_distance, sparsity: null, wire_length: 500, rounds: 2, retrain: 3, place_moves: 10000}
quantize: {fine_tune: labels, epochs: 1}
place: {moves: 10000, certificate: false}
emit: {vectors: 4}
check: {simulator: amaranth, samples: 8}
"""


def test_a_cascade_becomes_exact_hardware_with_one_multiplexer_for_each_class(tmp_path: Path) -> None:
    (tmp_path / "cascade.yaml").write_text(CASCADE)
    build = netgen.build(tmp_path / "cascade.yaml", out=tmp_path / "out")
    check = build.report.check
    assert check is not None
    assert check.agreement == "exact"
    assert (check.hardware_accuracy or 0) >= 0.5
    (selections,) = (layer for layer in build.circuit.layers if layer.gather == "select")
    assert len(selections) == 10
