"""Operations on windows of the spatial axes: convolutions and pools, unrolled to wires.

Tensors are (1, channels, *spatial) with any number of spatial axes; strides, paddings and dilations have one entry for
each of them. A padding is (before, after).
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, Literal

import numpy as np

from netgen.errors import ModelError
from netgen.importer.builder import Builder
from netgen.importer.signals import ConstantTensor, Signals
from netgen.ir.fixed import Reals, Words

__all__ = ["adaptive_pool", "average_pool", "convolve", "convolve_transposed", "max_pool"]

Sizes = Sequence[int]
Paddings = Sequence[tuple[int, int]]


def convolve(
    builder: Builder,
    name: str,
    x: Signals,
    weight: ConstantTensor,
    bias: ConstantTensor | None = None,
    *,
    stride: Sizes,
    padding: Paddings,
    dilation: Sizes,
    groups: int = 1,
) -> Signals:
    """Convolve, as PyTorch and ONNX define it: without flipping the kernel.

    Args:
        weight: (channels out, channels in / groups, *kernel).
        bias: (channels out,).
    Returns: (1, channels out, *spatial out).
    Raises: ModelError, for a kernel larger than the padded input, or channels that do not match.
    """
    out_channels, in_channels, *kernel = weight.shape
    if x.shape[1] != in_channels * groups or out_channels % groups:
        raise ModelError(f"{name}: weight of shape {weight.shape} in {groups} groups for an input of shape {x.shape}")
    rows = [
        _rows(name, length, *axis)
        for length, axis in zip(x.shape[2:], zip(kernel, stride, padding, dilation, strict=True), strict=True)
    ]
    size = tuple(len(row) for row in rows)
    positions = int(np.prod(size, dtype=np.int64))
    entries = in_channels * int(np.prod(kernel, dtype=np.int64))
    builder.check_wires(name, out_channels * positions * entries)
    found = _windows(x, rows, 0.0)
    per_group = out_channels // groups

    def read_of(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """(channels out * positions, entries of a kernel): each channel of a group reads the same windows."""
        grouped = (
            array.reshape(groups, in_channels, positions, -1).swapaxes(1, 2).reshape(groups, 1, positions, entries)
        )
        return np.broadcast_to(grouped, (groups, per_group, positions, entries)).reshape(-1, entries)

    def of_positions(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Repeat what each channel has, at every position."""
        return np.repeat(array.reshape(out_channels, -1), positions, axis=0)

    offsets = np.zeros(out_channels) if bias is None else bias.value.astype(np.float64)
    step = _step_of_channels(weight)
    sums = builder.sums(
        name,
        found.moved(read_of),
        of_positions(weight.value.astype(np.float64)),
        of_positions(offsets)[:, 0],
        parameter=of_positions(builder.parameters(weight.value.size)) if positions > 1 else None,
        step=None if step is None else of_positions(step)[:, 0],
    )
    return sums.moved(lambda array: array.reshape(1, out_channels, *size))


def convolve_transposed(
    builder: Builder,
    name: str,
    x: Signals,
    weight: ConstantTensor,
    bias: ConstantTensor | None = None,
    *,
    stride: Sizes,
    padding: Paddings,
    output_padding: Sizes,
    dilation: Sizes,
    groups: int = 1,
) -> Signals:
    """Transposed convolution: a convolution of the input with zeros between its elements, by the flipped kernel.

    Args:
        weight: (channels in, channels out / groups, *kernel).
        bias: (channels out,).
    Returns: (1, channels out, *spatial out).
    Raises: ModelError, for channels that do not match.
    """
    in_channels, per_group, *kernel = weight.shape
    if x.shape[1] != in_channels or in_channels % groups:
        raise ModelError(f"{name}: weight of shape {weight.shape} in {groups} groups for an input of shape {x.shape}")
    spread = [(length - 1) * s + 1 for length, s in zip(x.shape[2:], stride, strict=True)]
    places = (slice(None), slice(None), *(slice(None, None, s) for s in stride))
    whole = Signals.known(np.zeros((*x.shape[:2], *spread)))
    neuron, value = whole.neuron.copy(), whole.value.copy()
    neuron[places], value[places] = x.neuron, x.value

    def turned(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """(channels out, channels in / groups, *kernel), flipped along every axis of the kernel."""
        grouped = array.reshape(groups, in_channels // groups, per_group, *kernel).swapaxes(1, 2)
        kernels = grouped.reshape(groups * per_group, in_channels // groups, *kernel)
        return np.flip(kernels, axis=tuple(range(2, kernels.ndim)))

    step = None if weight.step is None else turned(np.broadcast_to(weight.step, weight.shape))
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    edges = [(r - lo, r - hi + more) for r, (lo, hi), more in zip(reach, padding, output_padding, strict=True)]
    return convolve(
        builder,
        name,
        Signals(neuron, value),
        ConstantTensor(turned(weight.value), step),
        bias,
        stride=[1] * len(kernel),
        padding=edges,
        dilation=dilation,
        groups=groups,
    )


def _step_of_channels(weight: ConstantTensor) -> Reals | None:
    """The step that all weights of a channel share, (channels,); None for float weights, or several steps in one."""
    if weight.step is None:
        return None
    steps = np.broadcast_to(np.asarray(weight.step, dtype=np.float64), weight.shape).reshape(len(weight.value), -1)
    return steps[:, 0] if (steps == steps[:, :1]).all() else None


def max_pool(
    builder: Builder,
    name: str,
    x: Signals,
    *,
    kernel: Sizes,
    stride: Sizes,
    padding: Paddings,
    dilation: Sizes,
    ceil_mode: bool = False,
) -> Signals:
    """The greatest value of each window; padding never wins.

    Returns: (1, channels, *spatial out).
    Raises: ModelError, for a kernel larger than the padded input.
    """
    rows = [
        _rows(name, length, *axis, ceil_mode=ceil_mode)
        for length, axis in zip(x.shape[2:], zip(kernel, stride, padding, dilation, strict=True), strict=True)
    ]
    return _greatest(builder, name, x, rows)


def average_pool(
    builder: Builder,
    name: str,
    x: Signals,
    *,
    kernel: Sizes,
    stride: Sizes,
    padding: Paddings,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Signals:
    """The average of each window.

    Args:
        count_include_pad: whether padding counts as values of 0; what `ceil_mode` adds never counts.
        divisor: what sums are divided by, in place of the number of values.
    Returns: (1, channels, *spatial out).
    Raises: ModelError, for a kernel larger than the padded input.
    """
    ones = [1] * len(kernel)
    lengths = x.shape[2:]
    axes = list(zip(kernel, stride, padding, ones, strict=True))
    rows = [_rows(name, length, *axis, ceil_mode=ceil_mode) for length, axis in zip(lengths, axes, strict=True)]
    counted = [
        _counts(row, length, edges if count_include_pad else (0, 0))
        for row, length, edges in zip(rows, lengths, padding, strict=True)
    ]
    counts = reduce(np.multiply.outer, counted) if divisor is None else np.full([len(row) for row in rows], divisor)
    return _averages(builder, name, x, rows, counts)


def adaptive_pool(
    builder: Builder, name: str, x: Signals, size: Sizes, kind: Literal["average", "max"] = "average"
) -> Signals:
    """Pool to a given size: window i of an axis reaches from `floor(i * n / size)` to `ceil((i + 1) * n / size)`.

    Returns: (1, channels, *size).
    """
    rows = []
    for length, out in zip(x.shape[2:], size, strict=True):
        index = np.arange(out)
        first, end = index * length // out, -(-(index + 1) * length // out)
        row = first[:, None] + np.arange(int((end - first).max()))
        rows.append(np.where(row < end[:, None], row, length))
    if kind == "max":
        return _greatest(builder, name, x, rows)
    counted = [_counts(row, length, (0, 0)) for row, length in zip(rows, x.shape[2:], strict=True)]
    return _averages(builder, name, x, rows, reduce(np.multiply.outer, counted))


def _rows(
    name: str, length: int, kernel: int, stride: int, edges: tuple[int, int], dilation: int, *, ceil_mode: bool = False
) -> Words:
    """(out, kernel) the positions on one axis that each window reads; negative or beyond `length` in the padding."""
    lo, hi = edges
    room = length + lo + hi - dilation * (kernel - 1) - 1
    out = (-(-room // stride) if ceil_mode else room // stride) + 1
    if out < 1:
        raise ModelError(f"{name}: a kernel of {kernel} with dilation {dilation} on {length + lo + hi} padded values")
    if ceil_mode and (out - 1) * stride >= length + lo:
        out -= 1  # the last window must begin in the input or in the padding before it
    return np.arange(out)[:, None] * stride - lo + np.arange(kernel) * dilation


def _counts(rows: Words, length: int, edges: tuple[int, int]) -> Words:
    """(out,) how many positions of each window lie on the axis or on its padding."""
    return np.asarray(((rows >= -edges[0]) & (rows < length + edges[1])).sum(axis=1))


def _windows(x: Signals, rows: Sequence[Words], fill: float) -> Signals:
    """(channels, *out, *kernel), the elements of each window, from (1, channels, *spatial)."""
    axes = len(rows)
    edged = x.moved(lambda array: array[0]).padded([(0, 0)] + [(0, 1)] * axes, fill)

    def chosen(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        for axis, (row, length) in enumerate(zip(rows, x.shape[2:], strict=True)):
            inside = np.where((row >= 0) & (row < length), row, length)
            array = np.take(array, inside, axis=1 + 2 * axis)
        order = (0, *range(1, 1 + 2 * axes, 2), *range(2, 2 + 2 * axes, 2))
        return array.transpose(order)

    return edged.moved(chosen)


def _reads(x: Signals, rows: Sequence[Words]) -> int:
    """How many elements all windows read together."""
    return int(x.shape[1] * np.prod([row.size for row in rows], dtype=np.float64))


def _greatest(builder: Builder, name: str, x: Signals, rows: Sequence[Words]) -> Signals:
    """A layer of the maxima of windows."""
    builder.check_wires(name, _reads(x, rows))
    found = _windows(x, rows, -np.inf)
    shape = found.shape[: 1 + len(rows)]
    maxima = builder.maxima(name, found.moved(lambda array: array.reshape(int(np.prod(shape)), -1)))
    return maxima.moved(lambda array: array.reshape(1, *shape))


def _averages(builder: Builder, name: str, x: Signals, rows: Sequence[Words], counts: Words) -> Signals:
    """A layer of the sums of windows divided by `counts`, (*out)."""
    builder.check_wires(name, _reads(x, rows))
    found = _windows(x, rows, 0.0)
    shape = found.shape[: 1 + len(rows)]
    read = found.moved(lambda array: array.reshape(int(np.prod(shape)), -1))
    weight: Reals = np.broadcast_to(1 / counts, shape).reshape(-1, 1)
    distinct, which = np.unique(weight, return_inverse=True)
    parameter = np.broadcast_to(builder.parameters(len(distinct))[which.reshape(-1, 1)], read.shape)
    sums = builder.sums(name, read, weight, np.zeros(len(weight)), parameter=parameter)
    return sums.moved(lambda array: array.reshape(1, *shape))
