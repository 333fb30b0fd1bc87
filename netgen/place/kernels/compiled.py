"""The one way in which netgen's placers compile a function."""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

__all__ = ["Integer", "Kernel", "compiled"]

Integer = Any
"""An int or an np.int64, between which numba does not distinguish."""
Kernel = TypeVar("Kernel", bound=Callable[..., object])


CODE = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()
"""Digest of all kernels."""


def compiled(function: Kernel) -> Kernel:
    """Compile a function at its first call, for use in threads, and cache the machine code on disk.

    The function keeps its Python type. It releases Python's global lock while it runs.

    numba compares the date of the function's own file only, although the machine code contains all that it calls, and
    names a cache file after the function. So the name includes the code of all kernels: a change to one of them
    compiles all again. Where no cache can be written, every process compiles.
    """
    function.__qualname__ += f"-{CODE[:12]}"
    made = njit(nogil=True)(function)
    with contextlib.suppress(RuntimeError):  # neither netgen's folder nor the user's cache folder can be written
        made.enable_caching()
    return cast(Kernel, made)
