"""The stage that reads a network: what it depends on, and what it refuses."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_models import node, numbers, write

import netgen
from netgen.errors import ModelError
from netgen.flow.store import LARGEST

SPEC = """
data: {source: csv, path: data.csv, label: label}
network: {source: net.onnx}
place: {moves: 100, certificate: false}
"""


def spec_of(folder: Path) -> Path:
    rows = [",".join(map(str, row)) for row in np.random.default_rng(0).integers(0, 9, (40, 4)) % [9, 9, 9, 2]]
    (folder / "data.csv").write_text("a,b,c,label\n" + "\n".join(rows) + "\n")
    (folder / "read.yaml").write_text(SPEC)
    return folder / "read.yaml"


def write_network(folder: Path, seed: int) -> None:
    """A layer whose weights lie in a file of their own."""
    path = write(folder / "net.onnx", [node("MatMul", ["x", "w"], ["y"])], (1, 3), {"w": numbers(3, 2, seed=seed)})
    model = onnx.load(path)
    (folder / "weights.bin").unlink(missing_ok=True)
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)


def test_weights_in_a_file_of_their_own_are_read_again_when_they_change(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    write_network(tmp_path, 1)
    before = (tmp_path / "net.onnx").read_bytes()
    first = netgen.build(spec, out=tmp_path, until="read").folder / "network.npz"
    kept = first.read_bytes()
    write_network(tmp_path, 2)
    assert (tmp_path / "net.onnx").read_bytes() == before
    netgen.build(spec, out=tmp_path, until="read")
    assert first.read_bytes() != kept
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelError, match=r"lie in 'weights\.bin', which is no file in the model's folder"):
        netgen.build(spec, out=tmp_path, until="read")


def test_a_source_that_is_too_large_is_refused_by_its_size(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    with (tmp_path / "net.onnx").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(ModelError, match=r"network\.source: .*net\.onnx: longer than 4,294,967,296 bytes"):
        netgen.build(spec, out=tmp_path, until="read")


def test_a_file_is_fine_tuned_by_its_spec_and_built_whole(tmp_path: Path) -> None:
    """A product that tells two classes apart with the wrong sign: fine-tuning on the training samples improves it."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 16, (400, 3))
    right = np.array([[1.0, -0.9], [-0.45, 0.4], [-0.5, 0.55]], dtype=np.float32)
    rows = np.column_stack([x, (x @ right).argmax(1)])
    (tmp_path / "data.csv").write_text("a,b,c,label\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    spec = tmp_path / "tuned.yaml"
    spec.write_text(f"{SPEC}quantize: {{weight_width: 4, fine_tune: labels, epochs: 6, learning_rate: 0.05}}\n")
    write(tmp_path / "net.onnx", [node("MatMul", ["x", "w"], ["y"])], (1, 3), {"w": -right})
    plain = tmp_path / "plain.yaml"
    plain.write_text(f"{SPEC}quantize: {{weight_width: 4}}\n")
    tuned, untuned = (netgen.build(one, out=tmp_path / "out") for one in (spec, plain))
    assert tuned.report.check.agreement == "exact"
    assert any("6 epochs of" in note and "the best epoch by" in note for note in tuned.report.warnings)
    better, worse = (build.report.check.hardware_accuracy for build in (tuned, untuned))
    assert better is not None
    assert worse is not None
    assert better > worse
