"""Refuse models whose output for one sample depends on the other samples of its batch, or on their number.

A network computes one sample. A model that subtracts the mean of its batch gives 0 for a batch of one: single samples
agree with the network, and the hardware would be another function.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from netgen.errors import ModelError
from netgen.importer.report import difference

__all__ = ["check_batch"]

FIX = (
    "as x - x.mean(0) does; hardware reads one sample at a time: compute over the axes of the sample, or keep the "
    "number in a buffer"
)


def check_batch(
    samples: int,
    names: Sequence[str],
    single: Sequence[np.ndarray[Any, Any]],
    whole: Sequence[np.ndarray[Any, Any]],
    allowed: Sequence[float],
    *,
    spared: int = 0,
    explained: Callable[[int], np.ndarray[Any, Any]] | None = None,
) -> None:
    """Compare the outputs of a batch with those of its samples.

    Args:
        samples: of the batch.
        names: of the outputs.
        single: (samples, ...) of each output, computed one sample at a time.
        whole: of each output, computed at once.
        allowed: relative difference of each output that rounding explains.
        spared: how many samples may differ by more.
        explained: the difference of an output, by its index, that rounding explains where terms cancel.
    Raises: ModelError, for the first output that differs, or has not one row for each sample.
    """
    for index, (name, right, found, most) in enumerate(zip(names, single, whole, allowed, strict=True)):
        if found.shape[:1] != (samples,) or found.shape != right.shape:
            raise ModelError(
                f"output {name} has shape {found.shape} for a batch of {samples}; its first axis must be the batch's"
            )
        far = [k for k in range(samples) if difference(found[k], right[k]) > most]
        if len(far) > spared and explained is not None:
            far = [k for k in far if difference(found[k], right[k], explained(index)) > most]
        if len(far) > spared:
            raise ModelError(f"output {name} of one sample depends on the others of its batch, {FIX}")
