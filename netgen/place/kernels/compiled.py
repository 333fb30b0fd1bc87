"""The one way in which netgen's placers compile a function."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Integer = Any
"""An int or an np.int64, between which numba does not distinguish."""
Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function at its first call, for use in threads, and cache the machine code on disk.

    The function keeps its Python type. It releases Python's global lock while it runs.
    """
    return cast(Function, njit(cache=True, nogil=True)(function))
