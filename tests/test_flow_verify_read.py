"""Checking a network that was read: its folder again, and which of two classes one output means."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import netgen
from netgen.errors import CheckError
from netgen.flow.classes import classes_of, middle_of
from netgen.flow.verify import recheck
from netgen.ir.fixed import Reals
from netgen.ir.network import Network
from netgen.quantize import quantize_network

SPEC = """
data: {source: csv, path: data.csv, label: label}
network: {source: net.pt2}
place: {moves: 100, certificate: false}
emit: {vectors: 2}
check: {simulator: amaranth, samples: 3}
"""
X: Reals = np.random.default_rng(0).normal(size=(200, 3))


def read(*tail: nn.Module, outputs: int = 1) -> Network:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, outputs), *tail).double().eval()
    return netgen.read(module, example=X[:1])


@pytest.mark.parametrize(
    ("tail", "middle"),
    [
        ((nn.Sigmoid(),), 0.5),
        ((nn.Hardsigmoid(),), 0.5),
        ((), 0.0),
        ((nn.Tanh(),), 0.0),
        ((nn.ReLU(),), 0.0),
        ((nn.ReLU6(),), 0.0),
    ],
)
def test_the_middle_of_an_output_is_half_for_probabilities_and_0_otherwise(
    tail: tuple[nn.Module, ...], middle: float
) -> None:
    network = read(*tail)
    assert middle_of(network) == middle
    assert middle_of(quantize_network(network, X)) == middle


def test_one_output_decides_by_the_middle_and_several_by_the_greatest() -> None:
    assert classes_of(np.array([[0.4], [0.6]]), read().outputs, 0.5).tolist() == [0, 1]
    assert classes_of(np.array([[0.4], [-0.6]]), read().outputs, 0.0).tolist() == [1, 0]
    assert classes_of(np.array([[0.4, 0.1], [-0.6, 0.2]]), read(outputs=2).outputs, 0.5).tolist() == [0, 1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of a file and a table of samples."""
    folder = tmp_path_factory.mktemp("verify_read")
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3),)), folder / "net.pt2")
    _write_data(folder, X)
    (folder / "small.yaml").write_text(SPEC)
    return netgen.build(folder / "small.yaml", out=folder).folder


def _write_data(folder: Path, x: Reals) -> None:
    rows = [f"{a:.3f},{b:.3f},{c:.3f},{int(a > b)}" for a, b, c in x.tolist()]
    (folder / "data.csv").write_text("\n".join(["a,b,c,label", *rows]))


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built.parent, tmp_path / "copy")) / built.name


def _replace(path: Path, old: str, new: str) -> int:
    """Replace a text that occurs; return the number of its first line."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


def test_a_build_that_nobody_edited_has_no_edits_and_a_comment_is_none(copy: Path) -> None:
    assert recheck(copy).edits == {}
    _replace(copy / "top.v", "endmodule", "// the end\nendmodule")
    assert recheck(copy).edits == {}


def test_a_simulator_that_does_not_read_edited_verilog_says_so(copy: Path) -> None:
    line = _replace(copy / "top.v", "endmodule", "wire more;\nendmodule")
    with pytest.raises(CheckError) as caught:
        recheck(copy)
    assert str(caught.value) == (
        f"{copy}/top.v: line {line}: the Verilog differs from what netgen wrote, and amaranth does not read it; "
        "use --simulator icarus, or build it again"
    )


@pytest.mark.native
def test_edited_verilog_that_cannot_be_simulated_is_the_edits_fault(
    copy: Path, native_tool: Callable[[str], str]
) -> None:
    native_tool("iverilog")
    line = _replace(copy / "top.v", "endmodule", "endmodul")
    with pytest.raises(CheckError) as caught:
        recheck(copy, simulator="icarus")
    assert re.fullmatch(
        rf"{re.escape(str(copy))}/top\.v: line {line}: the Verilog differs from what netgen wrote: "
        r"iverilog failed: .*syntax error; undo the edit, or build it again",
        str(caught.value),
    )


def test_data_that_changed_since_the_build_are_named(copy: Path) -> None:
    _write_data(copy.parent, X + 0.1)
    assert recheck(copy).edits == {"data": "../data.csv: the data differ from those of the build"}
