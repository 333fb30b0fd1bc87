"""Operations that are weighted sums of two tensors: matrix products and adds."""

from typing import Any

import numpy as np

from netgen.errors import ModelError
from netgen.importer.builder import Builder
from netgen.importer.operations.contract import contract
from netgen.importer.signals import ConstantTensor, Signals, Tensor, signals_of

__all__ = ["add", "multiply_matrix"]


def multiply_matrix(
    builder: Builder, name: str, x: Signals, weight: ConstantTensor, bias: ConstantTensor | None = None
) -> Signals:
    """Multiply the last axis by a known matrix: `x @ weight + bias`.

    Args:
        x: (..., k).
        weight: (k, n).
        bias: broadcasts to the result.
    Returns: (..., n).
    Raises: ModelError, for shapes that do not match.
    """
    if weight.value.ndim != 2 or not x.shape or x.shape[-1] != weight.shape[0]:
        raise ModelError(f"{name}: a matrix of shape {weight.shape} for an input of shape {x.shape}")
    axes = "abcdefghij"[: len(x.shape) - 1]
    return contract(builder, name, f"{axes}k,kn->{axes}n", x, weight, bias)


def add(builder: Builder, name: str, a: Tensor, b: Tensor, scale_b: float = 1.0) -> Tensor:
    """`a + scale_b * b`, with broadcasting."""
    if isinstance(a, ConstantTensor) and isinstance(b, ConstantTensor):
        return ConstantTensor(a.value + (b.value if scale_b == 1 else scale_b * b.value))
    left, right = signals_of(a), signals_of(b)
    shape = np.broadcast_shapes(left.shape, right.shape)

    def flat(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.broadcast_to(array, shape).reshape(-1, 1)

    read = Signals.joined([left.moved(flat), right.moved(flat)], axis=1)
    parameter = np.broadcast_to(builder.parameters(2), read.shape)
    sums = builder.sums(name, read, np.array([[1.0, scale_b]]), np.zeros(len(read.neuron)), parameter=parameter)
    return sums.moved(lambda array: array.reshape(shape))
