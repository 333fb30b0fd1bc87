"""The one way in which netgen's placers compile a function."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

__all__ = ["Function", "Integer", "compiled"]

Integer = Any
"""An int or an np.int64, between which numba does not distinguish."""
Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function at its first call, for use in threads, and cache the machine code on disk.

    The function keeps its Python type. It releases Python's global lock while it runs. numba names a cache file after
    the function and its first line, and unpickles it before it compares dates. So if a NamedTuple that a kernel takes
    is renamed, the kernel must move by a line, or old caches end in an AttributeError.
    """
    return cast(Function, njit(cache=True, nogil=True)(function))
