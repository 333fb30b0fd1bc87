"""The layers of a small network, a line each, such as `conv 8 5x5 stride 2`, `max 2`, `dense 32`, `skip 2`, `exit`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

__all__ = [
    "LAYER_FORMS",
    "Conv",
    "Dense",
    "Exit",
    "Gate",
    "LayerShape",
    "Max",
    "Skip",
    "is_gated",
    "parse_layer",
    "sizes_through",
]

MOST = 4_096
"""Channels, pixels of a kernel's side, and steps, at most."""
MOST_NEURONS = 65_536
"""Neurons of one dense layer."""
LAYER_FORMS = (
    "conv CHANNELS HxW [stride S] [pad P], local CHANNELS HxW [stride S] [pad P], max SIZE, dense NEURONS, skip N, "
    "gate N, exit"
)
"""How a layer is written."""
_NUMBER = r"(\d{1,9})"
_WINDOWED = re.compile(rf"(conv|local) {_NUMBER} {_NUMBER}x{_NUMBER}(?: stride {_NUMBER})?(?: pad {_NUMBER})?")
_PLAIN = re.compile(rf"(max|dense|skip|gate) {_NUMBER}")


@dataclass(frozen=True)
class Conv:
    """A convolution with ReLU; `shared` is False for a locally connected layer, whose positions have own weights.

    Attributes:
        kernel: height and width.
        padding: zeros on each side.
    """

    channels: int
    kernel: tuple[int, int]
    stride: int = 1
    padding: int = 0
    shared: bool = True


@dataclass(frozen=True)
class Max:
    """The maximum of each square of so many pixels, without overlap."""

    size: int


@dataclass(frozen=True)
class Dense:
    """Neurons with ReLU that read everything."""

    neurons: int


@dataclass(frozen=True)
class Skip:
    """Add the result of the layer so many layers back, of the same shape; 2 skips over one layer."""

    back: int


@dataclass(frozen=True)
class Gate:
    """Compute so many layers before it only where a gate is on, else pass on what they read, of the same shape.

    The gate is one neuron that reads what the first of these layers reads.
    """

    back: int


@dataclass(frozen=True)
class Exit:
    """Classify by the result so far, and compute the layers that follow only where a gate is on.

    The gate is one neuron that reads the early scores, their maximum and the result so far. The layers that follow
    begin again at the inputs; a dense layer directly behind reads the result so far too.
    """


LayerShape = Conv | Max | Dense | Skip | Gate | Exit


_COUNTED: Mapping[str, type[Max | Dense | Skip | Gate]] = {"max": Max, "dense": Dense, "skip": Skip, "gate": Gate}


def is_gated(layers: Sequence[LayerShape]) -> bool:
    """Whether some layers are computed for some samples only."""
    return any(isinstance(layer, Gate | Exit) for layer in layers)


def parse_layer(text: str) -> LayerShape:
    """Read one layer.

    Raises: ValueError, when it is none of `LAYER_FORMS`, or a number is 0 or out of range.
    """
    words = " ".join(text.split())
    if words == "exit":
        return Exit()
    if found := _WINDOWED.fullmatch(words):
        kind, *numbers = found.groups()
        channels, height, width, stride, padding = (None if n is None else int(n) for n in numbers)
        values = [channels, height, width, 1 if stride is None else stride]
        if all(n is not None and 1 <= n <= MOST for n in values) and (padding or 0) <= MOST:
            return Conv(values[0] or 0, (values[1] or 0, values[2] or 0), values[3] or 0, padding or 0, kind == "conv")
    elif plain := _PLAIN.fullmatch(words):
        kind, number = plain[1], int(plain[2])
        if 1 <= number <= (MOST_NEURONS if kind == "dense" else MOST):
            return _COUNTED[kind](number)
    raise ValueError(
        f"layer {text[:60]!r}; write one of: {LAYER_FORMS}, numbers from 1 to {MOST:,}, neurons to {MOST_NEURONS:,}"
    )


def sizes_through(  # noqa: PLR0912  # one case for each kind
    layers: tuple[LayerShape, ...], shape: tuple[int, ...]
) -> list[tuple[int, ...]]:
    """The shape of the input and of each layer's result: (channels, height, width), or (neurons,) from a dense one on.

    Raises: ValueError, for a layer that does not fit what it reads.
    """
    shapes = [shape]
    for number, layer in enumerate(layers, 1):
        before = shapes[-1]
        match layer:
            case Conv(channels, kernel, stride, padding):
                if len(before) != 3:
                    raise ValueError(f"layer {number} is a convolution after a dense layer; put it before")
                sides = [(side + 2 * padding - k) // stride + 1 for side, k in zip(before[1:], kernel, strict=True)]
                if min(sides) < 1:
                    raise ValueError(f"layer {number}: a kernel of {kernel[0]}x{kernel[1]} on {before[1]}x{before[2]}")
                shapes.append((channels, *sides))
            case Max(size):
                if len(before) != 3 or min(before[1:]) < size:
                    raise ValueError(f"layer {number}: a maximum of {size}x{size} of {_shown(before)}")
                shapes.append((before[0], before[1] // size, before[2] // size))
            case Dense(neurons):
                shapes.append((neurons,))
            case Skip(back):
                if back >= len(shapes) or shapes[-1 - back] != before:
                    there = _shown(shapes[-1 - back]) if back < len(shapes) else "nothing"
                    raise ValueError(
                        f"layer {number}: skip {back} adds {there} to {_shown(before)}; shapes must be equal"
                    )
                shapes.append(before)
            case Gate(back):
                block = layers[max(number - 1 - back, 0) : number - 1]
                if back >= len(shapes) or shapes[-1 - back] != before or any(isinstance(one, Exit) for one in block):
                    there = _shown(shapes[-1 - back]) if back < len(shapes) else "nothing"
                    raise ValueError(
                        f"layer {number}: gate {back} passes on {there} or {_shown(before)}; shapes must be equal, "
                        "without an exit between them"
                    )
                shapes.append(before)
            case Exit():
                shapes.append(shape)
            case _:
                assert_never(layer)
    return shapes


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
