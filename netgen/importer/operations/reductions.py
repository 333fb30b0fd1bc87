"""Operations that make one value of several along some axes: sums, means, maxima."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from netgen.importer.builder import Builder
from netgen.importer.signals import ConstantTensor, Signals, Tensor

__all__ = ["greatest", "mean", "total"]


def total(
    builder: Builder, name: str, x: Tensor, axes: Sequence[int], *, keepdims: bool = False, scale: float = 1.0
) -> Tensor:
    """The sum along some axes, times `scale`."""
    if isinstance(x, ConstantTensor):
        return ConstantTensor(np.asarray(x.value.sum(axis=tuple(axes), keepdims=keepdims) * scale))
    flat, shape = _flat(x, axes, keepdims=keepdims)
    parameter = np.broadcast_to(builder.parameters(1), flat.shape)
    sums = builder.sums(name, flat, np.full((1, 1), scale), np.zeros(len(flat.neuron)), parameter=parameter)
    return sums.moved(lambda array: array.reshape(shape))


def mean(builder: Builder, name: str, x: Tensor, axes: Sequence[int], *, keepdims: bool = False) -> Tensor:
    """The average along some axes."""
    count = int(np.prod([x.shape[axis] for axis in axes], dtype=np.int64))
    return total(builder, name, x, axes, keepdims=keepdims, scale=1 / count)


def greatest(builder: Builder, name: str, x: Tensor, axes: Sequence[int], *, keepdims: bool = False) -> Tensor:
    """The maximum along some axes."""
    if isinstance(x, ConstantTensor):
        return ConstantTensor(np.asarray(x.value.max(axis=tuple(axes), keepdims=keepdims)))
    flat, shape = _flat(x, axes, keepdims=keepdims)
    return builder.maxima(name, flat).moved(lambda array: array.reshape(shape))


def _flat(x: Signals, axes: Sequence[int], *, keepdims: bool) -> tuple[Signals, tuple[int, ...]]:
    """(rows, k) what each result reads, and the shape of the results."""
    read = tuple(sorted({axis % len(x.shape) for axis in axes}))
    kept = tuple(axis for axis in range(len(x.shape)) if axis not in read)
    shape = tuple(x.shape[axis] for axis in kept)
    rows = int(np.prod(shape, dtype=np.int64))

    def moved(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return array.transpose(*kept, *read).reshape(rows, -1)

    if keepdims:
        shape = tuple(1 if axis in read else size for axis, size in enumerate(x.shape))
    return x.moved(moved), shape
