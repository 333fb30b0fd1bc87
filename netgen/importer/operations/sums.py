"""Operations that are weighted sums: matrix products, adds, means."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from netgen.errors import ModelError
from netgen.importer.builder import Builder
from netgen.importer.operations.steps import step_of_rows
from netgen.importer.signals import Constant, Signals, Tensor, signals_of
from netgen.ir.fixed import Reals, Words

__all__ = ["add", "mean", "multiply_matrix", "total"]


def multiply_matrix(builder: Builder, name: str, x: Signals, weight: Constant, bias: Constant | None = None) -> Signals:
    """Multiply the last axis by a known matrix: `x @ weight + bias`.

    Args:
        x: (..., k).
        weight: (k, n).
        bias: broadcasts to the result.
    Returns: (..., n).
    Raises: ModelError, for shapes that do not match.
    """
    if weight.value.ndim != 2 or x.shape[-1] != weight.shape[0]:
        raise ModelError(f"{name}: a matrix of shape {weight.shape} for an input of shape {x.shape}")
    k, n = weight.shape
    shape = (*x.shape[:-1], n)
    positions = int(np.prod(shape[:-1], dtype=np.int64))
    rows = weight.value.astype(np.float64).T

    def read_of(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.repeat(array.reshape(positions, k), n, axis=0)

    def of_positions(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.tile(array.reshape(n, -1), (positions, 1))

    offsets: Reals = np.zeros(shape)
    if bias is not None:
        offsets = np.broadcast_to(bias.value.astype(np.float64), shape)
    step = step_of_rows(weight, [0])
    sums = builder.sums(
        name,
        x.moved(read_of),
        of_positions(rows),
        offsets.reshape(-1),
        parameter=of_positions(builder.parameters(rows.size)) if positions > 1 else None,
        step=None if step is None else of_positions(step)[:, 0],
    )
    return sums.moved(lambda array: array.reshape(shape))


def total(
    builder: Builder, name: str, x: Tensor, axes: Sequence[int], *, keepdims: bool = False, scale: float = 1.0
) -> Tensor:
    """The sum along some axes, times `scale`."""
    read = tuple(sorted({axis % len(x.shape) for axis in axes}))
    if isinstance(x, Constant):
        return Constant(np.asarray(x.value.sum(axis=read, keepdims=keepdims) * scale))
    kept = tuple(axis for axis in range(len(x.shape)) if axis not in read)
    shape = tuple(x.shape[axis] for axis in kept)
    rows = int(np.prod(shape, dtype=np.int64))
    flat = x.moved(lambda array: array.transpose(*kept, *read).reshape(rows, -1))
    sums = builder.sums(name, flat, np.full((1, 1), scale), np.zeros(rows), parameter=_same(builder, flat))
    if keepdims:
        shape = tuple(1 if axis in read else size for axis, size in enumerate(x.shape))
    return sums.moved(lambda array: array.reshape(shape))


def mean(builder: Builder, name: str, x: Tensor, axes: Sequence[int], *, keepdims: bool = False) -> Tensor:
    """The average along some axes."""
    count = int(np.prod([x.shape[axis] for axis in axes], dtype=np.int64))
    return total(builder, name, x, axes, keepdims=keepdims, scale=1 / count)


def add(builder: Builder, name: str, a: Tensor, b: Tensor, scale_b: float = 1.0) -> Tensor:
    """`a + scale_b * b`, with broadcasting."""
    if isinstance(a, Constant) and isinstance(b, Constant):
        return Constant(a.value + (b.value if scale_b == 1 else scale_b * b.value))
    left, right = signals_of(a), signals_of(b)
    shape = np.broadcast_shapes(left.shape, right.shape)

    def flat(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.broadcast_to(array, shape).reshape(-1, 1)

    read = Signals.joined([left.moved(flat), right.moved(flat)], axis=1)
    parameter = np.broadcast_to(builder.parameters(2), read.shape)
    sums = builder.sums(name, read, np.array([[1.0, scale_b]]), np.zeros(len(read.neuron)), parameter=parameter)
    return sums.moved(lambda array: array.reshape(shape))


def _same(builder: Builder, read: Signals) -> Words:
    """One parameter for all wires."""
    return np.broadcast_to(builder.parameters(1), read.shape)
