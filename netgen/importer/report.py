"""How far outputs lie apart."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["difference"]


def difference(found: npt.NDArray[Any], right: npt.NDArray[Any], explained: npt.ArrayLike = 0.0) -> float:
    """The greatest difference of arrays of one shape, over the greatest magnitude in `right`, or over 1e-300.

    Args:
        explained: the difference of each element that counts as none; of a shape that fits theirs.
    """
    if not right.size:
        return 0.0
    given, expected = found.astype(np.float64), right.astype(np.float64)
    equal = (given == expected) | (np.isnan(given) & np.isnan(expected))
    if equal.all():
        return 0.0
    apart = np.where(equal, 0.0, np.abs(given - expected))
    apart = np.where(apart <= explained, 0.0, apart)
    return float(apart.max() / max(float(np.abs(expected).max()), 1e-300)) if np.isfinite(apart).all() else float("inf")
