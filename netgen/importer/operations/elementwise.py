"""Operations on single elements: activation functions, scaling, products, maxima and minima of two tensors."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from netgen.errors import ModelError
from netgen.importer.builder import Builder
from netgen.importer.signals import NO_NEURON, ConstantTensor, Signals, Tensor, signals_of
from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import Affine, Clip, Composition, Product, apply_all, of_neurons

__all__ = ["apply_functions", "batch_norm", "divide", "maximum", "minimum", "multiply", "origins"]


def apply_functions(
    builder: Builder, name: str, x: Tensor, pipeline: Composition, channel_axis: int | None = None
) -> Tensor:
    """Apply functions to every element, one after the other.

    Args:
        pipeline: parameters are scalars, or one number for each channel; without a channel axis, one for each element.
        channel_axis: the axis of the channels.
    """
    if channel_axis is not None:
        place = [1] * len(x.shape)
        place[channel_axis] = x.shape[channel_axis]
        channel = np.broadcast_to(np.arange(x.shape[channel_axis]).reshape(place), x.shape)
        pipeline = of_neurons(pipeline, channel.reshape(-1))
    if isinstance(x, ConstantTensor):
        return ConstantTensor(apply_all(pipeline, x.value.astype(np.float64).reshape(1, -1)).reshape(x.shape))
    return builder.apply(name, x, pipeline)


def batch_norm(
    builder: Builder,
    name: str,
    x: Tensor,
    *,
    scale: Reals | None,
    offset: Reals | None,
    mean: Reals,
    variance: Reals,
    epsilon: float,
    channel_axis: int = 1,
) -> Tensor:
    """Batch normalization: `(x - mean) / sqrt(variance + epsilon) * scale + offset`, each of shape (channels,).

    Raises: ModelError, for a variance that no data have.
    """
    if not (variance + epsilon > 0).all():
        raise ModelError(
            f"{name}: a variance of {variance.min():g} and an epsilon of {epsilon:g}; their sum must be positive"
        )
    factor = (1.0 if scale is None else scale) / np.sqrt(variance + epsilon)
    shift = (0.0 if offset is None else offset) - mean * factor
    return apply_functions(builder, name, x, (Affine(factor, shift),), channel_axis)


def multiply(builder: Builder, name: str, a: Tensor, b: Tensor) -> Tensor:
    """`a * b`, with broadcasting.

    Raises: ModelError, for two signals that are not both functions of the same single values.
    """
    if isinstance(a, ConstantTensor) and isinstance(b, ConstantTensor):
        return ConstantTensor(a.value * b.value)
    if isinstance(a, ConstantTensor):
        a, b = b, a
    shape = np.broadcast_shapes(a.shape, b.shape)
    left = signals_of(a).moved(lambda array: np.broadcast_to(array, shape))
    if isinstance(b, ConstantTensor):
        factor = b.value.astype(np.float64)
        scale = float(factor.reshape(-1)[0]) if factor.size == 1 else np.broadcast_to(factor, shape).reshape(-1)
        return builder.apply(name, left, (Affine(scale),))
    right = b.moved(lambda array: np.broadcast_to(array, shape))
    known = [one.neuron == NO_NEURON for one in (left, right)]
    neuron, value = np.full(shape, NO_NEURON, dtype=np.int64), left.value * right.value
    single, both = known[0] != known[1], ~(known[0] | known[1])
    if single.any():
        source = np.where(known[0], right.neuron, left.neuron)[single]
        factor = np.where(known[0], left.value, right.value)[single]
        neuron[single] = builder.apply(name, Signals.of(source), (Affine(factor),)).neuron
    if both.any():
        neuron[both] = _product(builder, name, Signals.of(left.neuron[both]), Signals.of(right.neuron[both])).neuron
    return Signals(neuron, value)


def _product(builder: Builder, name: str, left: Signals, right: Signals) -> Signals:
    """The product of signals, (n,), that are functions of the same values."""
    others = list(origins(builder, right))
    for source, before in origins(builder, left):
        for other, after in others:
            if np.array_equal(source.neuron, other.neuron):
                return builder.apply(name, source, (Product(before, after),))
    raise ModelError(
        f"{name}: a product of two signals; only functions of the same single value, such as x * sigmoid(x), can be "
        "multiplied; use a weighted sum or a fixed gate instead"
    )


def divide(builder: Builder, name: str, a: Tensor, b: Tensor) -> Tensor:
    """`a / b`, with broadcasting.

    Raises: ModelError, for a divisor that depends on the inputs, or has zeros.
    """
    if isinstance(b, Signals):
        raise ModelError(f"{name}: division by a signal; divide by a constant instead")
    if isinstance(a, ConstantTensor):
        return ConstantTensor(a.value / b.value)
    if not b.value.all():
        raise ModelError(f"{name}: division by 0")
    return multiply(builder, name, a, ConstantTensor(1 / b.value.astype(np.float64)))


def maximum(builder: Builder, name: str, a: Tensor, b: Tensor) -> Tensor:
    """The greater of both, element by element, with broadcasting."""
    if isinstance(a, ConstantTensor) and isinstance(b, ConstantTensor):
        return ConstantTensor(np.maximum(a.value, b.value))
    shape = np.broadcast_shapes(a.shape, b.shape)

    def flat(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.broadcast_to(array, shape).reshape(-1, 1)

    if isinstance(a, ConstantTensor):
        a, b = b, a
    if isinstance(b, ConstantTensor):
        left = signals_of(a).moved(lambda array: np.broadcast_to(array, shape))
        return builder.apply(name, left, (Clip(_bound(b, shape)),))
    read = Signals.joined([signals_of(a).moved(flat), b.moved(flat)], axis=1)
    return builder.maxima(name, read).moved(lambda array: array.reshape(shape))


def minimum(builder: Builder, name: str, a: Tensor, b: Tensor) -> Tensor:
    """The lesser of both, element by element, with broadcasting."""
    if isinstance(a, ConstantTensor) and isinstance(b, ConstantTensor):
        return ConstantTensor(np.minimum(a.value, b.value))
    if isinstance(a, ConstantTensor):
        a, b = b, a
    if isinstance(b, ConstantTensor):
        shape = np.broadcast_shapes(a.shape, b.shape)
        left = signals_of(a).moved(lambda array: np.broadcast_to(array, shape))
        return builder.apply(name, left, (Clip(float("-inf"), _bound(b, shape)),))
    minus = (Affine(-1.0),)
    negated = [apply_functions(builder, name, x, minus) for x in (a, b)]
    return apply_functions(builder, name, maximum(builder, name, *negated), minus)


def _bound(b: ConstantTensor, shape: tuple[int, ...]) -> Reals | float:
    """A limit as a scalar, or one for each element of a shape, in flat order."""
    value = b.value.astype(np.float64)
    return float(value.reshape(-1)[0]) if value.size == 1 else np.broadcast_to(value, shape).reshape(-1)


def origins(builder: Builder, x: Signals) -> Iterator[tuple[Signals, Composition]]:
    """The tensors of which x is an elementwise function, nearest first: x itself, what it was computed from, and on."""
    source, pipeline = x, Composition()
    while True:
        yield source, pipeline
        found = builder.elementwise(source.neuron.reshape(-1))
        if found is None:
            return
        neuron, before = found
        source, pipeline = Signals.of(_shaped(neuron, x)), (*before, *pipeline)


def _shaped(neuron: Words, x: Signals) -> Words:
    return neuron.reshape(x.shape)
