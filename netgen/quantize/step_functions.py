"""Any function of an accumulator as a step function: its breaks over the accumulator's whole range."""

from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np

from netgen.ir.activation import StepFunction, Steps
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.functions import Composition, Product, apply_all, of_neurons

__all__ = ["distinct", "pipeline_steps", "rounded_words", "step_function"]

DENSE = 1 << 16
"""Accumulators of the widest range in which every one is evaluated."""
GRID = 1 << 12
"""Points at which a wider range is searched for pieces on which the function rises or falls."""
MOST_STEPS = 1 << 10
"""Breaks of one step function; the words of a function with more are rounded to fewer bits."""

WordOf = Callable[[Words], Words]
RealOf = Callable[[Words], Reals]


def pipeline_steps(
    pipeline: Composition,
    frac: int,
    lo: Words,
    hi: Words,
    output: FixedPoint,
    zeros: Sequence[int] | None = None,
) -> tuple[Steps, tuple[int, ...]]:
    """Write functions of an accumulator, rounded to an output format, as step functions.

    Where a function has more than `MOST_STEPS` breaks, such as a leaky ReLU with words of 12 bits, its words are
    rounded to multiples of the least power of two with which at most so many are left. Rounding the accumulator instead
    would spend most breaks on the far ends of its proven range, which no sample reaches.

    Args:
        pipeline: functions of the number that an accumulator k means, `k * 2**-frac`.
        lo, hi: (n,) least and greatest accumulators of the neurons.
        zeros: for each of the step functions the bits in which its words are 0, however many breaks it then has; the
            least with which it has few when None.
    Returns: the step functions; and for each the bits in which its words are 0, 0 for most.
    """
    functions, chosen = [], []
    neurons, function = distinct(pipeline, len(lo))
    for index, neuron in enumerate(neurons.tolist()):
        alike = function == index
        one = of_neurons(pipeline, np.array([neuron]))

        def real_of(accumulator: Words, one: Composition = one) -> Reals:
            return apply_all(one, np.ldexp(accumulator.astype(np.float64), -frac)[:, None])[:, 0]

        least, most = int(lo[alike].min()), int(hi[alike].max())
        for bits in range(output.width) if zeros is None else zeros[index : index + 1]:

            def word_of(accumulator: Words, bits: int = bits, real_of: RealOf = real_of) -> Words:
                return rounded_words(real_of(accumulator), output, bits)

            found = step_function(word_of, least, most, real_of, MOST_STEPS if zeros is None else None)
            if found:
                break
        assert found is not None
        functions.append(found)
        chosen.append(bits)
    return Steps(tuple(functions), function), tuple(chosen)


def rounded_words(values: Reals, output: FixedPoint, zeros: int | Words) -> Words:
    """Round numbers to words that are multiples of `2**zeros`; the greatest word saturates as all do.

    Args:
        zeros: one number, or an array that broadcasts.
    """
    wide = FixedPoint(output.width + 1, 0, output.signed)
    words: Words = np.clip(wide.encode(np.ldexp(values, output.frac - zeros)) << zeros, output.lo, output.hi)
    return words


def step_function(
    word_of: WordOf, lo: int, hi: int, real_of: RealOf | None = None, most: int | None = None
) -> StepFunction | None:
    """Find the breaks of a function of integers between `lo` and `hi`.

    Every accumulator of a narrow range is evaluated. A wider range is divided at the extremes of `real_of`, and each
    piece, on which the function rises or falls, is bisected. At every break the function is evaluated on both sides.

    Args:
        word_of: the words of accumulators, (k,) int64.
        real_of: the numbers that `word_of` rounds; `word_of` itself when there are none.
        most: breaks; None for any number.
    Returns: None, for a function with more breaks.
    """
    if hi - lo < DENSE:
        points = np.arange(lo, hi + 1)
        words = word_of(points)
    else:
        points, words = _bisected(word_of, _pieces(real_of or (lambda k: word_of(k).astype(np.float64)), lo, hi), most)
    change = np.flatnonzero(words[1:] != words[:-1]) + 1
    if most is not None and len(change) > most:
        return None
    return StepFunction(points[change], words[np.concatenate([[0], change])])


def _bisected(word_of: WordOf, points: Words, most: int | None) -> tuple[Words, Words]:
    """Points, ascending, so dense that neighbors with different words differ by 1; and their words.

    It stops as soon as more than `most` pairs of neighbors have different words.
    """
    words = word_of(points)
    while True:
        differ = words[1:] != words[:-1]
        split = differ & (np.diff(points) > 1)
        if not split.any() or (most is not None and differ.sum() > most):
            return points, words
        middle = points[:-1][split] + np.diff(points)[split] // 2
        points = np.concatenate([points, middle])
        order = np.argsort(points, kind="stable")
        points, words = points[order], np.concatenate([words, word_of(middle)])[order]


def _pieces(real_of: RealOf, lo: int, hi: int) -> Words:
    """Accumulators, ascending, between which a function rises or falls: a grid, 0, and the extremes near it."""
    points = np.unique(np.concatenate([np.linspace(lo, hi, GRID).astype(np.int64), [lo, hi], np.clip([-1, 0], lo, hi)]))
    extremes = [_extreme(real_of, points[k - 1], points[k + 1]) for k in _turns(real_of(points))]
    return np.unique(np.concatenate([points, *extremes]))


def _turns(values: Reals) -> list[int]:
    """Places, not at the ends, where values turn from rising to falling or back."""
    rises = np.sign(np.diff(values))
    return (np.flatnonzero(rises[1:] * rises[:-1] < 0) + 1).tolist()


def _extreme(real_of: RealOf, lo: int, hi: int) -> Words:
    """The accumulators around an extreme that lies between `lo` and `hi`."""
    while hi - lo > 64:
        points = np.unique(np.linspace(lo, hi, 65).astype(np.int64))
        values = real_of(points)
        turns = _turns(values)
        if not turns:
            break
        lo, hi = int(points[turns[0] - 1]), int(points[turns[0] + 1])
    return np.unique(np.linspace(lo, hi, 65).astype(np.int64))


def distinct(pipeline: Composition, neurons: int) -> tuple[Words, Words]:
    """One neuron for each function that differs from the others, and which of them each neuron has, (neurons,)."""
    columns = [np.asarray(array, dtype=np.float64).reshape(neurons, -1) for array in _arrays(pipeline, neurons)]
    if not columns:
        return np.zeros(1, dtype=np.int64), np.zeros(neurons, dtype=np.int64)
    rows = np.concatenate(columns, axis=1)
    _, first, function = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first, function.reshape(-1).astype(np.int64)


def _arrays(pipeline: Composition, neurons: int) -> list[Reals]:
    """The parameters that are given for each neuron."""
    found: list[Reals] = []
    for function in pipeline:
        if isinstance(function, Product):
            found += _arrays(function.left, neurons) + _arrays(function.right, neurons)
            continue
        arrays = [getattr(function, field.name) for field in fields(function)]
        found += [a for a in arrays if isinstance(a, np.ndarray) and a.ndim and len(a) == neurons and neurons > 1]
    return found
