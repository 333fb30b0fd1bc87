"""Outputs in which large terms cancel are read, and a wrong reading of them is still refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx import TensorProto
from onnx_models import node, write
from torch import Tensor, nn

import netgen
from netgen.errors import ModelError
from netgen.importer.fuse import fuse
from netgen.importer.onnx_file import read_onnx
from netgen.importer.read import read_with_report
from netgen.importer.rounding_noise import RoundingNoise
from netgen.ir.network import Head, Layer, Network, Port

EXAMPLE = torch.linspace(-1, 1, 8, dtype=torch.float64)[None]


class Cancelling(nn.Module):
    """A ReLU, to which a number is added that the next layer's bias takes away again, all times a factor."""

    def __init__(self, added: float, factor: float) -> None:
        super().__init__()
        self.added, self.factor = added, factor
        torch.manual_seed(0)
        self.fc, self.top = nn.Linear(8, 4), nn.Linear(4, 4)
        self.double()
        with torch.no_grad():
            self.top.bias.copy_(-added * self.top.weight.sum(1))

    def forward(self, x: Tensor) -> Tensor:
        """Values (n, 4) of (n, 8)."""
        scores: Tensor = self.top(torch.relu(self.fc(x)) + self.added) * self.factor
        return scores


class Nothing(nn.Module):
    """A value less the same value in another order of sums: 0 but for rounding; as a score and as a class."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Values (n, 3), classes (n,) and values (n, 3) of (n, 8)."""
        inner = self.fc(x) / 3
        left = inner * 0.1 + inner * 0.2 - inner * 0.3
        return left, left.argmax(1), inner


def test_an_output_that_cancels_is_read() -> None:
    torch.manual_seed(1)
    module = Nothing().double().eval()
    network, report = read_with_report(module, EXAMPLE)
    found = network.evaluate(EXAMPLE.numpy())
    with torch.no_grad():
        right = module(EXAMPLE)
    assert 0 < right[0].abs().max() < 1e-15  # so a relative difference says nothing
    assert np.abs(np.asarray(found[0])).max() < 1e-15
    np.testing.assert_allclose(np.asarray(found[2]), right[2].numpy(), rtol=1e-12)
    assert report.worst < 1e-12


def test_what_is_left_of_a_large_term_is_read() -> None:
    """1e9 + x - 1e9 is x to within 1e-7, more than a thousand-millionth of it."""
    module = Cancelling(1e9, 1.0).eval()
    network, _ = read_with_report(module, EXAMPLE)
    with torch.no_grad():
        right = module(EXAMPLE).numpy()
    apart = np.abs(np.asarray(network.evaluate(EXAMPLE.numpy())) - right).max()
    assert 1e-9 < apart < 1e-6


@pytest.mark.parametrize(("added", "factor"), [(1e9, 1.0), (0.0, 1e-30), (1e6, 1e-30), (1e3, 1.0)])
def test_a_wrong_reading_is_refused_however_small_the_output(
    added: float, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ReLU that is read as `max(x, 1e-5)` differs by 1e-5, more than any rounding beside 1e9."""
    from netgen.importer import aten
    from netgen.ir.functions import Clip

    def wrong(call: aten.Call) -> Any:
        return call.builder.apply(call.name, call.signals("self"), (Clip(1e-5),))

    monkeypatch.setitem(aten.HANDLERS, "relu", wrong)
    with pytest.raises(ModelError, match=r"^module Cancelling: .* differs from the source by .* report this as a bug"):
        netgen.read(Cancelling(added, factor).eval(), EXAMPLE)


def cancelling_file(path: Path) -> Path:
    """y = (0.1 + 0.2 - 0.3) (W x), as float32 rounds the three: about 1e-8 of W x; z = W x."""
    nodes = [
        node("MatMul", ["x", "w"], ["z"]),
        *(node("Mul", ["z", name], [name.upper()]) for name in "abc"),
        node("Sub", ["C", "B"], ["one"]),
        node("Sub", ["A", "one"], ["y"]),
    ]
    stored = {name: np.array(0.1 * (k + 1)) for k, name in enumerate("abc")} | {"w": np.eye(4) * 3 - 1}
    return write(path, nodes, (1, 4), stored, outputs=("y", "z"), kind=TensorProto.DOUBLE)


def test_an_output_of_a_file_that_cancels_is_read(tmp_path: Path) -> None:
    network, report = read_onnx(cancelling_file(tmp_path / "net.onnx"))
    y, z = network.evaluate(np.array([[1.0, 2.0, -1.0, 0.5]]))
    assert np.abs(np.asarray(y)).max() < 1e-15
    np.testing.assert_allclose(np.asarray(z), [[0.5, 3.5, -5.5, -1.0]], rtol=1e-12)
    assert report.worst < 1e-5
    assert report.assumed == ()


def test_a_wrong_join_of_a_file_that_cancels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of the weights 0.1, 0.2 and 0.3 is wrong by 1e-12."""

    def wrong(network: Network) -> Network:
        found = fuse(network)
        last = found.layers[-1]
        return replace(found, layers=(*found.layers[:-1], replace(last, weight=last.weight + 1e-12)))

    monkeypatch.setattr("netgen.importer.onnx_file.fuse", wrong)
    with pytest.raises(ModelError, match=r"output y: joining layers changes it by .* of its greatest value"):
        read_onnx(cancelling_file(tmp_path / "net.onnx"))


def test_noise_follows_the_terms_that_cancel() -> None:
    """a = 1000 x, b = a - 1000 x, c = 1e-20 x: b is 0 to within a few roundings of 1000, and c of 1e-20."""
    layers = (
        Layer("a", np.array([0, 1]), np.array([0]), np.array([1000.0]), np.zeros(1)),
        Layer("b", np.array([0, 2]), np.array([0, 1]), np.array([-1000.0, 1.0]), np.zeros(1)),
        Layer("c", np.array([0, 1]), np.array([0]), np.array([1e-20]), np.zeros(1)),
    )
    heads = Head("b", np.array([2])), Head("c", np.array([3]))
    network = Network((Port("x", (1,)),), layers, heads)
    noise = RoundingNoise(network, np.array([[1.0], [0.5]]), 2.0**-53)
    assert noise.neurons[0] == 0  # an input
    assert 4 * 2.0**-53 * 1000 < noise.of(0)[0] < 100 * 2.0**-53 * 1000
    assert 4 * 2.0**-53 * 1e-20 < noise.of(1)[0] < 100 * 2.0**-53 * 1e-20
