"""Compressed rows of wires from the dense table of what each neuron reads."""

from dataclasses import dataclass

import numpy as np

from netgen.importer.signals import NO_NEURON, Signals
from netgen.ir.fixed import Reals, Words

__all__ = ["Rows", "compressed", "merged_rows"]

CHUNK = 1_000_000
"""Table entries that are compressed at once: about 100 MB of scratch memory."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Wires of n neurons, sorted by neuron and source; no neuron reads another twice.

    Attributes:
        starts: (n + 1,), where each neuron's wires begin.
        source: (m,) neurons that are read.
        weight: (m,), none is 0.
        parameter: (m,), the numbers of the wires' parameters; None when none were given.
        merged: the wires, by index, that stand for several of the table.
    """

    starts: Words
    source: Words
    weight: Reals
    parameter: Words | None
    merged: Words


def compressed(read: Signals, weight: Reals, bias: Reals, parameter: Words | None = None) -> tuple[Rows, Reals]:
    """The wires of a table, and the biases, (n,), with all known numbers added.

    Args:
        read: (n, k) elements.
        weight: (n, k), or what broadcasts to it.
        bias: (n,).
        parameter: (n, k) numbers of parameters.
    """
    n, k = read.shape
    weight = np.broadcast_to(weight, (n, k))
    at_once = max(1, CHUNK // max(k, 1))
    parts, biases = [], [np.zeros(0)]
    for first in range(0, n, at_once):
        block = slice(first, first + at_once)
        neuron, factor, value = read.neuron[block], weight[block], read.value[block]
        biases.append(bias[block] + (factor * value).sum(axis=1) if value.any() else np.asarray(bias[block]))
        row, column = np.nonzero((neuron != NO_NEURON) & (factor != 0))
        shared = None if parameter is None else parameter[block][row, column]
        parts.append(merged_rows(len(neuron), row, neuron[row, column], factor[row, column], shared))
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        parts = [merged_rows(0, none, none, np.zeros(0), None)]
    return _stacked(parts), np.concatenate(biases)


def merged_rows(n: int, row: Words, source: Words, weight: Reals, parameter: Words | None) -> Rows:
    """Sort wires (m,) by row and source, and add up those that read the same neuron; those that add up to 0 go."""
    key = np.diff(row) * (source.max(initial=0) + 1) + np.diff(source)
    if (key < 0).any():
        order = np.lexsort((source, row))
        row, source, weight = row[order], source[order], weight[order]
        parameter = None if parameter is None else parameter[order]
    again = np.zeros(len(row), dtype=np.bool_)
    again[1:] = (row[1:] == row[:-1]) & (source[1:] == source[:-1])
    several = np.zeros(0, dtype=np.int64)
    if again.any():
        first = np.flatnonzero(~again)
        weight = np.add.reduceat(weight, first)
        left = weight != 0
        merged = (np.diff(np.append(first, len(row))) > 1)[left]
        row, source, weight = row[first][left], source[first][left], weight[left]
        parameter = None if parameter is None else parameter[first][left]
        several = np.flatnonzero(merged)
    return Rows(np.searchsorted(row, np.arange(n + 1)), source, weight, parameter, several)


def _stacked(parts: list[Rows]) -> Rows:
    """Rows one below the other."""
    if len(parts) == 1:
        return parts[0]
    offsets = np.cumsum([0, *(len(part.source) for part in parts)])
    starts = [part.starts[:-1] + at for part, at in zip(parts, offsets, strict=False)]
    parameters = [part.parameter for part in parts if part.parameter is not None]
    return Rows(
        np.concatenate([*starts, offsets[-1:]]),
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.weight for part in parts]),
        np.concatenate(parameters) if parameters else None,
        np.concatenate([part.merged + at for part, at in zip(parts, offsets, strict=False)]),
    )
