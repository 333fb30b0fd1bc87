"""From the accumulator of a neuron to its word, in integers: one class for each kind, and its meaning.

`Rescale` is what netgen's own quantizing makes: limits, a shift and a rounding. `Scale` and `Steps` are exact forms of
the quantizers of other tools.
"""

from dataclasses import dataclass
from typing import Literal, assert_never, get_args

import numpy as np

from netgen.errors import QuantizeError
from netgen.ir.arrays import frozen
from netgen.ir.fixed import Interval, Words, shift_round

__all__ = ["Activation", "HalfRule", "Rescale", "Scale", "StepFunction", "Steps", "activated", "bounds_of", "check"]

HalfRule = Literal["up", "even"]
"""Where a number halfway between two words is rounded: up, or to the even word."""


@dataclass(frozen=True)
class Rescale:
    """`round(limited / 2**shift)`, where `limited` is the accumulator between `lo` and `hi`.

    Attributes:
        shift: a right shift; negative to append zeros.
        lo, hi: in steps of the accumulator; None for no limit; `lo` 0 is ReLU.
        rounding: of halves.
    """

    shift: int = 0
    lo: int | None = None
    hi: int | None = None
    rounding: HalfRule = "up"


@dataclass(frozen=True, eq=False)
class Scale:
    """`(accumulator * multiplier + offset) >> shift`, rounded down.

    Attributes:
        multiplier, offset: (n,) int64, for each neuron.
        shift: 0 or more.
    """

    multiplier: Words
    offset: Words
    shift: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "multiplier", frozen(self.multiplier, np.int64))
        object.__setattr__(self, "offset", frozen(self.offset, np.int64))


@dataclass(frozen=True, eq=False)
class StepFunction:
    """`value[j]`, where j is how many of the breaks the accumulator has reached.

    Attributes:
        at: (k,) int64, ascending; a break is reached by an equal accumulator.
        value: (k + 1,) int64.

    Raises: QuantizeError, when breaks do not rise, or the values are not one more than they.
    """

    at: Words
    value: Words

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", frozen(self.at, np.int64))
        object.__setattr__(self, "value", frozen(self.value, np.int64))
        if self.at.ndim != 1 or self.value.shape != (len(self.at) + 1,):
            raise QuantizeError(f"a step function of {len(self.at)} breaks and {len(self.value)} values; give one more")
        if (np.diff(self.at) <= 0).any():
            raise QuantizeError("the breaks of a step function do not rise; write each once, in ascending order")

    def __call__(self, accumulator: Words) -> Words:
        """The values at accumulators of any shape."""
        found: Words = self.value[np.searchsorted(self.at, accumulator, side="right")]
        return found

    def range(self, lo: int, hi: int) -> Interval:
        """Least and greatest value at accumulators from `lo` to `hi`."""
        first, last = np.searchsorted(self.at, [lo, hi], side="right")
        reached = self.value[first : last + 1]
        return int(reached.min()), int(reached.max())


@dataclass(frozen=True, eq=False)
class Steps:
    """A step function for each neuron.

    Attributes:
        functions: those that occur.
        function: (n,) int64; the function of each neuron, by its place in `functions`.

    Raises: QuantizeError, when a neuron has a function that is not there.
    """

    functions: tuple[StepFunction, ...]
    function: Words

    def __post_init__(self) -> None:
        object.__setattr__(self, "function", frozen(self.function, np.int64))
        if not len(self.function) or not 0 <= self.function.min() <= self.function.max() < len(self.functions):
            raise QuantizeError(f"neurons name a step function that is none of {len(self.functions)}")

    def of(self, neuron: int) -> StepFunction:
        """The function of a neuron."""
        return self.functions[int(self.function[neuron])]


Activation = Rescale | Scale | Steps


def check(activation: Activation, neurons: int) -> None:
    """Refuse an activation that does not fit a layer.

    Raises: QuantizeError, when it is not given for each of the neurons, or its numbers are out of range.
    """
    match activation:
        case Rescale(shift, lo, hi, rounding):
            if rounding not in get_args(HalfRule):
                raise QuantizeError(f"rounding {rounding!r}; use one of {', '.join(get_args(HalfRule))}")
            if lo is not None and hi is not None and lo > hi:
                raise QuantizeError(f"an activation from {lo} to {hi}; its least value must not be above its greatest")
            if abs(shift) > 62:
                raise QuantizeError(f"an activation that shifts by {shift} bits; shift by at most 62")
        case Scale(multiplier, offset, shift):
            if multiplier.shape != (neurons,) or offset.shape != (neurons,) or not 0 <= shift <= 62:
                raise QuantizeError(f"a multiplication for {multiplier.shape} neurons, of {neurons}, shift {shift}")
        case Steps(_, function):
            if function.shape != (neurons,):
                raise QuantizeError(f"step functions for {len(function)} neurons, of {neurons}")
        case _:
            assert_never(activation)


def activated(activation: Activation, accumulator: Words, neuron: int | None = None) -> Words:
    """Compute the words, before they saturate in the output format.

    Args:
        accumulator: (..., n), one column for each neuron; or of any shape, of the one neuron that is given.
    """
    match activation:
        case Rescale(shift, lo, hi, rounding):
            limited = accumulator if lo is None else np.maximum(accumulator, lo)
            limited = limited if hi is None else np.minimum(limited, hi)
            return shift_round(limited, shift, rounding)
        case Scale(multiplier, offset, shift):
            at = slice(None) if neuron is None else neuron
            words: Words = (accumulator * multiplier[at] + offset[at]) >> shift
            return words
        case Steps(functions, function):
            if neuron is not None:
                return activation.of(neuron)(accumulator)
            words = np.empty_like(accumulator)
            for k, one in enumerate(functions):
                words[..., function == k] = one(accumulator[..., function == k])
            return words
        case _:
            assert_never(activation)


def bounds_of(activation: Activation, lo: Words, hi: Words) -> tuple[Words, Words]:
    """Least and greatest words, (n,) each, of accumulators from `lo` to `hi`, (n,) each; before they saturate."""
    match activation:
        case Rescale() | Scale():  # monotone, rising or falling
            ends = activated(activation, lo), activated(activation, hi)
            return np.minimum(*ends), np.maximum(*ends)
        case Steps():
            pairs = zip(lo.tolist(), hi.tolist(), strict=True)
            reach = np.array([activation.of(k).range(a, b) for k, (a, b) in enumerate(pairs)], dtype=np.int64)
            return reach[:, 0], reach[:, 1]
        case _:
            assert_never(activation)
