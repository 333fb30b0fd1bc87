"""Whether the layers of a spec fit its samples, and the memory of the machine."""

import math
from collections.abc import Sequence

from netgen.errors import SpecError, TrainError
from netgen.learn.memory import memory_of_machine
from netgen.spec.network import MAX_WEIGHTS, NetworkSpec
from netgen.spec.shapes import Conv, Dense, LayerShape, sizes_through

__all__ = ["check_layers", "shape_of"]

BYTES_PER_WEIGHT = 16
"""Memory of one weight in training: the weight, its gradient, two moments of Adam; while it is in a dense layer."""
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
    weights = 0
    for number, (layer, before, after) in enumerate(zip(layers, shapes, shapes[1:], strict=False), 1):
        own = math.prod(before) * math.prod(after)
        is_matrix = isinstance(layer, Dense) or (isinstance(layer, Conv) and not layer.shared)
        if is_matrix and own > MAX_WEIGHTS:
            raise SpecError(f"network.layers: layer {number} has {own:,} weights; give at most {MAX_WEIGHTS:,}")
        weights += own if is_matrix else 0
    need = BYTES_PER_VALUE * batch_size * sum(math.prod(one) for one in shapes) + BYTES_PER_WEIGHT * weights
    if need > memory_of_machine():
        raise TrainError(f"network.layers: training needs about {need / 1e9:,.1f} GB; use fewer channels or neurons")
