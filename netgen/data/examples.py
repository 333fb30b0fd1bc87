"""Samples as a user has them, to learn from or to choose by."""

import hashlib
from dataclasses import dataclass

import numpy as np

from netgen.data.raw import Array
from netgen.ir.fixed import Words

__all__ = ["Examples"]


@dataclass(frozen=True, eq=False)
class Examples:
    """Raw samples.

    Attributes:
        raw: (n, features), n at least 1.
        labels: (n,) class numbers; None where there are none.
    """

    raw: Array
    labels: Words | None = None

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def digest(self) -> str:
        """SHA-256 of the arrays."""
        digest = hashlib.sha256()
        for array in (self.raw, self.labels):
            if array is not None:
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()
