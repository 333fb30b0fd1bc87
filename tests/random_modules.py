"""Random PyTorch modules: graphs of every kind of operation that can be read, many of them in one module."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own abbreviation
from torch import Tensor, nn

Random = np.random.Generator
SHAPE = 2, 3, 3
"""Channels, rows and columns of the input."""
MOST = 36
"""Elements of a tensor; larger ones are pooled and cut, so that hardware of many graphs stays small."""
KEPT = 0.4
"""Share of the weights of a layer that are not 0."""

ACTIVATIONS: tuple[Callable[[], nn.Module], ...] = (
    *(nn.CELU, nn.ELU, nn.GELU, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.LeakyReLU, nn.LogSigmoid, nn.Mish),
    *(nn.ReLU, nn.ReLU6, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, partial(nn.ELU, 0.5), nn.Tanh),
    *(partial(nn.GELU, "tanh"), partial(nn.LeakyReLU, -0.3), partial(nn.Threshold, 0.2, 0.2)),
)
FUNCTIONS: tuple[Callable[[Tensor], Tensor], ...] = (
    *(torch.sign, torch.abs, torch.neg, lambda x: x.clamp(-0.5, 1.5), lambda x: x.clamp(min=-0.25)),
    *(lambda x: 2 - x, lambda x: x / 1.5, lambda x: (x + 1).square()),
)
HEADS: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda scores: scores,
    lambda scores: scores.softmax(1),
    lambda scores: scores.log_softmax(1),
    lambda scores: scores.argmax(1),
    lambda scores: scores.sigmoid(),
)
T = TypeVar("T")


def one_of(rng: Random, choices: Sequence[T]) -> T:
    """One of some values, each as likely."""
    return choices[int(rng.integers(len(choices)))]


class Drawn(nn.Module):
    """A graph of random operations on tensors of (channels, rows, columns); each reads one or two earlier tensors."""

    def __init__(self, seed: int, steps: tuple[int, int]) -> None:
        super().__init__()
        self.seed, self.steps = seed, steps
        self.layers = nn.ModuleDict()
        self.kinds: list[str] = []
        self.made = False
        with torch.no_grad():
            self(torch.zeros(1, *SHAPE))
        self.made = True
        rng = np.random.default_rng(seed + 1)
        for name, tensor in self.state_dict().items():
            if tensor.is_floating_point():
                drawn = rng.normal(size=tensor.shape)
                if tensor.ndim > 1:
                    drawn *= rng.random(tensor.shape) < KEPT
                tensor.copy_(torch.from_numpy(0.5 + 0.5 * np.abs(drawn) if name.endswith("running_var") else drawn))

    def layer(self, name: str, make: Callable[[], nn.Module]) -> Callable[[Tensor], Tensor]:
        """The layer of a step; made when the graph is drawn."""
        if not self.made:
            self.layers[name] = make().eval()
        return self.layers[name]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of three classes, under a head, and an inner tensor."""
        rng = np.random.default_rng(self.seed)
        tensors = [x]
        for index in range(int(rng.integers(*self.steps))):
            kind = one_of(rng, list(KINDS))
            read = tensors[-1 - int(rng.geometric(0.7) - 1) % len(tensors)]
            found = KINDS[kind](self, f"{kind}{index}", read, rng)
            if not self.made:
                self.kinds.append(kind)
            if found.numel() > MOST:
                found = F.max_pool2d(found, 2, ceil_mode=True)[:, :4, :3, :3]
            tensors.append(found)
        last = tensors[-1].flatten(1)
        scores = self.layer("head", lambda: nn.Linear(last.shape[1], 3))(last)
        return one_of(rng, HEADS)(scores), tensors[-2]


class Batch(nn.Module):
    """Many graphs of one input: exporting and simulating them together takes a fraction of the time."""

    def __init__(self, seeds: range, steps: tuple[int, int]) -> None:
        super().__init__()
        self.graphs = nn.ModuleList([Drawn(seed, steps) for seed in seeds])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The outputs of all graphs."""
        return tuple(output for graph in self.graphs for output in graph(x))


Step = Callable[[Drawn, str, Tensor, Random], Tensor]


def _averaged(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:  # noqa: ARG001 - the signature of a step
    pad, counted = int(rng.integers(2)), bool(rng.integers(2))
    if min(x.shape[2:]) + 2 * pad < 3:
        return x.mean(3, keepdim=True)
    return F.avg_pool2d(x, (2, 3), (1, 2), pad, ceil_mode=bool(rng.integers(2)), count_include_pad=counted)


def _convolved(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:
    stride, bias = int(rng.integers(1, 3)), bool(rng.integers(2))
    edge = F.pad(x, (1, 1, 1, 1), mode="replicate" if rng.integers(2) else "constant")
    return d.layer(name, partial(nn.Conv2d, x.shape[1], 2, 3, stride, bias=bias))(edge)


def _grouped(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:
    channels, wide = x.shape[1], int(rng.integers(1, 3))
    padding = 2 if wide == 2 else "same"
    return d.layer(name, partial(nn.Conv2d, channels, channels, 3, padding=padding, dilation=wide, groups=channels))(x)


def _in_a_row(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:
    stride = int(rng.integers(1, 3))
    row = x.flatten(2)
    return d.layer(name, partial(nn.Conv1d, x.shape[1], 2, 3, stride, padding=1))(row).unsqueeze(2)


def _transposed(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:
    stride = int(rng.integers(1, 3))
    padding = int(min(x.shape[2:]) > 1)
    return d.layer(name, partial(nn.ConvTranspose2d, x.shape[1], 2, 2, stride, padding=padding))(x)


def _linear(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:
    return d.layer(name, partial(nn.Linear, x.shape[3], 3, bias=bool(rng.integers(2))))(x)


def _contracted(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:
    d.layer(name, partial(nn.Linear, x.shape[2], 2, bias=False))
    weight = d.layers[name].weight
    assert isinstance(weight, Tensor)
    return torch.einsum("bchw,oh->bcow", x, weight) if rng.integers(2) else torch.matmul(weight, x)


def _pooled(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:  # noqa: ARG001
    way = int(rng.integers(3))
    if way == 0 or min(x.shape[2:]) < 2:
        return F.max_pool2d(x, 3, 1, 1)
    if way == 1:
        return F.max_pool2d(x, 2, 2, ceil_mode=bool(rng.integers(2)))
    return F.adaptive_max_pool2d(x, (2, 1))


def _joined(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:
    other = d.layer(name, partial(nn.Conv2d, x.shape[1], x.shape[1], 3, padding="same"))(x)
    match int(rng.integers(4)):
        case 0:
            return x + other
        case 1:
            return x - 0.5 * other
        case 2:
            return torch.maximum(x, other)
        case _:
            return torch.minimum(other, x)


def _normed(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:
    return d.layer(name, partial(nn.BatchNorm2d, x.shape[1], eps=0.01, affine=bool(rng.integers(2))))(x)


def _padded(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:  # noqa: ARG001
    return F.pad(x, (1, 0, 0, 1), value=float(rng.integers(2)))


def _reduced(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:  # noqa: ARG001
    match int(rng.integers(4)):
        case 0:
            return x + x.mean((2, 3), keepdim=True)
        case 1:
            return x - x.amax(2, keepdim=True)
        case 2:
            return x.sum(1, keepdim=True)
        case _:
            return F.adaptive_avg_pool2d(x, (2, 2))


def _scaled(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:  # noqa: ARG001
    factor = torch.linspace(-1, 2, x.shape[3], dtype=x.dtype)
    return x * factor + 0.25 if rng.integers(2) else (x - factor) / 2


def _sliced(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:  # noqa: ARG001
    rows = x.shape[2]
    return x[:, :, : max(1, rows - 1)].flip(1) if rng.integers(2) else x[:, :1, ::2]


def _turned(d: Drawn, name: str, x: Tensor, rng: Random) -> Tensor:  # noqa: ARG001
    channels, rows, columns = x.shape[1:]
    return x.transpose(2, 3) if rng.integers(2) else x.permute(0, 2, 3, 1).reshape(1, columns, channels, rows)


KINDS: dict[str, Step] = {
    "activation": lambda d, name, x, rng: d.layer(name, one_of(rng, ACTIVATIONS))(x),
    "average": _averaged,
    "concatenate": lambda d, name, x, rng: torch.cat([x, torch.relu(x[:, :1])], 1),  # noqa: ARG005
    "contraction": _contracted,
    "convolution": _convolved,
    "dropout": lambda d, name, x, rng: d.layer(name, nn.Dropout)(x),  # noqa: ARG005
    "function": lambda d, name, x, rng: one_of(rng, FUNCTIONS)(x),  # noqa: ARG005
    "grouped": _grouped,
    "join": _joined,
    "linear": _linear,
    "norm": _normed,
    "one dimension": _in_a_row,
    "pad": _padded,
    "pool": _pooled,
    "prelu": lambda d, name, x, rng: d.layer(name, partial(nn.PReLU, x.shape[1]))(x),  # noqa: ARG005
    "reduction": _reduced,
    "scale": _scaled,
    "slice": _sliced,
    "transposed": _transposed,
    "turn": _turned,
    "upsample": lambda d, name, x, rng: F.interpolate(x, scale_factor=2),  # noqa: ARG005
}
"""Operations by name; each draws its own variants."""
