"""ONNX's convolutions and pools: their attributes, with automatic padding, as arguments of netgen's operations."""

from dataclasses import dataclass

import numpy as np

from netgen.importer import operations
from netgen.importer.builder import Builder
from netgen.importer.onnx_node import Integers, Node, Value
from netgen.importer.signals import ConstantTensor, Signals

__all__ = ["MAX_WIRES", "average_pool", "conv", "conv_transpose", "global_average", "global_max", "max_pool"]

MAX_WIRES = 1 << 24
"""Wires of one layer."""


@dataclass(frozen=True)
class _Window:
    """What all of them share, one number for each spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]


def _window(node: Node, spatial: tuple[int, ...], kernel: tuple[int, ...] | None = None) -> _Window:
    """Read the attributes; automatic padding gives `ceil(length / stride)` values.

    Args:
        spatial: lengths of the input.
        kernel: that of the weights; None to read it.
    """
    axes = len(spatial)
    given = node.integers("kernel_shape")
    if kernel is None:
        kernel = tuple(given or ())
    elif given is not None and tuple(given) != kernel:
        raise node.error(f"a kernel_shape of {given} for weights of {list(kernel)}; export the model again")
    dilated = node.proto.op_type != "AveragePool" or node.opset >= 19
    if node.proto.op_type == "MaxPool" and node.opset < 10:
        dilated = False
    stride = tuple(node.integers("strides") or [1] * axes)
    dilation = tuple((node.integers("dilations") if dilated else None) or [1] * axes)
    pads = node.integers("pads") or [0] * 2 * axes
    if {len(kernel), len(stride), len(dilation), len(pads) / 2} != {axes}:
        raise node.error(f"its attributes need {axes} entries, one for each spatial axis; export the model again")
    if min(kernel) < 1 or min(stride) < 1 or min(dilation) < 1 or min(pads) < 0:
        raise node.error("sizes, strides and dilations must be positive, and pads not negative; export the model again")
    automatic = node.text("auto_pad", "NOTSET")
    if automatic in {"", "NOTSET"}:
        return _Window(kernel, stride, dilation, tuple(zip(pads[:axes], pads[axes:], strict=True)))
    if automatic not in {"VALID", "SAME_UPPER", "SAME_LOWER"}:
        raise node.error(f"auto_pad {automatic!r}; use NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    padding = []
    for length, k, s, d in zip(spatial, kernel, stride, dilation, strict=True):
        more = 0
        if automatic != "VALID":
            more = max(0, (-(-length // s) - 1) * s + (k - 1) * d + 1 - length)
        before = more // 2 if automatic == "SAME_UPPER" else more - more // 2
        padding.append((before, more - before))
    return _Window(kernel, stride, dilation, tuple(padding))


def _limited(node: Node, x: Signals, window: _Window, reads: int, channels: int) -> None:
    """Refuse layers whose wires, or whose padded input, would fill the memory."""
    padded = positions = 1
    axes = zip(x.shape[2:], window.kernel, window.stride, window.dilation, window.padding, strict=True)
    for length, k, s, d, (before, after) in axes:
        padded *= length + before + after
        positions *= max(1, (length + before + after - (k - 1) * d - 1) // s + 1)
    wires = positions * channels * reads * int(np.prod(window.kernel, dtype=object))
    if max(wires, padded * x.shape[1]) > MAX_WIRES:
        raise node.error(f"{max(wires, padded):,} wires; netgen reads layers of at most {MAX_WIRES:,}")


def _image(node: Node) -> Signals:
    x = node.signals(0)
    _check_image(node, x)
    return x


def _check_image(node: Node, x: Signals) -> None:
    if len(x.shape) < 3 or x.shape[0] != 1:
        raise node.error(f"an input of shape {x.shape}; give a batch of one, channels, and one axis or more")


def _weights(node: Node, x: Signals, channels_in: int) -> tuple[ConstantTensor, ConstantTensor | None, int]:
    weight, group = node.constant(1, "kernel"), node.integer("group", 1)
    bias = node.constant(2, "bias") if node.given(2) else None
    if weight.value.ndim != len(x.shape) or group < 1 or channels_in != x.shape[1] or 0 in weight.shape:
        raise node.error(f"weights of shape {weight.shape} in {group} groups for an input of shape {x.shape}")
    return weight, bias, group


def conv(builder: Builder, node: Node) -> list[Value | None]:
    """Conv."""
    x = _image(node)
    shape = node.constant(1, "kernel").shape
    channels = shape[1] * node.integer("group", 1) if len(shape) > 1 else 0
    weight, bias, group = _weights(node, x, channels)
    window = _window(node, x.shape[2:], weight.shape[2:])
    if weight.shape[0] % group:
        raise node.error(f"{weight.shape[0]} channels in {group} groups; export the model again")
    _limited(node, x, window, weight.shape[1], weight.shape[0])
    return [
        operations.convolve(
            builder,
            node.name,
            x,
            weight,
            bias,
            stride=window.stride,
            padding=window.padding,
            dilation=window.dilation,
            groups=group,
        )
    ]


def conv_transpose(builder: Builder, node: Node) -> list[Value | None]:
    """ConvTranspose; a stated output shape, or an automatic one, decides the padding."""
    x = _image(node)
    shape = node.constant(1, "kernel").shape
    weight, bias, group = _weights(node, x, shape[0] if shape else 0)
    window = _window(node, x.shape[2:], weight.shape[2:])
    axes = len(window.kernel)
    more = node.integers("output_padding") or [0] * axes
    stated = node.integers("output_shape")
    automatic = node.text("auto_pad", "NOTSET")
    if len(more) != axes or min(more) < 0 or (stated is not None and len(stated) not in {axes, axes + 2}):
        raise node.error(f"its attributes need {axes} entries, one for each spatial axis; export the model again")
    padding = list(window.padding)
    if automatic == "VALID":
        padding = [(0, 0)] * axes
    elif stated is not None or automatic.startswith("SAME"):
        sides = list(stated)[-axes:] if stated else [n * s for n, s in zip(x.shape[2:], window.stride, strict=True)]
        padding = []
        for index, side in enumerate(sides):
            reach = (window.kernel[index] - 1) * window.dilation[index] + 1
            less = window.stride[index] * (x.shape[2 + index] - 1) + more[index] + reach - side
            small = max(0, less) // 2
            before = small if automatic == "SAME_UPPER" else max(0, less) - small
            padding.append((before, max(0, less) - before))
            if less < 0:
                more[index] -= less
    grown = 1
    for index, length in enumerate(x.shape[2:]):
        grown *= (
            (length - 1) * window.stride[index] + 1 + 2 * window.kernel[index] * window.dilation[index] + more[index]
        )
    if grown * x.shape[1] * weight.shape[1] * int(np.prod(window.kernel, dtype=object)) > 4 * MAX_WIRES:
        raise node.error(f"about {grown:,} positions; netgen reads layers of at most {MAX_WIRES:,} wires")
    return [
        operations.convolve_transposed(
            builder,
            node.name,
            x,
            weight,
            bias,
            stride=window.stride,
            padding=padding,
            output_padding=more,
            dilation=window.dilation,
            groups=group,
        )
    ]


def max_pool(builder: Builder, node: Node) -> list[Value | None]:
    """MaxPool; integers of one scale too, as their order is that of the numbers they stand for."""
    value = node.value(0)
    whole = isinstance(value, Integers) and not (np.ptp(value.scale) or np.ptp(value.zero))
    x = value.signals if isinstance(value, Integers) and whole else node.signals(0)
    _check_image(node, x)
    window = _window(node, x.shape[2:])
    ceil = bool(node.integer("ceil_mode")) if node.opset >= 10 else False
    node.integer("storage_order")  # of the indices, which are not read
    _limited(node, x, window, 1, x.shape[1])
    found = operations.max_pool(
        builder,
        node.name,
        x,
        kernel=window.kernel,
        stride=window.stride,
        padding=window.padding,
        dilation=window.dilation,
        ceil_mode=ceil,
    )
    if isinstance(value, Integers):
        scale, zero = (np.full(found.shape, array.reshape(-1)[0]) for array in (value.scale, value.zero))
        return [Integers(found, scale, zero)]
    return [found]


def average_pool(builder: Builder, node: Node) -> list[Value | None]:
    """AveragePool."""
    x = _image(node)
    window = _window(node, x.shape[2:])
    if set(window.dilation) != {1}:
        raise node.error(f"dilations of {list(window.dilation)}; average pools with dilation are not supported")
    ceil = bool(node.integer("ceil_mode")) if node.opset >= 10 else False
    _limited(node, x, window, 1, x.shape[1])
    return [
        operations.average_pool(
            builder,
            node.name,
            x,
            kernel=window.kernel,
            stride=window.stride,
            padding=window.padding,
            ceil_mode=ceil,
            count_include_pad=bool(node.integer("count_include_pad")),
        )
    ]


def global_average(builder: Builder, node: Node) -> list[Value | None]:
    """GlobalAveragePool."""
    x = _image(node)
    return [operations.mean(builder, node.name, x, range(2, len(x.shape)), keepdims=True)]


def global_max(builder: Builder, node: Node) -> list[Value | None]:
    """GlobalMaxPool."""
    x = _image(node)
    ones = [1] * len(x.shape[2:])
    none = [(0, 0)] * len(ones)
    return [operations.max_pool(builder, node.name, x, kernel=x.shape[2:], stride=ones, padding=none, dilation=ones)]
