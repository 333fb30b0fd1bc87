"""The inner loop of tabu search, compiled by numba: every swap of two items is weighed at every step.

Items are the neurons, followed by one for each free site. When u and v swap, the lengthening of any other swap (i, j)
changes by the product (f[i] - f[j]) * (d[i] - d[j]), where f[i] = flow[i, u] - flow[i, v] and d likewise of distances;
and the length of the wires of item i, were it on site s, by f[i] * e[s]. From the latter the swaps of u and v
themselves follow. All of this is multiplications in loops without branches over neighboring memory, so that eight are
done at once: a step on 100 sites takes 6 us, where to sum anew all swaps of u and v took 25. All values are integers:
compilers find the least of floating point numbers one by one, of integers eight at a time.
"""

from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from netgen.ir.fixed import Words
from netgen.ir.network import Bools
from netgen.place.kernel import Function, Integer, _below, _draw

Whole = NDArray[np.int32] | NDArray[np.int64]
"""Integers, of the narrowest type that holds them."""
Steps = NDArray[np.int32]

NEVER = np.int32(np.iinfo(np.int32).max)
"""The last step before which an item may not go to a site that it may never use."""
LANES = 32
"""Rows of the triangle of swaps are filled up to a multiple of this, so that no part of a loop is done one by one."""
BLOCK = 128
"""Swaps of which the least is kept; a multiple of LANES."""


class Table(NamedTuple):
    """A placement that is being searched; N items, as many as sites.

    Swaps of i with j < i are row i of a triangle, which lies flat in memory, from row[i] on.

    Attributes:
        flow: (N, N); weight of the wires between two items.
        distance: (N, N); between two sites.
        site: (N,); of each item.
        cost: (N, N); length of the wires of an item, were it alone moved to a site.
        row: (N,); where the swaps of each item with those before it begin.
        longer: flat; by how much a swap lengthens the wires, but for `pending`.
        lock: flat; the last step before which a swap may not be made, since both items would return; or NEVER.
        until: (N, N); the last step before which an item may not return to a site.
        idle: (N,) bool; items without wires, which need not swap with each other.
        pending: (2, N and some); f and d of the swap made last.
        best: (N,); the sites of the shortest placement seen.
        tally: (3,); steps made, present length, shortest length.
        random: (1,); the state of the generator.
    """

    flow: Whole
    distance: Whole
    site: Words
    cost: Whole
    row: Words
    longer: Whole
    lock: Steps
    until: Steps
    idle: Bools
    pending: Whole
    best: Words
    tally: Words
    random: NDArray[np.uint64]


def table_of(flow: Whole, distance: Whole, may: Bools, site: Words, seed: np.uint64) -> Table:
    """Lay out a placement for tabu search.

    Args:
        flow, distance: (N, N), int32 or int64, which must hold eight times the greatest cost.
        may: (N, N) bool; whether an item may use a site.
        site: (N,); of each item.
    """
    n = len(site)
    filled = (np.arange(n) + LANES - 1) // LANES * LANES
    total = (int(filled.sum()) + BLOCK - 1) // BLOCK * BLOCK
    length = int((flow.astype(np.int64) * distance[site][:, site]).sum()) // 2
    table = Table(
        flow=flow,
        distance=distance,
        site=site.copy(),
        cost=_costs(flow, distance[site]),
        row=np.cumsum(filled) - filled,
        longer=np.zeros(total, dtype=flow.dtype),
        lock=np.full(total, NEVER),
        until=np.where(may, 0, NEVER).astype(np.int32),
        idle=np.count_nonzero(flow, axis=1) == 0,
        pending=np.zeros((2, n + LANES), dtype=flow.dtype),
        best=site.copy(),
        tally=np.array([0, length, length]),
        random=np.array([seed]),
    )
    _weigh_all(table)
    return table


def _costs(flow: Whole, distance: Whole) -> Whole:
    """The product of two matrices of integers; that of floats is 20 times as fast, and exact where all fits 53 bits."""
    if int(flow.sum(axis=1, dtype=np.int64).max()) * int(distance.max()) >= 1 << 53:
        return flow @ distance
    return cast(Whole, (flow.astype(np.float64) @ distance.astype(np.float64)).astype(flow.dtype))


def _compiled(function: Function) -> Function:
    """Compile at the first call, and keep the result on disk; other threads run meanwhile."""
    return cast(Function, njit(cache=True, nogil=True)(function))


@_compiled
def _weigh(table: Table, w: Integer) -> None:
    """Weigh the swaps of one item anew, less what is pending."""
    flow, cost, site, until = table.flow[w], table.cost, table.site, table.until
    s, f, d = site[w], table.pending[0], table.pending[1]
    distance, own, own_until = table.distance[s], cost[w], until[w]
    for k in range(len(site)):
        if k == w:
            continue
        t = site[k]
        at = uint64(table.row[max(k, w)] + min(k, w))
        value = own[t] - own[s] + cost[k, s] - cost[k, t] + 2 * flow[k] * distance[t]
        table.longer[at] = value - (f[k] - f[w]) * (d[k] - d[w])
        there, back = own_until[t], until[k, s]
        none = max(there, back) == NEVER or (table.idle[k] and table.idle[w])
        table.lock[at] = NEVER if none else min(there, back)


@_compiled
def _weigh_all(table: Table) -> None:
    """Weigh all swaps."""
    for w in range(len(table.site)):
        _weigh(table, w)


@_compiled
def _add_product(row: Whole, f: Whole, d: Whole, f_i: Integer, d_i: Integer) -> None:
    """Bring the swaps of one item up to date."""
    for j in range(len(row)):
        row[j] += (f_i - f[j]) * (d_i - d[j])


@_compiled
def _add_multiple(row: Whole, e: Whole, f_i: Integer) -> None:
    """Bring the costs of one item up to date."""
    for s in range(len(row)):
        row[s] += f_i * e[s]


@_compiled
def _least_of(longer: Whole, lock: Steps, now: Integer, never: Integer, none: Integer) -> Any:
    """The least of a block's open swaps, and of all that are not forbidden."""
    least = any_least = none
    for k in range(BLOCK):
        value = longer[k]
        least = min(least, value if lock[k] <= now else none)
        any_least = min(any_least, value if lock[k] < never else none)
    return least, any_least


@_compiled
def _choose(table: Table, now: Integer, block_least: Whole, least: Integer) -> Any:
    """One of the least lengthening swaps whose lock is at most `now`, drawn; block_least: their least by block."""
    chosen = ties = 0
    for block in range(len(block_least)):
        if block_least[block] == least:
            for k in range(block * BLOCK, (block + 1) * BLOCK):
                if table.longer[uint64(k)] == least and table.lock[uint64(k)] <= now:
                    ties += 1
                    if ties == 1 or _below(ties, _draw(table.random)) == 0:
                        chosen = k
    i = np.searchsorted(table.row, chosen, side="right") - 1
    return i, chosen - table.row[i]


@_compiled
def walk(table: Table, steps: Integer, tenure: Integer, spread: Integer) -> None:
    """Make the best swap that is not locked, or that leads below the shortest length, `steps` times.

    Ties are drawn. Neither item may return for `tenure` to `tenure + spread - 1` steps. Needs two items.
    """
    flow, distance, site, cost = table.flow, table.distance, table.site, table.cost
    longer, lock, row, until, random = table.longer, table.lock, table.row, table.until, table.random
    f, d = table.pending[0], table.pending[1]
    n, blocks = len(site), len(longer) // BLOCK
    e = np.zeros(n, dtype=flow.dtype)
    open_least, any_least = np.zeros((2, blocks), dtype=flow.dtype)
    none = longer.dtype.type(np.iinfo(longer.dtype).max)  # more than any swap lengthens
    made, length, shortest = table.tally
    for _ in range(steps):
        made += 1
        now = np.int32(made)
        for i in range(1, n):
            filled = (i + LANES - 1) // LANES * LANES
            _add_product(longer[row[i] : row[i] + filled], f, d, f[i], d[i])
        f[:] = 0
        d[:] = 0
        for block in range(blocks):
            first = block * BLOCK
            open_least[block], any_least[block] = _least_of(
                longer[first : first + BLOCK], lock[first : first + BLOCK], now, NEVER, none
            )
        least, record = open_least.min(), any_least.min()
        if length + record < shortest:
            u, v = _choose(table, NEVER - 1, any_least, record)
        elif least < none:
            u, v = _choose(table, now, open_least, least)
        else:  # all swaps are locked: wait
            continue

        length += np.int64(longer[row[u] + v])
        s, t = site[u], site[v]
        until[u, s] = now + tenure + _below(spread, _draw(random))
        until[v, t] = now + tenure + _below(spread, _draw(random))
        site[u], site[v] = t, s
        for k in range(n):
            e[k] = distance[t, k] - distance[s, k]
            f[k] = flow[u, k] - flow[v, k]
        for k in range(n):
            d[k] = -e[site[k]]
            if f[k]:
                _add_multiple(cost[k], e, f[k])
        _weigh(table, u)
        _weigh(table, v)
        if length < shortest:
            shortest = length
            table.best[:] = site
    table.tally[0], table.tally[1], table.tally[2] = made, length, shortest
