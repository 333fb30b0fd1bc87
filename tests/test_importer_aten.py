"""PyTorch's operators: each is an output of one module, which is read once; PyTorch computes the expected values."""

import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own abbreviation
from torch import Tensor, nn

from netgen.importer.module import read_module
from netgen.ir.fixed import Reals

SHAPE = (4, 6, 5)
"""Of one sample."""


def numbers(*shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(7).normal(size=shape))


WEIGHTS = {
    "a": numbers(5, 3),
    "b": numbers(4, 5, 2),
    "c": numbers(3, 6),
    "d": numbers(6, 2, 3, 3),
    "e": numbers(4, 3, 2, 3),
    "m": torch.tensor([True, False, True, True, False]),
    "p": numbers(5),
    "s": numbers(4).abs(),
    "t": numbers(4, 1, 3, 3),
    "v": numbers(4),
}

Weights = dict[str, Tensor]


def _between(x: Tensor, _: dict[str, Tensor]) -> Tensor:
    """The order of an early exit: the bypass, then the gate, then the word."""
    bypass, gate = F.relu(x), x.amax(1, keepdim=True) >= 0.5
    return torch.where(gate, F.hardtanh(x), bypass)


FUNCTIONS: dict[str, Callable[[Tensor, Weights], Tensor]] = {
    # functions of single elements
    "abs": lambda x, _: x.abs(),
    "ceil": lambda x, _: x.ceil(),
    "celu": lambda x, _: F.celu(x, 0.7),
    "clamp": lambda x, _: x.clamp(-0.5, 0.25),
    "clamp below": lambda x, _: x.clamp(min=0.1),
    "clamp by tensors": lambda x, w: torch.clamp(x, -w["p"].abs(), w["p"].abs()),
    "elu": lambda x, _: F.elu(x, 0.3),
    "fake quantize": lambda x, _: torch.fake_quantize_per_tensor_affine(x, 0.25, 3, -8, 7),
    "floor": lambda x, _: x.floor(),
    "gelu": lambda x, _: F.gelu(x),
    "gelu by tanh": lambda x, _: F.gelu(x, approximate="tanh"),
    "greater": lambda x, _: (x > 0.1).double(),
    "greater or equal": lambda x, _: (x >= 0.1).double(),
    "hardsigmoid": lambda x, _: F.hardsigmoid(x * 3),
    "hardswish": lambda x, _: F.hardswish(x * 3),
    "hardtanh": lambda x, _: F.hardtanh(x, -0.5, 0.7),
    "leaky relu": lambda x, _: F.leaky_relu(x, 0.2),
    "less": lambda x, _: (x < 0.1).double(),
    "less or equal": lambda x, _: (x <= 0.1).double(),
    "log sigmoid": lambda x, _: F.logsigmoid(x),
    "mish": lambda x, _: F.mish(x),
    "negative": lambda x, _: -x,
    "power": lambda x, _: x**3,
    "prelu": lambda x, w: F.prelu(x, w["v"]),
    "prelu of one slope": lambda x, w: F.prelu(x, w["v"][:1]),
    "relu": lambda x, _: F.relu(x),
    "relu in place": lambda x, _: F.relu(x * 1.0, inplace=True),
    "relu6": lambda x, _: F.relu6(x * 9),
    "round": lambda x, _: torch.round(x * 2),
    "selu": lambda x, _: F.selu(x),
    "sigmoid": lambda x, _: torch.sigmoid(x),
    "sign": lambda x, _: torch.sign(x),
    "silu": lambda x, _: F.silu(x),
    "silu written out": lambda x, _: x * torch.sigmoid(x),
    "softplus": lambda x, _: F.softplus(x, 2.0, 3.0),
    "square": lambda x, _: x.square(),
    "tanh": lambda x, _: torch.tanh(x),
    "tanhshrink": lambda x, _: F.tanhshrink(x),
    "threshold": lambda x, _: F.threshold(x, 0.3, 0.3),
    "truncate": lambda x, _: torch.trunc(x * 2),
    # two tensors
    "add": lambda x, _: x + x.flip(1),
    "add a number": lambda x, _: 3 + x,
    "add a tensor": lambda x, w: torch.add(w["p"], x, alpha=2),
    "divide": lambda x, w: x / w["p"],
    "maximum": lambda x, _: torch.maximum(x, x.flip(2)),
    "minimum": lambda x, w: torch.minimum(x, w["p"]),
    "multiply": lambda x, w: w["v"].view(1, 4, 1, 1) * x,
    "subtract": lambda x, _: x - x.flip(3),
    "subtract from a number": lambda x, _: 1 - x,
    # sums
    "addmm": lambda x, w: torch.addmm(w["p"][:3], x[:, 0, 0], w["a"], beta=2, alpha=3),
    "baddbmm": lambda x, w: torch.baddbmm(w["c"][:1, :2].view(1, 1, 2), x[0, :, :1], w["b"])[None],
    "batch norm": lambda x, w: F.batch_norm(x, w["v"], w["s"], w["v"].flip(0), w["s"] * 2, eps=0.1),
    "batch norm without affine": lambda x, w: F.batch_norm(x, w["v"], w["s"]),
    "bmm": lambda x, w: torch.bmm(x[0], w["b"])[None],
    "einsum": lambda x, w: torch.einsum("bcij,jk->bkci", x, w["a"]),
    "einsum of three": lambda x, w: torch.einsum("...ij,jk,ki->...k", x, w["a"], w["c"]),
    "einsum with a shared axis": lambda x, w: torch.einsum("bcij,cjk->bcik", x, w["b"]),
    "einsum of one": lambda x, _: torch.einsum("bcij->bji", x),
    "linear": lambda x, w: F.linear(x, w["a"].T, w["p"][:3]),
    "matrix product": lambda x, w: x @ w["a"],
    "matrix product from the left": lambda x, w: w["c"] @ x,
    "matrix product in batches": lambda x, w: torch.matmul(x, w["b"]),
    "matrix product with a vector": lambda x, w: x @ w["p"],
    "maximum of an axis": lambda x, _: x.max(dim=2).values,
    "maximum of axes": lambda x, _: x.amax(dim=(1, 3), keepdim=True),
    "mean": lambda x, _: x.mean((2, 3)),
    "minimum of an axis": lambda x, _: x.amin(dim=1),
    "sum": lambda x, _: x.sum(-1, keepdim=True),
    # windows
    "adaptive average pool": lambda x, _: F.adaptive_avg_pool2d(x, (4, 3)),
    "adaptive average pool of one axis": lambda x, _: F.adaptive_avg_pool1d(x[:, 0], 2),
    "adaptive maximum pool": lambda x, _: F.adaptive_max_pool2d(x, (4, 3)),
    "average pool": lambda x, _: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
    "average pool of one axis": lambda x, _: F.avg_pool1d(x[:, 0], 2, 3, 1),
    "average pool with a divisor": lambda x, _: F.avg_pool2d(x, (2, 3), divisor_override=5),
    "convolution": lambda x, w: F.conv2d(x, w["d"], None, (2, 1), (1, 2), (1, 2), groups=2),
    "convolution of a sample": lambda x, w: F.conv2d(x[0], w["d"], groups=2)[None],
    "convolution of one axis": lambda x, w: F.conv1d(x[:, :, 0], w["e"][:, :, 0].swapaxes(0, 1)),
    "convolution, same size": lambda x, w: F.conv2d(x, w["e"].swapaxes(0, 1), padding="same", dilation=(1, 2)),
    "depthwise convolution": lambda x, w: F.conv2d(x, w["t"], w["v"], padding=1, groups=4),
    "maximum pool": lambda x, _: F.max_pool2d(x, (3, 2), 2, 1, ceil_mode=True),
    "maximum pool of one axis": lambda x, _: F.max_pool1d(x[:, 0], 3, 1, 1, 2),
    "transposed convolution": lambda x, w: F.conv_transpose2d(x, w["e"], w["p"][:3], 2, 1, 1, dilation=(2, 1)),
    "transposed convolution of one axis": lambda x, w: F.conv_transpose1d(x[:, :, 0], w["e"][:, :, 0], stride=3),
    # moves
    "channel shuffle": lambda x, _: F.channel_shuffle(x, 2),
    "choice by a known mask": lambda x, w: torch.where(w["m"], x, -x),
    "chunk and concatenate": lambda x, _: torch.cat(x.chunk(2, 1)[::-1], 1),
    "concatenate with a constant": lambda x, w: torch.cat([x, w["p"].expand(1, 4, 1, 5)], 2),
    "expand": lambda x, _: x[:, :1].expand(1, 3, 6, 5),
    "flatten": lambda x, _: x.flatten(1),
    "flip": lambda x, _: x.flip(2, 3),
    "index by places": lambda x, _: x[:, [2, 0, 0]],
    "nearest neighbours": lambda x, _: F.interpolate(x, scale_factor=2),
    "pad": lambda x, _: F.pad(x, (1, 2, 0, 1)),
    "pad with a number": lambda x, _: F.pad(x, (1, 2, 0, 1), value=-2.5),
    "pad with less": lambda x, _: F.pad(x, (-1, 2), value=1.5),
    "pad with edges": lambda x, _: F.pad(x, (1, 2, 0, 1), mode="replicate"),
    "pad with reflections": lambda x, _: F.pad(x, (1, 2, 0, 1), mode="reflect"),
    "pad around": lambda x, _: F.pad(x, (1, 2, 0, 1), mode="circular"),
    "permute": lambda x, _: x.permute(0, 3, 1, 2),
    "pixel shuffle": lambda x, _: F.pixel_shuffle(x, 2),
    "repeat": lambda x, _: x.repeat(1, 2, 1, 3),
    "reshape": lambda x, _: x.reshape(1, -1, 3),
    "roll": lambda x, _: x.roll(2, 3),
    "select": lambda x, _: x[:, 1],
    "slice": lambda x, _: x[:, ::2, 1:-1],
    "split": lambda x, _: torch.split(x, [1, 3], 1)[1],
    "squeeze": lambda x, _: x[:, :1].squeeze(1),
    "stack": lambda x, _: torch.stack([x[:, 0], x[:, 2]], 1),
    "transpose": lambda x, _: x.transpose(1, 2),
    "unbind": lambda x, _: x.unbind(2)[3],
    "unsqueeze": lambda x, _: x.unsqueeze(2),
    "view": lambda x, _: x.contiguous().view(x.size(0), 2, -1),
    # selections by gates
    "choice by a comparison": lambda x, _: torch.where(x[:, :1] > 0.3, x[:, 1:], x[:, :3]),
    "choice by a gate before both": lambda x, _: torch.where(x.sum(1, keepdim=True) >= 0, F.relu(x), F.tanh(x)),
    "choice by a gate between both": _between,
    "choice or 0": lambda x, w: torch.where(x <= 0.1, F.relu(x), 0 * w["p"]),
    # heads
    "arg max": lambda x, _: x.flatten(1).argmax(1),
    "arg max that keeps its axis": lambda x, _: x.argmax(1, keepdim=True),
    "log softmax": lambda x, _: F.log_softmax(x, 1),
    "place of the maximum": lambda x, _: x.max(dim=3).indices,
    "softmax": lambda x, _: x.mean((2, 3)).softmax(-1),
}


class Table(nn.Module):
    """All functions of one input."""

    def __init__(self) -> None:
        super().__init__()
        for name, weight in WEIGHTS.items():
            self.register_buffer(name, weight)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        weights = {name: self.get_buffer(name) for name in WEIGHTS}
        return {name: function(x, weights) for name, function in FUNCTIONS.items()}


SAMPLES = np.random.default_rng(3).normal(size=(5, *SHAPE))


@cache
def outputs() -> dict[str, Reals]:
    network, _ = read_module(Table(), torch.from_numpy(SAMPLES))
    found = network.evaluate(SAMPLES)
    assert isinstance(found, tuple)
    return {head.name: np.asarray(values) for head, values in zip(network.outputs, found, strict=True)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_operator_computes_what_pytorch_computes(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of copies that PyTorch makes for padding, once in a process
        right = [FUNCTIONS[name](torch.from_numpy(sample[None]), WEIGHTS).numpy() for sample in SAMPLES]
    np.testing.assert_allclose(outputs()[name], np.concatenate(right), rtol=1e-12, atol=1e-13)
