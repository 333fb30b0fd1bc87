"""The step of weights that come from a quantizer, for each neuron."""

from collections.abc import Iterable

import numpy as np

from netgen.importer.signals import Constant
from netgen.ir.fixed import Reals

__all__ = ["step_of_rows"]


def step_of_rows(weight: Constant, axes: Iterable[int]) -> Reals | None:
    """The step that all weights of a neuron share, (n,); None where weights are float, or steps differ in a neuron.

    Args:
        axes: the axes of the weight that one neuron reads along; the others are flattened.
    """
    if weight.step is None:
        return None
    read = tuple(axes)
    steps = np.broadcast_to(np.asarray(weight.step, dtype=np.float64), weight.shape)
    least, most = steps.min(axis=read), steps.max(axis=read)
    return np.asarray(least.ravel()) if (least == most).all() else None
