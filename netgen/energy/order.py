"""The order in which samples follow each other, on which toggles depend."""

from typing import Literal, get_args

import numpy as np

from netgen.errors import DataError
from netgen.ir.fixed import Words

__all__ = ["SampleOrder", "arranged"]

SampleOrder = Literal["given", "shuffle", "worst"]

CANDIDATES = 256
"""Samples among which `worst` looks for the next one. Comparing each with so many takes 4 s for 10,000 MNIST
images; with all others it would take 20 times as long."""


def arranged(inputs: Words, order: SampleOrder = "given", *, seed: int = 0) -> tuple[Words, str]:
    """Put samples in an order, and say which.

    Args:
        inputs: (n, n_in) int64 input words.
        order: `given`: as they are, such as in the order of a test set. `shuffle`: at random. `worst`: the first sample
            first, then always the one with the most input bits that differ from those of the sample before it, among
            the next `CANDIDATES` in the given order. It is a greedy search: another order may toggle more.
        seed: of `shuffle`.
    Returns: the samples, (n, n_in), and the order in words.
    Raises: DataError, for an unknown order.
    """
    if order == "given":
        return inputs, "in the order given"
    if order == "shuffle":
        return inputs[np.random.default_rng(seed).permutation(len(inputs))], f"shuffled with seed {seed}"
    if order == "worst":
        return inputs[_farthest_first(inputs)], f"greedily farthest of {CANDIDATES} by input bits"
    raise DataError(f"order {order!r} of samples; use one of {', '.join(get_args(SampleOrder))}")


def _farthest_first(inputs: Words) -> Words:
    """The numbers of samples, (n,), in the order of `worst`."""
    packed = _packed(inputs)
    waiting = np.arange(1, min(len(inputs), CANDIDATES + 1))
    following = len(waiting) + 1
    chosen = [0] if len(inputs) else []
    while len(waiting):
        differing = np.bitwise_count(packed[waiting] ^ packed[chosen[-1]]).sum(axis=1, dtype=np.int64)
        at = int(np.argmax(differing))
        chosen.append(int(waiting[at]))
        if following < len(inputs):
            waiting = np.append(np.delete(waiting, at), following)
            following += 1
        else:
            waiting = np.delete(waiting, at)
    return np.array(chosen, dtype=np.int64)


def _packed(inputs: Words) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """The bits of each sample, (n, 64-bit words), in as few bytes for each word as all need."""
    least, most = int(inputs.min(initial=0)), int(inputs.max(initial=0))
    kind = next(kind for kind in (np.int8, np.int16, np.int32, np.int64) if _fits(least, most, kind))
    found = inputs.astype(kind)
    rest = -found.shape[1] * found.itemsize % 8 // found.itemsize
    padded = np.pad(found, ((0, 0), (0, rest)))
    return np.ascontiguousarray(padded).view(np.uint64)


def _fits(least: int, most: int, kind: type[np.signedinteger]) -> bool:
    limits = np.iinfo(kind)
    return bool(limits.min <= least and most <= limits.max)
