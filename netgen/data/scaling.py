"""Scaling of features by powers of two, which hardware does by placing the binary point."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from netgen.data.raw import Array
from netgen.errors import DataError
from netgen.ir.fixed import Reals

MOST = 2.0**64
"""Magnitude that a scaled feature of the validation or test split may reach; float32 sums of more would overflow."""

_BELOW_1 = np.float32(1 - 2.0**-24)
"""The greatest float32 below 1."""


def scale_of(features: Array, *, per_feature: bool) -> Reals:
    """Find the powers of two, (n_in,) float64, that bring every feature below 1 in magnitude.

    The type of the features does not matter: the same values give the same scale.

    Args:
        features: (n, n_in), finite.
        per_feature: a power for each feature instead of one for all.
    """
    most = np.maximum(features.max(axis=0).astype(np.float64), -features.min(axis=0).astype(np.float64))
    if not per_feature:
        most = np.full_like(most, most.max())
    exponent = np.frexp(np.where(most > 0, most, 1.0))[1]
    return np.ldexp(1.0, np.minimum(-exponent, 1023))


def scaled(features: Array, scale: Reals) -> npt.NDArray[np.float32]:
    """Multiply features by their scale in double precision, then round to float32, but never up to 1.

    Args:
        features: (n, n_in).
        scale: (n_in,), powers of two.
    """
    out = np.empty(features.shape, np.float32)
    np.multiply(features, scale, out=out, dtype=np.float64, casting="unsafe")
    rows, columns = np.nonzero((out == 1) | (out == -1))
    exact = features[rows, columns] * scale[columns]
    inside = np.abs(exact) < 1
    out[rows[inside], columns[inside]] = np.copysign(_BELOW_1, exact[inside])
    return out


def check_range(path: Path, what: str, features: Array, scale: Reals) -> None:
    """Refuse features that lie far outside the range of the training split.

    Raises: DataError, when a scaled feature would exceed `MOST`.
    """
    with np.errstate(over="ignore"):
        limit = np.minimum(MOST / scale, np.finfo(np.float64).max)
    beyond = (features.max(axis=0) > limit) | (features.min(axis=0) < -limit)
    if beyond.any():
        column = int(np.argmax(beyond))
        row = int(np.argmax(np.abs(features[:, column].astype(np.float64))))
        raise DataError(
            f"{path}: {what}[{row}, {column}] is {features[row, column]}, more than 2^64 times every training sample's;"
            " correct it"
        )
