"""Random numbers for kernels: xorshift64*, whose state is one 64-bit word."""

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from netgen.place.kernels.compiled import Integer, compiled

__all__ = ["Random", "below", "draw", "state_of"]

Random = NDArray[np.uint64]
"""(1,) uint64, not 0."""


def state_of(seed: int | tuple[int, ...]) -> Random:
    """Derive an initial state from a seed of any size, 0 or more."""
    state: Random = np.random.SeedSequence(seed).generate_state(1, np.uint64) | np.uint64(1)
    return state


@compiled
def draw(state: Random) -> Integer:
    """Draw 64 random bits and advance the state.

    Source: Vigna 2016 (xorshift64*).
    """
    bits = state[0]
    bits ^= bits >> uint64(12)
    bits ^= bits << uint64(25)
    bits ^= bits >> uint64(27)
    state[0] = bits
    return bits * uint64(0x2545F4914F6CDD1D)


@compiled
def below(limit: Integer, bits: Integer) -> Integer:
    """Map the upper 32 of 64 random bits to an integer from 0 to limit - 1."""
    return np.int64(((bits >> uint64(32)) * uint64(limit)) >> uint64(32))
