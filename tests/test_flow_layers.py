"""Networks that a spec describes by layers: trained, pruned, placed, and exact in the simulator."""

import json
from pathlib import Path

import numpy as np
import pytest

import netgen
from netgen.data import Dataset
from netgen.errors import SpecError
from netgen.flow.build import build
from netgen.flow.built import Build
from netgen.flow.verify import recheck
from netgen.ir.grid import wire_lengths
from netgen.ir.network_file import network_from

SPEC = """
seed: 1
network: {layers: [conv 4 3x3, conv 4 3x3 pad 1, skip 1, max 2, dense 16]}
train: {epochs: 8, batch_size: 32, learning_rate: 0.005, regularizer: distance, strength: 0.01, distance_power: 0.5}
prune: {rule: obs_distance, sparsity: null, wire_length: 900, rounds: 3, schedule: gradual, steps: 2, epochs: 1,
        retrain: 4, place_share: 0.3, place_moves: 20000, untie_at: 1500}
quantize: {weight_width: 5, activation_width: 5, fine_tune: labels, epochs: 4, learning_rate: 0.002}
place: {moves: 100000, certificate: false}
emit: {argmax: true}
check: {samples: 60, simulator: icarus}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("layers")
    (place / "digits.yaml").write_text(SPEC)
    return place


@pytest.fixture(scope="module")
def built(folder: Path) -> Build:
    return netgen.build(folder / "digits.yaml", out=folder / "out")


@pytest.fixture(scope="module")
def kept(built: Build) -> bytes:
    """The pruned network, before other tests build over it."""
    return (built.folder / "network.npz").read_bytes()


def test_hardware_of_a_convolution_with_a_skip_and_a_maximum_is_exact(
    built: Build, digits: Dataset, kept: bytes
) -> None:
    """The accuracy of the float network is counted here, from its weights on the raw features."""
    assert kept
    check = built.report.check
    assert check.agreement == "exact"
    assert check.samples == 60
    raw = digits.test.features[:60].astype(np.float64) / digits.scale
    scores = np.asarray(built.network.evaluate(raw))
    assert check.pruned_accuracy == pytest.approx(float((scores.argmax(axis=1) == digits.test.labels[:60]).mean()))
    assert check.hardware_accuracy is not None
    assert check.hardware_accuracy > 0.7
    assert {layer.gather for layer in built.network.layers} == {"sum", "max"}
    names = [layer.name for layer in built.network.layers]
    assert names[0] == "conv1"
    assert {"max4", "dense5", "scores"} <= set(names)


def test_the_wire_length_is_near_what_was_asked_for(built: Build) -> None:
    """The last placement, from scratch, is not the one that pruning followed."""
    length = int(wire_lengths(built.netlist, built.placement).sum())
    assert length == built.report.wires.total
    assert length < 1200


def test_the_report_says_that_the_network_was_trained(built: Build) -> None:
    assert built.report.imported is not None
    assert not built.report.imported.kept
    assert built.report.imported.worst < 1e-6
    dense, pruned = (json.loads((built.folder / f"{name}.json").read_text()) for name in ("dense", "pruned"))
    assert 0.7 < pruned["validation_accuracy"] <= 1
    assert 0.9 < dense["validation_accuracy"] <= 1
    assert pruned["before"] == pytest.approx(dense["validation_accuracy"], abs=0.01)
    told = next(line for line in built.report.warnings if line.startswith("prune: "))
    assert f"{built.network.wires:,} of {pruned['wires']:,} wires are left" in told


def test_a_network_that_netgen_trained_is_not_called_your_model(built: Build, digits: Dataset) -> None:
    """The network before pruning is in `dense.npz`."""
    with np.load(built.folder / "dense.npz") as arrays:
        dense = network_from(arrays)
    scores = np.asarray(dense.evaluate(digits.test.features[:60].astype(np.float64) / digits.scale))
    check, text = built.report.check, str(built.report)
    assert check.trained_accuracy == pytest.approx((scores.argmax(axis=1) == digits.test.labels[:60]).mean())
    assert (check.model_accuracy, check.reference) == (None, "the pruned network")
    assert "your model" not in text
    assert "the trained network, in float" in text
    assert "the pruned network, in float" in text
    assert f"of {dense.wires:,} before pruning" in " ".join(text.split())


def test_a_build_by_layers_is_checked_again(built: Build, folder: Path) -> None:
    assert recheck(built.folder, base=folder, samples=20).agreement == "exact"


def test_only_the_stages_that_a_change_reaches_are_made_again(built: Build, folder: Path) -> None:
    lines: list[str] = []
    (folder / "again.yaml").write_text(SPEC.replace("retrain: 4", "retrain: 3") + "name: digits\n")
    before = (built.folder / "dense.npz").read_bytes()
    build(folder / "again.yaml", out=folder / "out", until="quantize", progress=lambda line, _: lines.append(line))
    assert "train: kept" in lines
    assert "prune: made" in lines
    assert (built.folder / "dense.npz").read_bytes() == before


def test_the_same_spec_gives_the_same_bytes(folder: Path, kept: bytes) -> None:
    build(folder / "digits.yaml", out=folder / "other", until="prune")
    assert (folder / "other" / "digits" / "network.npz").read_bytes() == kept


@pytest.mark.parametrize(
    ("network", "problem"),
    [
        ("layers: [conv 2 9x9]", r"network\.layers: layer 1: a kernel of 9x9 on 8x8"),
        ("layers: [dense 4], shape: [3, 8, 8]", r"network\.shape: 3x8x8, but a sample has 64 features"),
    ],
)
def test_layers_that_do_not_fit_the_samples_are_one_line(tmp_path: Path, network: str, problem: str) -> None:
    (tmp_path / "a.yaml").write_text(f"network: {{{network}}}")
    with pytest.raises(SpecError, match=problem):
        build(tmp_path / "a.yaml", out=tmp_path / "out", until="train")
