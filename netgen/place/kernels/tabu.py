"""Robust tabu search on a quadratic assignment problem: every step makes the best of all swaps that are not tabu.

Items are the neurons, followed by one item without wires for each free site. After a swap of u and v, the change of
any other swap (i, j) differs by the product (f[i] - f[j]) * (d[i] - d[j]), where f[i] = flow[i, u] - flow[i, v] and d
is the same difference of distances. The length of the wires of item i, if it were on site s, differs by f[i] * e[s],
where e is the difference of the distances to the two sites. The changes of the swaps of u and v follow from these
lengths. All of this is multiplications in loops without branches over contiguous memory, which compilers vectorize:
a step on 100 sites takes 6 us, against 25 us when the swaps of u and v are summed anew. All values are integers,
because compilers vectorize the minimum of integers, but not of floating point numbers.
"""

from typing import Any, NamedTuple, cast

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.place.kernels import xorshift
from netgen.place.kernels.compiled import Integer, compiled
from netgen.place.kernels.xorshift import below, draw

__all__ = ["TabuState", "tabu_state_of", "tabu_steps"]

Whole = NDArray[np.int32] | NDArray[np.int64]
"""Integers, of the narrowest type that holds them."""
StepNumbers = NDArray[np.int32]

NEVER = np.int32(np.iinfo(np.int32).max)
"""The step at which an item may first use a site outside its region."""
LANES = 32
"""Rows of the triangle of swaps are padded to a multiple of this, so that vectorized loops have no remainder."""
BLOCK = 128
"""Number of consecutive swaps whose minimum is kept; a multiple of LANES."""


class TabuState(NamedTuple):
    """A placement that is being searched; N items, as many as sites.

    The swaps of item i with items j < i are row i of a triangle, stored flat from `row[i]` on.

    Attributes:
        flow: (N, N); weight of the wires between two items.
        distance: (N, N); between two sites.
        site: (N,); the site of each item.
        cost: (N, N); length of the wires of an item, if it alone were moved to a site.
        row: (N,); the index at which the swaps of each item with those before it begin.
        change: flat; by how much each swap lengthens the wires, without `pending`.
        swap_tabu: flat; the first step at which the swap is allowed, because one of its items may return; or NEVER.
        tabu: (N, N); the first step at which an item may return to a site.
        unwired: (N,) bool; items without wires, which are not swapped with each other.
        pending: (2, N + LANES); f and d of the last swap, not yet added to `change`.
        best: (N,); the sites of the shortest placement seen.
        counts: (3,); steps made, present length, shortest length.
        random: state of the random generator.
    """

    flow: Whole
    distance: Whole
    site: Words
    cost: Whole
    row: Words
    change: Whole
    swap_tabu: StepNumbers
    tabu: StepNumbers
    unwired: Bools
    pending: Whole
    best: Words
    counts: Words
    random: xorshift.Random


def tabu_state_of(flow: Whole, distance: Whole, allowed: Bools, site: Words, seed: np.uint64) -> TabuState:
    """Build the state of a placement.

    Args:
        flow, distance: (N, N), int32 or int64, which must hold eight times the greatest cost.
        allowed: (N, N) bool; whether an item may use a site.
        site: (N,); the site of each item.
        seed: state of the random generator, not 0.
    """
    n = len(site)
    padded = (np.arange(n) + LANES - 1) // LANES * LANES
    total = (int(padded.sum()) + BLOCK - 1) // BLOCK * BLOCK
    length = int((flow.astype(np.int64) * distance[site][:, site]).sum()) // 2
    state = TabuState(
        flow=flow,
        distance=distance,
        site=site.copy(),
        cost=_costs(flow, distance[site]),
        row=np.cumsum(padded) - padded,
        change=np.zeros(total, dtype=flow.dtype),
        swap_tabu=np.full(total, NEVER),
        tabu=np.where(allowed, 0, NEVER).astype(np.int32),
        unwired=np.count_nonzero(flow, axis=1) == 0,
        pending=np.zeros((2, n + LANES), dtype=flow.dtype),
        best=site.copy(),
        counts=np.array([0, length, length]),
        random=np.array([seed]),
    )
    _evaluate_all(state)
    return state


def _costs(flow: Whole, distance: Whole) -> Whole:
    """Multiply two matrices of integers; in floating point, 20 times as fast, where 53 bits hold every result."""
    if int(flow.sum(axis=1, dtype=np.int64).max()) * int(distance.max()) >= 1 << 53:
        return flow @ distance
    return cast(Whole, (flow.astype(np.float64) @ distance.astype(np.float64)).astype(flow.dtype))


@compiled
def _evaluate(state: TabuState, w: Integer) -> None:
    """Compute the changes of all swaps of one item, without `pending`, and when they are allowed."""
    flow, cost, site, tabu = state.flow[w], state.cost, state.site, state.tabu
    s, f, d = site[w], state.pending[0], state.pending[1]
    distance, own, own_tabu = state.distance[s], cost[w], tabu[w]
    for k in range(len(site)):
        if k == w:
            continue
        t = site[k]
        at = uint64(state.row[max(k, w)] + min(k, w))
        value = own[t] - own[s] + cost[k, s] - cost[k, t] + 2 * flow[k] * distance[t]
        state.change[at] = value - (f[k] - f[w]) * (d[k] - d[w])
        there, back = own_tabu[t], tabu[k, s]
        none = max(there, back) == NEVER or (state.unwired[k] and state.unwired[w])
        state.swap_tabu[at] = NEVER if none else min(there, back)


@compiled
def _evaluate_all(state: TabuState) -> None:
    """Compute the changes of all swaps."""
    for w in range(len(state.site)):
        _evaluate(state, w)


@compiled
def _add_product(row: Whole, f: Whole, d: Whole, f_i: Integer, d_i: Integer) -> None:
    """Update the changes of one item's swaps after the last swap."""
    for j in range(len(row)):
        row[j] += (f_i - f[j]) * (d_i - d[j])


@compiled
def _add_multiple(row: Whole, e: Whole, f_i: Integer) -> None:
    """Update the costs of one item after the last swap."""
    for s in range(len(row)):
        row[s] += f_i * e[s]


@compiled
def _least_of(change: Whole, swap_tabu: StepNumbers, now: Integer, never: Integer, none: Integer) -> Any:
    """Find the least change of a block's swaps that are not tabu, and of all swaps within regions."""
    least = any_least = none
    for k in range(BLOCK):
        value = change[k]
        least = min(least, value if swap_tabu[k] <= now else none)
        any_least = min(any_least, value if swap_tabu[k] < never else none)
    return least, any_least


@compiled
def _choose(state: TabuState, now: Integer, block_least: Whole, least: Integer) -> Any:
    """Draw one of the swaps of the least change that are allowed at step `now`.

    Args:
        block_least: the least change of these swaps in each block.
    """
    chosen = ties = 0
    for block in range(len(block_least)):
        if block_least[block] == least:
            for k in range(block * BLOCK, (block + 1) * BLOCK):
                if state.change[uint64(k)] == least and state.swap_tabu[uint64(k)] <= now:
                    ties += 1
                    if ties == 1 or below(ties, draw(state.random)) == 0:
                        chosen = k
    i = np.searchsorted(state.row, chosen, side="right") - 1
    return i, chosen - state.row[i]


@compiled
def tabu_steps(state: TabuState, steps: Integer, tenure: Integer, spread: Integer) -> None:
    """Make steps of robust tabu search.

        repeat `steps` times:
            add the last swap's product to the change of every swap
            open   <- the least change among swaps that are not tabu
            record <- the least change among all swaps within regions
            if length + record < shortest length:  choose a swap of change `record`     (aspiration)
            else if there is a swap that is not tabu:  choose one of change `open`
            else:  do nothing in this step
            (ties are broken at random)
            swap the two items; each may not return to its old site for `tenure` to `tenure + spread - 1` steps
            recompute the changes of the swaps of both items
            if the placement is the shortest so far:  copy it to `best`

    Args:
        state: N >= 2 items; holds everything between two calls.
        steps: number of steps; each takes about 0.6 ns times N * N.
    Source: Taillard 1991.
    """
    flow, distance, site, cost = state.flow, state.distance, state.site, state.cost
    change, swap_tabu, row, tabu, random = state.change, state.swap_tabu, state.row, state.tabu, state.random
    f, d = state.pending[0], state.pending[1]
    n, blocks = len(site), len(change) // BLOCK
    e = np.zeros(n, dtype=flow.dtype)
    open_least, any_least = np.zeros((2, blocks), dtype=flow.dtype)
    none = change.dtype.type(np.iinfo(change.dtype).max)  # more than the change of any swap
    made, length, shortest = state.counts
    for _ in range(steps):
        made += 1
        now = np.int32(made)
        for i in range(1, n):
            padded = (i + LANES - 1) // LANES * LANES
            _add_product(change[row[i] : row[i] + padded], f, d, f[i], d[i])
        f[:] = 0
        d[:] = 0
        for block in range(blocks):
            first = block * BLOCK
            open_least[block], any_least[block] = _least_of(
                change[first : first + BLOCK], swap_tabu[first : first + BLOCK], now, NEVER, none
            )
        least, record = open_least.min(), any_least.min()
        if length + record < shortest:
            u, v = _choose(state, NEVER - 1, any_least, record)
        elif least < none:
            u, v = _choose(state, now, open_least, least)
        else:
            continue

        length += np.int64(change[row[u] + v])
        s, t = site[u], site[v]
        tabu[u, s] = now + tenure + below(spread, draw(random))
        tabu[v, t] = now + tenure + below(spread, draw(random))
        site[u], site[v] = t, s
        for k in range(n):
            e[k] = distance[t, k] - distance[s, k]
            f[k] = flow[u, k] - flow[v, k]
        for k in range(n):
            d[k] = -e[site[k]]
            if f[k]:
                _add_multiple(cost[k], e, f[k])
        _evaluate(state, u)
        _evaluate(state, v)
        if length < shortest:
            shortest = length
            state.best[:] = site
    state.counts[0], state.counts[1], state.counts[2] = made, length, shortest
