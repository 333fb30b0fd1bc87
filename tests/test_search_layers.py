"""A search varies the layers of a network."""

import csv
from pathlib import Path

import numpy as np

import netgen
from netgen.data import load_dataset
from netgen.ir.circuit import classify, evaluate
from netgen.ir.grid import wire_lengths
from netgen.search import search

SPEC = """
network: {layers: [dense 8]}
train: {epochs: 1, batch_size: 64}
prune: {sparsity: 0.8, rounds: 1, retrain: 1}
quantize: {input_width: 5, weight_width: 5, activation_width: 4}
place: {moves: 500, certificate: false}
search:
  trials: 3
  generation: 3
  ranges:
    prune.sparsity: {low: 0.5, high: 0.9}
    network.layers: {choices: [[conv 3 3x3 stride 2, dense 8], [dense 12]]}
"""


def test_a_search_varies_the_layers_of_a_network(tmp_path: Path) -> None:
    """A point of the front builds again to the accuracy, in integers, and the length that the search found."""
    (tmp_path / "layers.yaml").write_text(SPEC)
    search(tmp_path / "layers.yaml", out=tmp_path / "out", jobs=1)
    with (tmp_path / "out/layers/front.csv").open() as file:
        point = list(csv.DictReader(file))[-1]
    path = tmp_path / f"out/layers/front/{int(point['trial']):04}.yaml"
    build = netgen.build(path, out=tmp_path / "again", until="place")
    data = load_dataset(build.spec.data, seed=build.spec.seed)
    words = build.circuit.encode(data.validation.features.astype(np.float64) / data.scale)
    right = classify(evaluate(build.circuit, words)) == data.validation.labels
    assert float(right.mean()) == float(point["accuracy"])
    assert int(wire_lengths(build.netlist, build.placement).sum()) == int(point["wire_length"])
