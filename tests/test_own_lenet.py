"""The benchmark of a user's LeNet-5: what it prunes by PyTorch is what netgen counts, and a run is kept."""

import copy
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from commands import run_script
from small_images import write_images
from torch import nn
from torch.nn.utils import prune

import netgen

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "own_lenet.py"
MAXIMA = 4 * (6 * 12 * 12 + 16 * 4 * 4)
"""Wires of LeNet-5's maxima: four for each of 6 x 12 x 12 and 16 x 4 x 4 neurons."""


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        for folder in ("benchmarks", "docs/examples"):
            patch.syspath_prepend(str(ROOT / folder))
        yield import_module("own_lenet")
    for name in ("own_lenet", "lenet", "pruning", "images"):
        sys.modules.pop(name, None)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(1)
    lenet: nn.Module = import_module("lenet").LeNet5()
    for name in ("conv1", "conv2", "fc1", "fc2", "fc3"):
        prune.identity(lenet.get_submodule(name), "weight")  # type: ignore[no-untyped-call]  # so is PyTorch's
    return lenet


def _read(model: nn.Module) -> int:
    with torch.no_grad():
        model(torch.zeros(1, 1, 28, 28))
    return netgen.read(copy.deepcopy(model).eval(), example=torch.rand(2, 1, 28, 28)).wires


def test_a_weight_has_as_many_wires_as_netgen_reads(benchmark: ModuleType, model: nn.Module) -> None:
    assert benchmark.unrolled(model) + MAXIMA == _read(model)
    benchmark.remove_by_layer(model, 150_000)
    assert benchmark.unrolled(model) + MAXIMA == _read(model)


def test_pruning_by_layer_keeps_the_shares_of_the_examples(benchmark: ModuleType, model: nn.Module) -> None:
    """A third of the wires of `KEEP` is a third of its shares, but for rounding."""
    sizes = {name: benchmark.mask_of(model, name).numel() for name in benchmark.USES}
    wires = sum(share * sizes[name] * benchmark.USES[name] for name, share in benchmark.KEEP.items()) / 3
    benchmark.remove_by_layer(model, wires)
    for name, share in benchmark.KEEP.items():
        assert int(benchmark.mask_of(model, name).sum()) == round(share * sizes[name] / 3)


def test_global_pruning_removes_the_smallest_weights_of_all_layers(benchmark: ModuleType, model: nn.Module) -> None:
    """What is left reaches the number of wires to within one weight, and no weight left is below one that went."""
    benchmark.remove(model, 60_000)
    assert 60_000 - 576 < benchmark.unrolled(model) <= 60_000 + 576
    left, gone = [], []
    for name in benchmark.USES:
        weight, mask = (
            model.get_submodule(name).get_parameter("weight_orig").detach().abs(),
            benchmark.mask_of(model, name),
        )
        left.append(weight[mask > 0])
        gone.append(weight[mask == 0])
    assert float(torch.cat(gone).max()) <= float(torch.cat(left).min())


def test_a_run_is_kept_and_the_table_shows_its_networks(tmp_path: Path) -> None:
    """With one epoch no network is accurate, so the first is the last; the second run trains nothing."""
    write_images(tmp_path / "mnist")
    words = ("--data", str(tmp_path), "--out", str(tmp_path), "--epochs", "1", "--only", "channels first")
    first, second = (run_script(SCRIPT, *words, cwd=tmp_path) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert "channels first: 39," in first.stderr or "channels first: 40," in first.stderr
    assert second.stderr == ""
    assert first.stdout.endswith(second.stdout)
    header, _, row = second.stdout.splitlines()[:3]
    assert header == "| way | wires | wire length | validation | test |"
    assert row.startswith("| channels first | ")
