"""Neurons that are truth tables, forward and backward, compiled by numba, and the choice of the bits that they read.

A score for each pair of a table's input and a bit says how much that bit is wanted there; the best one is read. Bits
are 0 or 1 and most of them 0, so scores move by additions for the bits that are on, without a matrix product.

Arrays of scores and of their gradients are divided into tiles of `TILE` tables, so that a tile stays in the cache.
"""

from typing import Any

from numpy.typing import NDArray

from netgen.ir.fixed import Words
from netgen.nn.sparse import compiled

__all__ = ["TILE", "best_bits", "count_entries", "entry_gradients", "move_scores"]

Array = NDArray[Any]

TILE = 16
"""Tables whose scores are moved together."""


@compiled
def count_entries(bits: Array, source: Words, entry: Array, group: Words, address: Array, counts: Array) -> None:
    """Read every table, and count the entries of each group that are 1.

    Args:
        bits: (inputs, samples) uint8, 0 or 1.
        source: (tables, k) the bit that each input reads; the first gives the lowest bit of the address.
        entry: (tables, 2**k) uint8, 0 or 1.
        group: (tables,) in which each table is counted.
        address: (tables, samples) uint8, is set.
        counts: (groups, samples) int32, is added to.
    """
    for n in range(len(source)):
        own, table, total = address[n], entry[n], counts[group[n]]
        own[:] = 0
        for j in range(source.shape[1]):
            row = bits[source[n, j]]
            for b in range(len(own)):
                own[b] |= row[b] << j
        for b in range(len(own)):
            total[b] += table[own[b]]


@compiled
def entry_gradients(address: Array, slope: Array, group: Words, back: Array, by_entry: Array, by_input: Array) -> None:
    """Pass gradients of counts back to the entries that were addressed, and to what the tables read.

    Args:
        address: (tables, samples) as `count_entries` left it.
        slope: (tables, 2**k, k) float32, by how much each bit of an address raises the entry there.
        back: (groups, samples) float32, gradient of the counts.
        by_entry: (tables, 2**k) float32, is set to the gradient of the entries.
        by_input: (tiles, samples, TILE * k) float32, is set to that of the inputs, or is empty.
    """
    inputs = slope.shape[2]
    for n in range(len(address)):
        own, total, change, place = address[n], by_entry[n], back[group[n]], n % TILE * inputs
        total[:] = 0
        for b in range(len(own)):
            total[own[b]] += change[b]
        if len(by_input):
            tile, table = by_input[n // TILE], slope[n]
            for b in range(len(own)):
                rise, c = table[own[b]], change[b]
                for j in range(inputs):
                    tile[b, place + j] = c * rise[j]


@compiled
def move_scores(scores: Array, starts: Words, on: Array, by_input: Array) -> None:
    """Subtract from the scores of the bits that are on the gradient of each sample.

    Args:
        scores: (tiles, inputs, TILE * k) float32.
        starts, on: of each sample, the bits that are 1: those from `starts[b]` to `starts[b + 1]`.
        by_input: (tiles, samples, TILE * k) float32, times the step size.
    """
    for t in range(len(scores)):
        tile = scores[t]
        for b in range(by_input.shape[1]):
            change = by_input[t, b]
            for e in range(starts[b], starts[b + 1]):
                row = tile[on[e]]
                for s in range(len(row)):
                    row[s] -= change[s]


@compiled
def best_bits(scores: Array, share: Array, pull: Array, source: Words) -> None:
    """Choose for every input of every table the bit of the greatest score, none twice in one table.

    Args:
        scores: (tiles, inputs, TILE * k) float32.
        share: (inputs,) float32, of the samples in which each bit is on.
        pull: (tiles, TILE * k) float32; `share` times this is added to the scores, which takes the mean off each bit.
        source: (tables, k) is set.
    """
    tables, k = source.shape
    best, at = pull[0].copy(), pull[0].copy()
    for t in range(len(scores)):
        tile, own = scores[t], pull[t]
        best[:] = -1e30
        at[:] = 0
        for p in range(len(tile)):
            row, mean, number = tile[p], share[p], float(p)  # numbers up to 2**24 are exact
            for s in range(len(best)):
                value = row[s] + mean * own[s]
                better = value > best[s]
                best[s] = value if better else best[s]
                at[s] = number if better else at[s]
        for n in range(t * TILE, min(tables, (t + 1) * TILE)):
            for j in range(k):
                place = n % TILE * k + j
                source[n, j] = int(at[place])
                if _is_taken(source[n], j, source[n, j]):
                    source[n, j] = _next_best(tile[:, place], share, own[place], source[n], j)


@compiled
def _is_taken(row: Words, count: int, bit: int) -> bool:
    """Whether one of the first inputs of a table reads a bit."""
    taken = False
    for i in range(count):
        taken |= row[i] == bit
    return taken


@compiled
def _next_best(scores: Array, share: Array, pull: float, row: Words, count: int) -> int:
    """The bit of the greatest score among those that none of the first inputs of a table reads."""
    found, most = 0, -1e30
    for p in range(len(scores)):
        value = scores[p] + share[p] * pull
        if value > most and not _is_taken(row, count, p):
            found, most = p, value
    return found
