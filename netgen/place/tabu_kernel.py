"""The inner loop of tabu search, compiled by numba: every swap of two items is weighed at every step.

Items are the neurons, followed by one for each free site. When u and v swap, the lengthening of any other swap (i, j)
changes by the product (f[i] - f[j]) * (d[i] - d[j]), where f[i] = flow[i, u] - flow[i, v] and d likewise of distances:
one multiplication, in a loop without branches over neighboring memory, so that eight are done at once. Only the swaps
of u and v themselves are summed anew. All values are whole numbers held as floating point, because processors multiply
eight of those at a time; they stay exact, and may be added in any order.
"""

from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from netgen.fixed import Words
from netgen.network import Bools
from netgen.place.kernel import Function, Integer, _below, _draw

Exact = NDArray[np.float32] | NDArray[np.float64]
"""Whole numbers that the type holds exactly."""
Steps = NDArray[np.int32]

NEVER = np.int32(np.iinfo(np.int32).max)
"""The lock of a swap that no step may make."""


class Table(NamedTuple):
    """A placement that is being searched; N items, as many as sites.

    Attributes:
        flow: (N, N); weight of the wires between two items.
        distance: (N, N); between the present sites of two items.
        site: (N,); of each item.
        longer: (N, N), row > column; by how much a swap of two items lengthens the wires; valid within a walk.
        until: (N, N); [i, j] is the last step before which item i may not return to the present site of item j.
        lock: (N, N), row > column; the last step before which two items may not swap: both would return; likewise.
        idle: (N,) bool; items without wires, which need not swap with each other.
        best: (N,); the sites of the shortest placement seen.
        tally: (3,); steps made, present length, shortest length.
        random: (1,); the state of the generator.
    """

    flow: Exact
    distance: Exact
    site: Words
    longer: Exact
    until: Steps
    lock: Steps
    idle: Bools
    best: Words
    tally: Words
    random: NDArray[np.uint64]


def _compiled(function: Function) -> Function:
    """Compile at the first call, and keep the result on disk; sums in any order are equal here."""
    return cast(Function, njit(cache=True, nogil=True, fastmath={"contract", "nnan", "nsz", "reassoc"})(function))


@_compiled
def _lengthening(flow: Exact, distance: Exact, i: Integer, j: Integer) -> Integer:
    """By how much a swap lengthens the wires, summed over all items."""
    flow_i, flow_j, from_i, from_j = flow[i], flow[j], distance[i], distance[j]
    between = flow_i[j] * from_i[j]
    total = between + between
    for k in range(len(flow_i)):
        total += (flow_i[k] - flow_j[k]) * (from_j[k] - from_i[k])
    return total


@_compiled
def _lock(until: Steps, idle: Bools, i: Integer, j: Integer) -> Integer:
    """The lock of a swap."""
    there, back = until[i, j], until[j, i]
    if (idle[i] and idle[j]) or max(there, back) == NEVER:
        return NEVER
    return min(there, back)


@_compiled
def _lay_out(table: Table) -> None:
    """Fill in `longer` and `lock`."""
    for i in range(len(table.site)):
        for j in range(i):
            table.longer[i, j] = _lengthening(table.flow, table.distance, i, j)
            table.lock[i, j] = _lock(table.until, table.idle, i, j)


@_compiled
def _update_row(longer: Exact, lock: Steps, f: Exact, d: Exact, i: Integer, now: Integer, none: Integer) -> Any:
    """Bring one row up to date; return the least of its open swaps, and of all that are not forbidden."""
    least = any_least = none
    f_i, d_i = f[i], d[i]
    for j in range(i):
        value = longer[j] + (f_i - f[j]) * (d_i - d[j])
        longer[j] = value
        least = min(least, value if lock[j] <= now else none)
        any_least = min(any_least, value if lock[j] < NEVER else none)
    return least, any_least


@_compiled
def _exchange(distance: Exact, until: Steps, u: Integer, v: Integer) -> None:
    """Let two items trade sites."""
    n = len(distance)
    for k in range(n):
        until[k, u], until[k, v] = until[k, v], until[k, u]
        distance[k, u], distance[k, v] = distance[k, v], distance[k, u]
    for k in range(n):
        distance[u, k], distance[v, k] = distance[v, k], distance[u, k]


@_compiled
def _choose(longer: Exact, lock: Steps, now: Integer, row_least: Exact, random: NDArray[np.uint64]) -> Any:
    """One of the least lengthening swaps whose lock is at most `now`, drawn; row_least: (N,), their least by row."""
    least = row_least[1:].min()
    u = v = ties = 0
    for i in range(1, len(longer)):
        if row_least[i] == least:
            for j in range(i):
                if longer[i, j] == least and lock[i, j] <= now:
                    ties += 1
                    if _below(ties, _draw(random)) == 0:
                        u, v = i, j
    return u, v


@_compiled
def walk(table: Table, steps: Integer, tenure: Integer, spread: Integer) -> None:
    """Make the best swap that is not locked, or that leads below the shortest length, `steps` times.

    Ties are drawn. Neither item may return for `tenure` to `tenure + spread - 1` steps. Needs two items.
    """
    _lay_out(table)
    flow, distance, site, longer, lock = table.flow, table.distance, table.site, table.longer, table.lock
    until, idle, random = table.until, table.idle, table.random
    n = len(site)
    f, d, open_least, any_least = np.zeros((4, n), dtype=flow.dtype)
    none = flow.dtype.type(np.inf)
    made, length, shortest = table.tally
    for _ in range(steps):
        made += 1
        now = np.int32(made)
        for i in range(1, n):
            open_least[i], any_least[i] = _update_row(longer[i], lock[i], f, d, i, now, none)
        least, record = open_least[1:].min(), any_least[1:].min()
        if length + min(least, record) < shortest:
            u, v = _choose(longer, lock, NEVER - 1, any_least, random)
        elif least < none:
            u, v = _choose(longer, lock, now, open_least, random)
        else:  # all swaps are locked: wait
            f[:] = 0
            d[:] = 0
            continue

        length += np.int64(longer[u, v])
        until[u, u] = now + tenure + _below(spread, _draw(random))
        until[v, v] = now + tenure + _below(spread, _draw(random))
        site[u], site[v] = site[v], site[u]
        _exchange(distance, until, u, v)
        for k in range(n):
            f[k] = flow[u, k] - flow[v, k]
            d[k] = distance[v, k] - distance[u, k]
        for k in range(n):
            for w in (u, v):
                if k != w:  # what the next update will add is taken off
                    i, j = max(k, w), min(k, w)
                    longer[i, j] = _lengthening(flow, distance, i, j) - (f[i] - f[j]) * (d[i] - d[j])
                    lock[i, j] = _lock(until, idle, i, j)
        if length < shortest:
            shortest = length
            table.best[:] = site
    table.tally[0], table.tally[1], table.tally[2] = made, length, shortest
