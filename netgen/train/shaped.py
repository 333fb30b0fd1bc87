"""A small network by the layers of a spec, as a PyTorch module that maps flat features to scores."""

from collections.abc import Sequence
from typing import assert_never

import torch
from torch import Tensor, nn

from netgen.ir.fixed import FixedPoint
from netgen.nn.defaults import torch_defaults
from netgen.nn.rounding import rounded
from netgen.spec.shapes import Conv, Dense, Exit, Gate, LayerShape, Max, Skip, sizes_through

__all__ = ["Shaped"]


class Local(nn.Module):
    """A locally connected layer: a convolution whose positions have their own weights, as one masked matrix."""

    def __init__(self, layer: Conv, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        super().__init__()
        self.after = after
        self.linear = nn.Linear(_size(before), _size(after))
        self.mask: Tensor
        self.register_buffer("mask", _reaches(layer, before))
        fan_in = layer.kernel[0] * layer.kernel[1] * before[0]
        with torch.no_grad():
            bound = fan_in**-0.5
            self.linear.weight.uniform_(-bound, bound).mul_(self.mask)
            self.linear.bias.uniform_(-bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, height, width) to the layer's result."""
        flat = nn.functional.linear(x.flatten(1), self.linear.weight * self.mask, self.linear.bias)
        return flat.reshape(-1, *self.after)


class RoundedRelu(nn.Module):
    """Round to a format that has no negative values, with straight-through gradients: a ReLU too."""

    def __init__(self, form: FixedPoint) -> None:
        super().__init__()
        self.form = form

    def forward(self, x: Tensor) -> Tensor:
        """Round every value."""
        return rounded(x, self.form)


class Shaped(nn.Module):
    """The layers of a spec, each followed by ReLU, and a last dense layer that gives the scores.

    Gates decide, and are not trained here: a network that has some is trained as a `TrainableNetwork`.

    Args:
        shape: channels, height and width of a sample.
        batch_norm: whether sums are normalized before each ReLU: by channel, or by neuron.
        rounding: for each layer, where all are dense, the format that its results are rounded to instead of the ReLU;
            none is rounded when empty.
    """

    def __init__(
        self,
        layers: Sequence[LayerShape],
        shape: tuple[int, int, int],
        classes: int,
        *,
        batch_norm: bool,
        rounding: Sequence[FixedPoint] = (),
    ) -> None:
        super().__init__()
        self.shape, self.layers = shape, tuple(layers)
        self.batch_norm, self.rounding = batch_norm, tuple(rounding)
        shapes = sizes_through(self.layers, shape)
        self.named: list[list[str]] = []
        behind = 0  # values that an exit passes on to a dense layer
        for number, (layer, before, after) in enumerate(zip(self.layers, shapes, shapes[1:], strict=False), 1):
            reads = before
            if isinstance(layer, Gate):
                reads = shapes[number - 1 - layer.back]
            elif isinstance(layer, Dense):
                reads = (_size(before) + behind,)
            made = _modules(layer, reads, after, classes, batch_norm=batch_norm)
            behind = _size(before) if isinstance(layer, Exit) and number > 1 else 0
            if rounding:
                made["relu"] = RoundedRelu(rounding[number - 1])
            self.named.append([f"{kind}{number}" for kind in made])
            for kind, module in made.items():
                self.add_module(f"{kind}{number}", module)
        self.scores = nn.Linear(_size(shapes[-1]) + behind, classes)

    @classmethod
    def seeded(
        cls,
        layers: Sequence[LayerShape],
        shape: tuple[int, int, int],
        classes: int,
        *,
        batch_norm: bool,
        seed: int,
        rounding: Sequence[FixedPoint] = (),
    ) -> "Shaped":
        """A network with PyTorch's default initialization from a seed; torch's global generator does not change."""
        with torch_defaults():
            torch.default_generator.manual_seed(seed)
            return cls(layers, shape, classes, batch_norm=batch_norm, rounding=rounding)

    @classmethod
    def perceptron(
        cls, sizes: Sequence[int], *, batch_norm: bool, seed: int, rounding: Sequence[FixedPoint] = ()
    ) -> "Shaped":
        """A multilayer perceptron with PyTorch's default initialization from a seed.

        Args:
            sizes: number of inputs, then of neurons in each layer, the last one that of the classes.
        """
        n_in, *hidden, classes = sizes
        layers = [Dense(size) for size in hidden]
        return cls.seeded(layers, (1, 1, n_in), classes, batch_norm=batch_norm, seed=seed, rounding=rounding)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (n, n_in) to scores (n, classes)."""
        found, gates, exits = [x.reshape(-1, *self.shape)], dict[int, Tensor](), list[tuple[Tensor, Tensor]]()
        behind: Tensor | None = None
        for number, layer in enumerate(self.layers):
            now = found[-1]
            for gate in self._gates_before(number):
                gates[gate] = self._module("gate", gate)(now.flatten(1))
            match layer:
                case Skip(back):
                    now = now + found[-1 - back]
                case Gate(back):
                    on = (gates[number] >= 0).reshape(-1, *[1] * (now.dim() - 1))
                    now = torch.where(on, now, found[-1 - back])
                case Exit():
                    flat = now.flatten(1)
                    early = self._module("early", number)(flat)
                    seen = torch.cat([early.amax(dim=1, keepdim=True), early, flat], dim=1)
                    exits.append((self._module("gate", number)(seen) >= 0, early))
                    behind, now = flat if number else None, found[0]
                    found.append(now)
                    continue
                case Dense():
                    now = self._joined(now, behind)
                    now = self._applied(number, now)
                case _:
                    now = self._applied(number, now)
            behind = None
            found.append(now)
        scores: Tensor = self.scores(self._joined(found[-1], behind))
        for on, early in reversed(exits):
            scores = torch.where(on, scores, early)
        return scores

    def _gates_before(self, number: int) -> list[int]:
        """The gates, by the indices of their layers, whose blocks begin at a layer; outer ones first."""
        layers = enumerate(self.layers)
        return [at for at, layer in layers if isinstance(layer, Gate) and at - layer.back == number][::-1]

    def _module(self, kind: str, number: int) -> nn.Module:
        return self.get_submodule(f"{kind}{number + 1}")

    def _applied(self, number: int, x: Tensor) -> Tensor:
        for name in self.named[number]:
            x = self.get_submodule(name)(x)
        return x

    @staticmethod
    def _joined(x: Tensor, behind: Tensor | None) -> Tensor:
        """Flat values, (n, k), and those that an exit passes on."""
        flat = x.flatten(1)
        return flat if behind is None else torch.cat([flat, behind], dim=1)


def _size(shape: Sequence[int]) -> int:
    total = 1
    for side in shape:
        total *= side
    return total


def _modules(
    layer: LayerShape, before: tuple[int, ...], after: tuple[int, ...], classes: int, *, batch_norm: bool
) -> dict[str, nn.Module]:
    """The modules of a layer by their names, in order; none for a skip."""
    match layer:
        case Conv(channels, kernel, stride, padding, shared):
            norm = {"norm": nn.BatchNorm2d(channels)} if batch_norm else {}
            if not shared:
                return {"local": Local(layer, before, after), **norm, "relu": nn.ReLU()}
            return {"conv": nn.Conv2d(before[0], channels, kernel, stride, padding), **norm, "relu": nn.ReLU()}
        case Max(size):
            return {"max": nn.MaxPool2d(size)}
        case Dense(neurons):
            norms = {"norm": nn.BatchNorm1d(neurons)} if batch_norm else {}
            return {"dense": nn.Linear(_size(before), neurons), **norms, "relu": nn.ReLU()}
        case Skip():
            return {}
        case Gate():
            return {"gate": nn.Linear(_size(before), 1)}
        case Exit():
            seen = _size(before)
            return {"early": nn.Linear(seen, classes), "gate": nn.Linear(1 + classes + seen, 1)}
        case _:
            assert_never(layer)


def _reaches(layer: Conv, before: tuple[int, ...]) -> Tensor:
    """Which inputs each neuron of a locally connected layer reads, (n_out, n_in) of zeros and ones."""
    n = _size(before)
    ones = torch.ones(layer.channels, before[0], *layer.kernel)
    eye = torch.eye(n).reshape(n, *before)
    return (nn.functional.conv2d(eye, ones, stride=layer.stride, padding=layer.padding).flatten(1).t() > 0).float()
