"""Headers of arrays in .npz archives: what an array claims to be, before its numbers are unpacked."""

from math import prod
from typing import IO, NamedTuple

import numpy as np

__all__ = ["ArrayHeader", "read_header"]


class ArrayHeader(NamedTuple):
    """Shape and type of an array, as its file claims them."""

    shape: tuple[int, ...]
    dtype: "np.dtype[np.generic]"

    @property
    def size(self) -> int:
        """Bytes of the array's numbers."""
        return prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes]) -> ArrayHeader:
    """Read the header of a .npy file.

    Raises: ValueError, and on damaged headers whatever numpy raises.
    """
    version = np.lib.format.read_magic(stream)
    if version not in {(1, 0), (2, 0)}:
        raise ValueError(f"version {version} of the .npy format")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if any(side < 0 for side in shape):
        raise ValueError(f"shape {shape}")
    return ArrayHeader(shape, dtype)
