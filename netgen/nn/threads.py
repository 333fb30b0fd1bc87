"""One torch thread while netgen computes, and the user's number of threads before and after."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one torch thread; as a `with` block or as a decorator.

    One thread is far faster than two for networks of some thousand weights, and sums are taken in one order only. The
    number of threads that the process had is restored, also when an exception leaves the block.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
