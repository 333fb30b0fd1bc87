"""Modules and files that are refused, each in one line that names the cause."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netgen
from netgen.errors import ModelError

SAMPLES = np.random.default_rng(4).normal(size=(6, 8))


class Branches(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x


def with_weight(change: Callable[[Tensor], Tensor]) -> nn.Module:
    """A linear layer whose weight is a buffer of another kind."""
    module = nn.Linear(8, 4)
    weight = change(module.weight.detach())
    del module.weight
    module.register_buffer("weight", weight)
    return module


def spoiled(module: nn.Linear) -> nn.Module:
    with torch.no_grad():
        module.weight[1, 2] = float("nan")
    return module


class Gate(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x.flip(1)


class Early(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(8, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.head(self.body(x).softmax(1))
        return result


class Counter(nn.Module):
    """A module that remembers how often it ran."""

    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return x + self.count


class Noise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn(8)


class Stepped(nn.Module):
    """Replaces what is negative by 1."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x < 0, 1.0, x)


class Centred(nn.Module):
    """Subtracts the mean of the batch, which is the sample itself where it is alone."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


SEQUENCE = np.ones((1, 3, 8), dtype=np.float32)


def negative_variance(norm: nn.BatchNorm1d) -> nn.Module:
    assert norm.running_var is not None
    norm.running_var[1] = -1
    return norm


class Times(nn.Module):
    """A factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


REFUSED: list[tuple[Callable[[], nn.Module], Any, str]] = [
    (
        lambda: nn.Conv2d(64, 64, 3),
        np.zeros((1, 64, 224, 224), dtype=np.float32),
        "module Conv2d: conv2d: unrolls to 1,816,805,376 wires; at most 50,000,000 are read; use a smaller input",
    ),
    (
        lambda: nn.Linear(100, 1_000),
        np.zeros((1, 600, 100), dtype=np.float32),
        "module Linear: linear: unrolls to 60,000,000 wires; at most 50,000,000 are read; use a smaller input",
    ),
    (
        Branches,
        SAMPLES,
        "module Branches: it branches on its data, which no fixed network can; take the branch out of the forward pass",
    ),
    (
        lambda: nn.Sequential(nn.Linear(8, 4), nn.LayerNorm(4)),
        SAMPLES,
        "module Sequential: 1: layer_norm: it divides by a deviation of the signals; train with batch normalization, "
        "which folds into weights",
    ),
    (
        lambda: nn.LSTM(8, 4),
        SEQUENCE,
        "module LSTM: lstm: recurrent layers are not supported; unroll the steps into layers, or use convolutions over "
        "time",
    ),
    (
        lambda: nn.TransformerEncoderLayer(8, 2),
        SEQUENCE,
        "module TransformerEncoderLayer: self_attn: scaled_dot_product_attention: attention multiplies signals; use "
        "convolutions or fixed mixing matrices",
    ),
    (
        Gate,
        SAMPLES,
        "module Gate: mul: a product of two signals; only functions of the same single value, such as x * sigmoid(x), "
        "can be multiplied; use a weighted sum or a fixed gate instead",
    ),
    (
        Early,
        SAMPLES,
        "module Early: head: linear: reads a softmax, which is supported as last operation only; give its input",
    ),
    (
        Counter,
        SAMPLES,
        "module Counter: the forward pass changes buffer count; netgen reads networks without a state",
    ),
    (
        Noise,
        SAMPLES,
        "module Noise: randn: random numbers; call eval(), and take randomness out of the forward pass",
    ),
    (
        Centred,
        SAMPLES,
        "module Centred: output output of one sample depends on the others of its batch, as x - x.mean(0) does; "
        "hardware reads one sample at a time: compute over the axes of the sample, or keep the number in a buffer",
    ),
    (
        lambda: nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3, track_running_stats=False)),
        SEQUENCE,
        "module Sequential: 1: native_batch_norm_legit: batch statistics of the data; give it running statistics",
    ),
    (
        Stepped,
        SAMPLES,
        "module Stepped: where: chooses a known number by values of the data; only signals, and 0 where the condition "
        "is false, can be chosen; use maximum, minimum or clamp",
    ),
    (
        lambda: nn.Embedding(9, 4),
        np.ones((1, 3), dtype=np.int64),
        "module Embedding: embedding: indexes a table by a signal; give one-hot inputs to a linear layer",
    ),
    (
        lambda: nn.Linear(5, 4),
        SAMPLES,
        "module Linear: it cannot compute a sample of shape (1, 8): mat1 and mat2 shapes cannot be multiplied "
        "(1x8 and 5x4); give samples of the shape and type that it reads",
    ),
    (
        lambda: nn.Conv2d(3, 1, 2),
        np.zeros((1, 4, 4, 3), dtype=np.float32),
        "module Conv2d: it cannot compute a sample of shape (1, 4, 4, 3): Given groups=1, weight of size [1, 3, 2, 2], "
        "expected input[1, 4, 4, 3] to have 3 channels, but got 4 channels instead; channels come first: give "
        "x.transpose(0, 3, 1, 2)",
    ),
    (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 4)),
        np.zeros((1, 4, 4), dtype=np.float32),
        "module Sequential: it cannot compute a sample of shape (1, 4, 4): mat1 and mat2 shapes cannot be multiplied "
        "(2x4 and 8x4); the channel has an axis: give x[:, None]",
    ),
    (
        lambda: nn.Conv1d(3, 1, 2),
        np.zeros((1, 9, 3), dtype=np.float32),
        "module Conv1d: it cannot compute a sample of shape (1, 9, 3): Given groups=1, weight of size [1, 3, 2], "
        "expected "
        "input[1, 9, 3] to have 3 channels, but got 9 channels instead; channels come first: give x.transpose(0, 2, 1)",
    ),
    (
        lambda: nn.Linear(12, 4),
        np.zeros((1, 1, 3, 4), dtype=np.float32),
        "module Linear: it cannot compute a sample of shape (1, 1, 3, 4): mat1 and mat2 shapes cannot be multiplied "
        "(3x4 "
        "and 12x4); it reads flat features: give x.reshape(len(x), -1)",
    ),
    (
        lambda: nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4, track_running_stats=False)),
        SAMPLES,
        "module Sequential: a batch norm without running statistics, which computes over the batch; give it some",
    ),
    (lambda: nn.Linear(8, 4), None, "module Linear: give an example input, such as example=x[:1]"),
    (
        lambda: nn.Linear(8, 4),
        np.float64(3),
        "module Linear: an example of shape (); its first axis is the batch: example=x[:1]",
    ),
    (lambda: nn.Linear(8, 4), "x", "module Linear: an example of str; give an array of numbers"),
    (
        lambda: nn.Linear(8, 4, device="meta"),
        SAMPLES,
        "module Linear: weight is on the meta device, without numbers; load the weights first",
    ),
    (
        lambda: nn.LazyLinear(4),
        SAMPLES,
        "module LazyLinear: weight has no shape yet; run the module once before it is read",
    ),
    (
        lambda: with_weight(lambda w: w.to_sparse()),
        SAMPLES,
        "module Linear: weight is stored as torch.sparse_coo; convert it by to_dense()",
    ),
    (
        lambda: with_weight(lambda w: w + 1j),
        SAMPLES,
        "module Linear: weight has complex numbers; netgen computes with real ones",
    ),
    (
        lambda: spoiled(nn.Linear(8, 4)),
        SAMPLES,
        "module Linear: weight has numbers that are not finite; train or load it again",
    ),
    (
        lambda: nn.Sequential(negative_variance(nn.BatchNorm1d(8))),
        SAMPLES,
        "module Sequential: 0: a variance of -1 and an epsilon of 1e-05; their sum must be positive",
    ),
    (
        lambda: nn.Sequential(Times(1e300), Times(1e300)),
        SAMPLES,
        "module Sequential: layer 0.mul: weight 0 is inf; every weight must be finite",
    ),
    *(
        (
            lambda: nn.Linear(8, 4),
            example,
            "module Linear: an example that is no dense tensor of real numbers; give x[:1] of your samples",
        )
        for example in (
            torch.zeros(1, 8).to_sparse(),
            torch.zeros(1, 8, device="meta"),
            torch.zeros(1, 8, dtype=torch.complex64),
            np.zeros((1, 8), np.complex128),
        )
    ),
    *(
        (
            lambda: nn.Linear(8, 4),
            np.full((1, 8), number),
            f"module Linear: an example with NaN or numbers beyond {limit}; give samples as the model reads them",
        )
        for number, limit in ((np.nan, "3.4e+38"), (np.inf, "3.4e+38"), (1e300, "3.4e+38"), (2**62, "9.01e+15"))
    ),
]


@pytest.mark.parametrize(("module", "example", "message"), REFUSED, ids=[message[:60] for _, _, message in REFUSED])
def test_what_cannot_be_read_is_refused_in_one_line(
    module: Callable[[], nn.Module], example: Any, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError) as refusal:
        netgen.read(module(), example)
    assert str(refusal.value) == message
    assert capfd.readouterr() == ("", "")


class Quantized(nn.Module):
    """A value as PT2E quantizes it."""

    def forward(self, x: Tensor) -> Tensor:
        """Words of (n, 8)."""
        import torch.ao.quantization.fx._decomposed  # registers the operators

        words: Tensor = torch.ops.quantized_decomposed.quantize_per_tensor(x, 0.05, 3, -128, 127, torch.int8)
        return words


def test_what_pt2e_quantized_is_refused_as_that() -> None:
    message = (
        "module Quantized: quantize_per_tensor: PT2E or TorchAO quantized it, which is not read; export it to ONNX "
        "with QuantizeLinear, or give the float model"
    )
    with pytest.raises(ModelError) as refusal:
        netgen.read(Quantized(), np.zeros((1, 8)))
    assert str(refusal.value) == message


def test_other_objects_are_refused() -> None:
    with pytest.raises(ModelError, match=r"^OrderedDict: a state_dict; give the nn.Module that it belongs to; read"):
        netgen.read(nn.Linear(8, 4).state_dict())  # type: ignore[arg-type]


def test_torchscript_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # PyTorch's own: it gives TorchScript up
        script = torch.jit.trace(nn.Linear(8, 4), torch.ones(1, 8))  # type: ignore[no-untyped-call]
        torch.jit.save(script, tmp_path / "script.pt")
    with pytest.raises(
        ModelError, match=r"^module TopLevelTracedModule: a TorchScript module; give the nn.Module that"
    ):
        netgen.read(script, SAMPLES)
    with pytest.raises(
        ModelError, match=r"script\.pt: a TorchScript file; load it into its nn.Module and read that, or export"
    ):
        netgen.read(tmp_path / "script.pt")


def test_files_that_hold_no_network_are_refused(tmp_path: Path) -> None:
    def refusal(name: str) -> str:
        with pytest.raises(ModelError) as found:
            netgen.read(tmp_path / name)
        return str(found.value).removeprefix(f"{tmp_path}/")

    torch.save(nn.Linear(8, 4), tmp_path / "pickled.pt")
    (tmp_path / "some.safetensors").write_bytes(b"")
    (tmp_path / "some.h5").write_bytes(b"")
    assert refusal("pickled.pt").startswith(
        "pickled.pt: a pickled module of class torch.nn.modules.linear.Linear, which is code and is not loaded;"
    )
    assert refusal("some.safetensors").startswith("some.safetensors: weights without a network; load it into its nn.")
    assert refusal("some.h5") == "some.h5: a file of kind '.h5'; give a .pt2 or .onnx file"
    assert refusal("absent.pt2") == "absent.pt2: no such file; give a .pt2 or .onnx file"
