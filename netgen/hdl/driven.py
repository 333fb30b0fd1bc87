"""Inputs that drive operators towards chosen values, built from how each operator depends on the inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import assert_never

import numpy as np
import numpy.typing as npt

from netgen.ir.fixed import FixedPoint, Words
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.kinds import (
    Add,
    Constant,
    Count,
    Greater,
    Hold,
    Input,
    Larger,
    Maximum,
    Minimum,
    Multiply,
    Round,
    Select,
    Shift,
    Subtract,
    Table,
)

Slopes = npt.NDArray[np.float32]
"""One column for each input word, then one for each comparison of an input word with a threshold."""


@dataclass(frozen=True, eq=False)
class Driver:
    """How the operators of a graph depend on its inputs.

    Attributes:
        graph: with its operators.
        format: of the input words.
        slopes: (operators, columns) change of an operator's value for a step of an input, taken as linear.
        words: (columns beyond the inputs,) the input word that each of them compares, rising.
        thresholds: (columns beyond the inputs,) what it is compared with, rising for each word.
    """

    graph: OperatorGraph
    format: FixedPoint
    slopes: Slopes
    words: Words
    thresholds: Words

    @property
    def columns(self) -> int:
        """Columns of `slopes`."""
        return int(self.slopes.shape[1])

    def towards_limit(self, number: int, side: int) -> Slopes:
        """A direction, (columns,), in which an operator rises (side 1) or falls (side -1)."""
        direction: Slopes = side * self.slopes[number]
        return direction

    def towards_entry(self, number: int, address: int) -> Slopes:
        """A direction, (columns,), in which the sources of a table go where they choose an address."""
        table = self.graph.operators[number]
        total = np.zeros(self.columns, dtype=np.float32)
        for k, source in enumerate(table.sources):
            if isinstance(table.operation, Count):
                total += np.float32(1 if address >> k & 1 else -1) * self.slopes[source]
                continue
            at = self.graph.operators[source]
            word, address = address & ((1 << at.width) - 1), address >> at.width
            value = word - (1 << at.width) if at.signed and word >> (at.width - 1) else word
            middle, reach = (at.lo + at.hi) / 2, max(at.hi - at.lo, 1)
            total += np.float32((value - middle) / reach**2) * self.slopes[source]
        return total

    def drive(self, directions: Slopes, base: Words) -> Words:
        """Choose the inputs that are farthest in some directions, were everything linear.

        Where a word is compared with thresholds it becomes one of the words next to a threshold.

        Args:
            directions: (n, columns).
            base: (n, n_in) words for inputs that make no difference.
        Returns: (n, n_in) input words.
        """
        features = self.graph.inputs
        linear = directions[:, :features]
        words = np.where(linear > 0, self.format.hi, np.where(linear < 0, self.format.lo, base))
        first = 0
        for word, group in groupby(self.words.tolist()):
            end = first + len(list(group))
            steps = directions[:, features + first : features + end]
            gains = np.concatenate([np.zeros_like(steps[:, :1]), np.cumsum(steps, axis=1)], axis=1)
            rising = self.thresholds[first:end]
            places = np.concatenate([rising[:1], rising + 1])  # not above the lowest; above it; above the second, ...
            best = places[np.argmax(gains, axis=1)]
            words[:, word] = np.where(np.any(steps != 0, axis=1), best, words[:, word])
            first = end
        return words


def columns_of(graph: OperatorGraph) -> int:
    """Columns of a driver's slopes."""
    return graph.inputs + len(_compared(graph))


def driver_of(graph: OperatorGraph, form: FixedPoint) -> Driver:
    """Find how operators depend on inputs: from the first to the last, from the slopes of their sources.

    Args:
        form: of the input words.
    """
    operators, compared = graph.operators, _compared(graph)
    slopes = np.zeros((len(operators), graph.inputs + len(compared)), dtype=np.float32)
    column_of = {number: graph.inputs + k for k, (_, _, number) in enumerate(compared)}
    for number, operator in enumerate(operators):
        if isinstance(operator.operation, Input):
            slopes[number, operator.operation.word] = 1
        elif number in column_of:
            slopes[number, column_of[number]] = 1
        else:
            each = _slopes(operator, [operators[source] for source in operator.sources])
            for source, slope in zip(operator.sources, each, strict=True):
                slopes[number] += np.float32(slope) * slopes[source]
    return Driver(
        graph=graph,
        format=form,
        slopes=slopes,
        words=np.array([word for word, _, _ in compared], dtype=np.int64),
        thresholds=np.array([threshold for _, threshold, _ in compared], dtype=np.int64),
    )


def _compared(graph: OperatorGraph) -> list[tuple[int, int, int]]:
    """Comparisons of an input word with a constant: the word, the constant and the operator, sorted."""
    found = []
    for number, operator in enumerate(graph.operators):
        if isinstance(operator.operation, Greater):
            a, b = (graph.operators[source].operation for source in operator.sources)
            if isinstance(a, Input) and isinstance(b, Constant):
                found.append((a.word, b.value, number))
    return sorted(found)


def _slopes(operator: Operator, sources: Sequence[Operator]) -> Sequence[float]:  # noqa: PLR0912  # one case for each kind
    """Change of an operator's value for a step of each source, on average over the ranges of the sources."""
    operation = operator.operation
    match operation:
        case Input() | Constant():
            return ()
        case Add(left, _):
            return 2.0 ** left[0], 2.0 ** left[1]
        case Subtract(left, _):
            return 2.0 ** left[0], -(2.0 ** left[1])
        case Multiply(factor):
            return (float(factor),)
        case Shift(right) | Round(right):
            return (2.0**-right,)
        case Larger():
            return 0.5, 0.5
        case Maximum() | Minimum():
            return (1.0,)
        case Greater():
            reach = sum(source.hi - source.lo for source in sources) + 1
            return 1.0 / reach, -1.0 / reach
        case Select():
            b, c = sources[1:]
            return (b.lo + b.hi - c.lo - c.hi) / 2.0, 0.5, 0.5
        case Hold():
            return [1.0] + [0.0] * (len(sources) - 1)
        case Count(bits, inverted):
            return [(-1.0 if flip else 1.0) * 2.0**-bit for bit, flip in zip(bits, inverted, strict=True)]
        case Table(entries):
            return _table_slopes(entries, sources)
        case _:
            assert_never(operation)


def _table_slopes(entries: Sequence[int], sources: Sequence[Operator]) -> list[float]:
    """Change of a table's entry for a step of each source: the least-squares line through all entries."""
    values = np.array(entries, dtype=np.float64)
    values -= values.mean()
    found, low = [], 0
    for source in sources:
        word = np.arange(len(entries)) >> low & ((1 << source.width) - 1)
        if source.signed:
            word = word - (word >> (source.width - 1) << source.width)
        low += source.width
        spread = word - word.mean()
        found.append(float(spread @ values / (spread @ spread)))
    return found
