"""Compressed rows: which earlier neurons each neuron of a layer reads, and with which weights."""

from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words

__all__ = [
    "Gather",
    "SparseLayer",
    "address_weights",
    "channels_of",
    "check_bits",
    "check_gather",
    "check_rows",
    "connected",
    "products",
    "row_sums",
    "selected",
    "selected_range",
    "selecting_wires",
    "targets_of",
]

Gather = Literal["sum", "max", "select", "table"]
"""What a neuron makes of the values that it reads: their weighted sum plus its bias, the greatest of them, the one
that a gate selects, or, of bits, the address of a truth table.

A neuron that selects reads bypass, gate and word, in this order of their numbers, or gate and word, where the bypass is
0. Its value is the word where the gate is above 0, else the bypass.

A neuron that is a table reads bits. Its value is the address that they form, the first of them the lowest bit; its
activation gives the entry at each address. Only circuits have tables.
"""
MOST_ADDRESS = 8
"""Bits that a table reads, at most."""
Array = npt.NDArray[Any]

DENSE_SHARE = 0.25
"""Share of non-zero weights, among rows and columns that have any, from which a matrix product is faster."""
DENSE_WEIGHTS = 20_000_000
"""Weights of the largest such matrix: 160 MB."""


class SparseLayer:
    """A layer in compressed rows, one row for each neuron; its subclasses say what the numbers mean."""

    starts: Words
    source: Words
    weight: Array
    bias: Array
    gather: Gather

    def __len__(self) -> int:
        return len(self.bias)

    @property
    def wires(self) -> int:
        """Number of wires."""
        return len(self.source)

    @cached_property
    def target(self) -> Words:
        """(m,) the neuron, by its index in this layer, into which each wire leads."""
        return targets_of(self.starts)

    @cached_property
    def factor(self) -> Array:
        """(m,) by what each word enters a sum, the address of a table, or a maximum."""
        return address_weights(self.starts) if self.gather == "table" else self.weight

    @cached_property
    def passing(self) -> Bools:
        """(m,) whether a wire carries a value that enters the neuron's own; all do but those from gates."""
        passing = np.ones(self.wires, dtype=np.bool_)
        if self.gather == "select":
            passing[selecting_wires(self.starts)[1]] = False
        return passing


def check_rows(starts: Words, source: Words, weight: Words, bias: Words) -> str:
    """Say what is wrong with the rows of a layer; empty when nothing is.

    Args:
        starts: (n + 1,); source, weight: (m,), sources ascending within a row; bias: (n,), n at least 1.
    """
    n, m = bias.size, source.size
    if bias.ndim != 1 or not n or starts.shape != (n + 1,) or source.shape != (m,) or weight.shape != (m,):
        return f"starts {starts.shape}, source {source.shape}, weight {weight.shape} and bias {bias.shape} do not match"
    if starts[0] != 0 or starts[-1] != m or (np.diff(starts) < 0).any():
        return f"starts must rise from 0 to the number of wires, {m}"
    begins = np.zeros(m + 1, dtype=np.bool_)
    begins[starts] = True
    if ((np.diff(source) <= 0) & ~begins[1:-1]).any():
        return "the sources of a neuron must rise; name each once"
    return "" if weight.all() else "a weight of 0; leave such wires out"


def check_gather(gather: str, starts: Words, source: Words, weight: Array, bias: Array) -> str:
    """Say why a layer cannot gather its values in this way; empty when it can."""
    if gather not in get_args(Gather):
        return f"gather {gather!r}; use {', '.join(get_args(Gather))}"
    if gather == "select":
        count = np.diff(starts)
        if ((count < 2) | (count > 3)).any() or (weight != 1).any() or bias.any():
            return "a selection reads bypass, gate and word, or gate and word, by weight 1 and without bias"
        if (np.diff(source)[np.diff(targets_of(starts)) == 0] <= 0).any():
            return "the sources of a selection must rise: bypass, gate, word"
    if gather == "max" and ((np.diff(starts) == 0).any() or (weight != 1).any() or bias.any()):
        return "a maximum reads at least one value, by weight 1 and without bias"
    if gather == "table":
        count = np.diff(starts)
        if ((count < 1) | (count > MOST_ADDRESS)).any() or (weight != 1).any() or bias.any():
            return f"a table reads 1 to {MOST_ADDRESS} bits, by weight 1 and without bias"
    return ""


def check_bits(source: Words, lo: Words, hi: Words) -> str:
    """Say which of the words that tables read is no bit; empty when all are.

    Args:
        lo, hi: least and greatest words of all that they may read.
    """
    wide = source[(lo[source] < 0) | (hi[source] > 1)]
    if not len(wide):
        return ""
    return f"a table reads neuron {wide[0]}, a word from {lo[wide[0]]} to {hi[wide[0]]}; it can read bits, 0 or 1"


def address_weights(starts: Words) -> Words:
    """The weight of each bit, (m,), in the address of the table that reads it."""
    place = np.arange(starts[-1]) - np.repeat(starts[:-1], np.diff(starts))
    weights: Words = np.int64(1) << place
    return weights


def targets_of(starts: Words) -> Words:
    """The row of each wire, (m,)."""
    return np.repeat(np.arange(len(starts) - 1, dtype=np.int64), np.diff(starts))


def row_sums(starts: Words, terms: Words) -> Words:
    """The sum of the terms, (m,) int64, of each row, (n,)."""
    total = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(terms)])
    sums: Words = total[starts[1:]] - total[starts[:-1]]
    return sums


def selecting_wires(starts: Words) -> tuple[Words, Words, Words]:
    """The wires of neurons that select, (n,) each: from the bypass, -1 for none, from the gate, and from the word."""
    word = starts[1:] - 1
    return np.where(np.diff(starts) == 3, starts[:-1], -1), word - 1, word


def selected(values: Array, starts: Words, source: Words) -> Array:
    """What neurons select, (samples, n), of values (samples, columns)."""
    bypass, gate, word = selecting_wires(starts)
    otherwise = np.where(bypass >= 0, values[:, source[bypass]], 0)
    return np.where(values[:, source[gate]] > 0, values[:, source[word]], otherwise)


def selected_range(starts: Words, source: Words, lo: Words, hi: Words) -> tuple[Words, Words]:
    """Least and greatest words, (n,) each, that neurons select, from those of all that they may read.

    It is the union of the ranges of word and bypass; that of one of them where the gate always, or never, is above 0.
    """
    bypass, gate, word = selecting_wires(starts)
    on, off = (np.stack([np.where(wire >= 0, end[source[wire]], 0) for end in (lo, hi)]) for wire in (word, bypass))
    never, always = hi[source[gate]] <= 0, lo[source[gate]] > 0
    on, off = np.where(never, off, on), np.where(always, on, off)
    return np.minimum(on[0], off[0]), np.maximum(on[1], off[1])


def products(words: Words, starts: Words, source: Words, weight: Words) -> Words:
    """Sum up weights times words, exactly: (samples, n) for words (samples, columns).

    Sums that doubles hold exactly are computed in doubles, which is faster, and as a matrix product where most weights
    are not zero.
    """
    from scipy.sparse import csr_array

    n = len(starts) - 1
    most = np.abs(words).max(axis=0, initial=0).astype(np.float64)
    terms = np.abs(weight).astype(np.float64) * most[source]
    exact = np.bincount(targets_of(starts), terms, minlength=n).max(initial=0) < 2.0**53
    number = np.float64 if exact else np.int64
    columns = np.unique(source)
    if exact and len(weight) > DENSE_SHARE * n * len(columns) and n * len(columns) <= DENSE_WEIGHTS:
        matrix = np.zeros((n, len(columns)))
        matrix[targets_of(starts), np.searchsorted(columns, source)] = weight
        total = words[:, columns].astype(np.float64) @ matrix.T
    else:
        rows = csr_array((weight.astype(number), source, starts), shape=(n, words.shape[1]))
        total = (rows @ words.T.astype(number)).T
    sums: Words = np.ascontiguousarray(total).astype(np.int64)
    return sums


def channels_of(neurons: int, target: Words, parameter: Words | None) -> Words:
    """The channel of each neuron of a layer, (n,), from 0: neurons that share a parameter, directly or by others.

    Args:
        target, parameter: (m,) of each wire, the index of its neuron and the number of its parameter; None for wires
            that share none.
    """
    if parameter is None:
        return np.arange(neurons, dtype=np.int64)
    parameters, number = np.unique(parameter, return_inverse=True)
    return connected(neurons + len(parameters), target, neurons + number)[:neurons]


def connected(count: int, one: Words, other: Words) -> Words:
    """The group of each of some things, (count,), from 0 in the order of their least members.

    Args:
        one, other: (m,) each, the things of each pair that belong together.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = coo_array((np.ones(len(one), dtype=np.bool_), (one, other)), shape=(count, count))
    group: Words = connected_components(pairs, directed=False)[1].astype(np.int64)
    return group
