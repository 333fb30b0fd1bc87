"""Threads for kernels, which leave at once when something is raised."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from os import cpu_count

__all__ = ["cores", "workers"]


def cores() -> int:
    """Return the number of threads that work at a time; results never depend on it."""
    return cpu_count() or 1


@contextmanager
def workers() -> Iterator[ThreadPoolExecutor]:
    """Open one thread for each core. On an exception, tasks that have not begun are cancelled."""
    with ThreadPoolExecutor(cores()) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
