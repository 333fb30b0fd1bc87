"""Whether the layers of a spec fit its samples, and the memory of the machine."""

import math
from collections.abc import Sequence

from netgen.errors import SpecError, TrainError
from netgen.learn.memory import memory_of_machine
from netgen.spec.sections import NetworkSpec
from netgen.spec.shapes import LayerShape, sizes_through

__all__ = ["check_layers", "shape_of"]

BYTES_PER_VALUE = 24
"""Memory of one neuron's value of one sample in training: the value, its gradient, its normalized form."""


def shape_of(spec: NetworkSpec, features: int) -> tuple[int, int, int]:
    """Channels, height and width of a sample.

    Raises: SpecError, when the features are not those of such images.
    """
    side = math.isqrt(features)
    shape = spec.shape or (1, side, side)
    if math.prod(shape) != features:
        found = "x".join(map(str, shape)) if spec.shape else "null"
        raise SpecError(
            f"network.shape: {found}, but a sample has {features:,} features; give channels, height and width"
        )
    return shape


def check_layers(layers: Sequence[LayerShape], shape: tuple[int, int, int], batch_size: int) -> None:
    """Refuse layers that do not fit the samples or each other, or whose training needs too much memory.

    Args:
        shape: channels, height and width of a sample.
    Raises: SpecError or TrainError.
    """
    try:
        shapes = sizes_through(tuple(layers), shape)
    except ValueError as error:
        raise SpecError(f"network.layers: {error}") from error
    need = BYTES_PER_VALUE * batch_size * sum(math.prod(one) for one in shapes)
    if need > memory_of_machine():
        raise TrainError(f"network.layers: training needs about {need / 1e9:,.1f} GB; use fewer channels")
