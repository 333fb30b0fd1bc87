"""What is known of a network that was read: from where, and how close it is to its source."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ImportReport", "difference"]


@dataclass(frozen=True)
class ImportReport:
    """How a network that was read compares with its source.

    Attributes:
        source: what was read: `module LeNet`, or the name of a file.
        reference: what computed the right outputs, and in which precision.
        worst: the greatest difference of an output, over the greatest right value of that output.
        samples: number of samples that were compared.
        assumed: what the source states and the network leaves out, such as casts to fewer bits; one line each.
        flips: rounding steps that fell to the other side of a tie, as the source computes in float32 and the network in
            double precision; the input of each lies within float32's error of the tie.
    """

    source: str
    reference: str
    worst: float
    samples: int
    assumed: tuple[str, ...] = ()
    flips: int = 0


def difference(found: npt.NDArray[Any], right: npt.NDArray[Any]) -> float:
    """The greatest difference of arrays of one shape, over the greatest magnitude in `right`, or over 1e-300."""
    if not right.size:
        return 0.0
    given, expected = found.astype(np.float64), right.astype(np.float64)
    equal = (given == expected) | (np.isnan(given) & np.isnan(expected))
    if equal.all():
        return 0.0
    apart = np.where(equal, 0.0, np.abs(given - expected))
    return float(apart.max() / max(float(np.abs(expected).max()), 1e-300)) if np.isfinite(apart).all() else float("inf")
