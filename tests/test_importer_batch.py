"""A model whose output for one sample depends on the others of its batch is refused: hardware computes one sample."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx import TensorProto
from onnx_models import node, numbers, write
from torch import nn

import netgen
from netgen.errors import ModelError
from netgen.importer.batch import check_batch

DEPENDS = (
    r"output output of one sample depends on the others of its batch, as x - x\.mean\(0\) does; hardware reads one"
)
X = torch.tensor(numbers(2, 4))


class Mixer(nn.Module):
    """A linear layer and something that computes with its batch."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.fc = how, nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.fc(x)
        match self.how:
            case "mean":
                return y - y.mean(0)
            case "sum of all":
                return y + y.sum()
            case "flip":
                return y.flip(0)
            case "first sample":
                return y + y[:1]
            case "last sample":
                return y - y[-1:]
            case "maximum":
                return y + y.max(0).values
            case "number":
                return y / x.shape[0]
            case "one row":
                return y[:1]
            case _:
                return y


MIXED = ["mean", "sum of all", "flip", "first sample", "last sample", "maximum", "number"]


@pytest.mark.parametrize("how", MIXED)
def test_a_module_that_mixes_the_samples_of_its_batch_is_refused(how: str) -> None:
    with pytest.raises(ModelError, match=f"^module Mixer: {DEPENDS}"):
        netgen.read(Mixer(how), example=X[:1])


def test_a_module_that_gives_one_row_for_any_batch_is_refused() -> None:
    with pytest.raises(ModelError, match=r"output has shape \(1, 3\) for a batch of 9; its first axis must be"):
        netgen.read(Mixer("one row"), example=X[:1])


class OneOnly(nn.Module):
    """Reshapes one sample; a batch of two does not fit its layer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.fc(x.reshape(1, -1))
        return y


def test_a_module_that_computes_one_sample_at_a_time_only_is_read() -> None:
    model = OneOnly()
    right = model.double()(X[:1].double()).detach().numpy()
    assert np.allclose(netgen.read(model, example=X[:1]).evaluate(X[:1].numpy()), right, atol=1e-12)


@pytest.mark.parametrize(("how", "refused"), [("none", False), ("mean", True), ("flip", True), ("number", True)])
def test_a_program_of_an_open_batch_is_refused_where_it_mixes_samples(how: str, refused: bool, tmp_path: Path) -> None:
    batch = torch.export.Dim("batch")
    program = torch.export.export(Mixer(how).eval(), (X,), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "net.pt2")
    if refused:
        with pytest.raises(ModelError, match=DEPENDS):
            netgen.read(tmp_path / "net.pt2")
    else:
        netgen.read(tmp_path / "net.pt2")


AXIS = np.array([0])
MODELS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "mean": ([node("ReduceMean", ["x"], ["m"], axes=[0]), node("Sub", ["x", "m"], ["y"])], {}),
    "maximum of all": ([node("ReduceMax", ["x"], ["m"]), node("Sub", ["x", "m"], ["y"])], {}),
    "reversed": (
        [node("Slice", ["x", "first", "last", "axis", "step"], ["y"])],
        {"first": np.array([-1]), "last": np.array([-(2**40)]), "axis": AXIS, "step": np.array([-1])},
    ),
    "first sample": ([node("Gather", ["x", "axis"], ["g"]), node("Sub", ["x", "g"], ["y"])], {"axis": AXIS}),
    "number": (
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "zero"], ["n"]),
            node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
            node("Mul", ["x", "f"], ["y"]),
        ],
        {"zero": np.array(0)},
    ),
}


@pytest.mark.parametrize("how", MODELS)
def test_an_onnx_file_of_an_open_batch_is_refused_where_it_mixes_samples(how: str, tmp_path: Path) -> None:
    nodes, stored = MODELS[how]
    path = write(tmp_path / "net.onnx", nodes, ("batch", 4), stored)
    with pytest.raises(ModelError, match=r"net\.onnx: output y of one sample depends on the others of its batch"):
        netgen.read(path)


def test_an_onnx_file_that_gives_one_row_for_any_batch_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", [node("Gather", ["x", "axis"], ["y"])], ("batch", 4), {"axis": AXIS})
    with pytest.raises(ModelError, match=r"output y has shape \(1, 4\) for a batch of 2"):
        netgen.read(path)


def test_an_onnx_file_for_one_sample_is_read_whatever_it_does_with_its_batch(tmp_path: Path) -> None:
    """The sum of a batch of one is the sample."""
    nodes = [node("ReduceSum", ["x", "axis"], ["m"]), node("Add", ["x", "m"], ["y"])]
    network = netgen.read(write(tmp_path / "net.onnx", nodes, (1, 4), {"axis": AXIS}))
    assert np.array_equal(network.evaluate(np.array([[1.0, 2, 3, 4]])), [[2.0, 4, 6, 8]])


def test_a_reshape_by_shape_arithmetic_keeps_the_samples_apart(tmp_path: Path) -> None:
    """As PyTorch's exporter writes `x.view(x.shape[0], -1)`."""
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axis"], ["n1"]),
        node("Concat", ["n1", "rest"], ["to"], axis=0),
        node("Reshape", ["x", "to"], ["y"]),
    ]
    stored = {"zero": np.array(0), "axis": AXIS, "rest": np.array([-1])}
    network = netgen.read(write(tmp_path / "net.onnx", nodes, ("batch", 2, 2), stored))
    assert np.array_equal(network.evaluate(np.array([[[1.0, 2], [3, 4]]])), [[1.0, 2, 3, 4]])


def test_differences_within_rounding_are_none() -> None:
    check_batch(2, ["y"], [np.array([1.0, 2])], [np.array([1.0, 2 + 1e-12])], [1e-9])
