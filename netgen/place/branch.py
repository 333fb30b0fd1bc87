"""The inner loop of branch and bound, compiled by numba; all lengths here are twice the wire length.

A node of the search has some neurons on sites. Its bound is Gilmore and Lawler's for the rest, an assignment whose
reduced costs also say by how much the bound rises at least for each neuron on each site: most children are never
looked at. Depth first, the child with the lowest bound first.
"""

from typing import NamedTuple

import numpy as np

from netgen.ir.fixed import Words
from netgen.ir.network import Bools
from netgen.place.augment import FORBIDDEN, Integer, assign, compiled

NOWHERE = -1
"""Site of a neuron that is not placed yet; neuron on a free site."""


class Task(NamedTuple):
    """A quadratic assignment problem of n neurons and K sites.

    Attributes:
        weight: (n, n) int64, symmetric, zero on the diagonal.
        heavy: (n, n) int64; for each neuron all neurons, the heaviest wire first.
        wires: (n,) int64; how many wires of weight above zero.
        distance, near: (K, K) int64; between sites, and for each site all sites, itself first and then the nearest.
        allowed: (n, K) bool.
        images: (symmetries, K) int64; where each symmetry of the box takes each site.
        twin: (n,) int64; the lowest neuron that may be exchanged for it.
    """

    weight: Words
    heavy: Words
    wires: Words
    distance: Words
    near: Words
    allowed: Bools
    images: Words
    twin: Words


@compiled
def search(task: Task, at: Words, length: Integer, effort: Integer) -> tuple[Integer, Integer]:
    """Prove that no placement is shorter, or find the shortest.

    Args:
        at: (n,) int64; a placement, replaced by the best one found.
        length: of `at`.
        effort: when to stop; a node costs as many as it has pairs of a free site and a neuron yet to be placed.
    Returns: the length of `at`, and a lower bound on all; they are equal when the search was finished.
    """
    n, count = task.allowed.shape
    site, neuron = np.full(n, NOWHERE, np.int64), np.full(count, NOWHERE, np.int64)
    linear = np.zeros((n, count), np.int64)
    rows, columns = np.empty((n + 1, max(n, count)), np.int64), np.empty((n + 1, max(n, count)), np.int64)
    bounds, left = np.empty((n + 1, max(n, count)), np.int64), np.zeros(n + 1, np.int64)
    depth, fixed = 0, np.int64(0)
    cost, mate, bound = _relax(task, site, neuron, linear)
    length = _improve(task, site, mate, at, length)
    effort -= n * count
    left[0] = _branch(task, site, neuron, cost, bound, length, rows[0], columns[0], bounds[0])
    while depth >= 0:
        if left[depth] == 0 or bounds[depth, left[depth] - 1] > length - 2:
            depth -= 1
            if depth >= 0:
                fixed -= _move(task, site, neuron, linear, rows[depth, left[depth]], columns[depth, left[depth]], -1)
            continue
        if effort <= 0:
            lowest = length
            for d in range(depth + 1):
                if left[d] > 0:
                    lowest = min(lowest, bounds[d, left[d] - 1])
            return length, lowest
        left[depth] -= 1
        fixed += _move(task, site, neuron, linear, rows[depth, left[depth]], columns[depth, left[depth]], 1)
        depth += 1
        cost, mate, bound = _relax(task, site, neuron, linear)
        length = _improve(task, site, mate, at, length)
        effort -= 1 + cost.size
        left[depth] = _branch(
            task, site, neuron, cost, bound + fixed, length, rows[depth], columns[depth], bounds[depth]
        )
    return length, length


@compiled
def _move(task: Task, site: Words, neuron: Words, linear: Words, i: Integer, s: Integer, sign: Integer) -> Integer:
    """Put neuron i on site s, or with sign -1 take it away; return the length of its wires to placed neurons."""
    if sign < 0:
        site[i], neuron[s] = NOWHERE, NOWHERE
    for k in range(task.wires[i]):
        other = task.heavy[i, k]
        if site[other] == NOWHERE:
            linear[other] += 2 * sign * task.weight[i, other] * task.distance[s]
    if sign > 0:
        site[i], neuron[s] = s, i
    return linear[i, s]


@compiled
def _relax(task: Task, site: Words, neuron: Words, linear: Words) -> tuple[Words, Words, Integer]:
    """Gilmore and Lawler's assignment of the neurons yet to be placed to the free sites, in ascending order.

    Returns: reduced costs; the site of each of the neurons; the length that is still to come, at least.
    """
    todo, free = np.flatnonzero(site == NOWHERE), np.flatnonzero(neuron == NOWHERE)
    cost = np.zeros((len(todo), len(free)), np.int64)
    flow, near = np.zeros((len(todo), len(todo)), np.int64), np.zeros((len(free), len(todo)), np.int64)
    flows = np.zeros(len(todo), np.int64)
    for a in range(len(todo)):
        for k in range(task.wires[todo[a]]):
            other = task.heavy[todo[a], k]
            if site[other] == NOWHERE:
                flow[a, flows[a]] = task.weight[todo[a], other]
                flows[a] += 1
    for b in range(len(free)):
        found = 0
        for k in range(1, len(neuron)):
            if found == len(todo):
                break
            other = task.near[free[b], k]
            if neuron[other] == NOWHERE:
                near[b, found] = task.distance[free[b], other]
                found += 1
    for a in range(len(todo)):
        for b in range(len(free)):
            if task.allowed[todo[a], free[b]]:
                cost[a, b] = linear[todo[a], free[b]]
                for k in range(flows[a]):
                    cost[a, b] += flow[a, k] * near[b, k]
            else:
                cost[a, b] = FORBIDDEN
    mate, total = assign(cost)
    return cost, free[mate], total


@compiled
def _improve(task: Task, site: Words, mate: Words, at: Words, length: Integer) -> Integer:
    """Take the placement that the assignment proposes, if it is shorter than `at`."""
    place, k, total = site.copy(), 0, np.int64(0)
    for i in range(len(site)):
        if site[i] == NOWHERE:
            place[i] = mate[k]
            k += 1
            if not task.allowed[i, place[i]]:
                return length
    for i in range(len(site)):
        for k in range(task.wires[i]):
            total += task.weight[i, task.heavy[i, k]] * task.distance[place[i], place[task.heavy[i, k]]]
    if total < length:
        at[:] = place
        return total
    return length


@compiled
def _branch(
    task: Task,
    site: Words,
    neuron: Words,
    reduced: Words,
    bound: Integer,
    length: Integer,
    rows: Words,
    columns: Words,
    bounds: Words,
) -> Integer:
    """Choose a neuron, or where all sites are to be filled a site, with the fewest children; list them.

    Of sites that a symmetry of the box exchanges, and of neurons that are twins, one is enough.

    Returns: how many children were written to `rows`, `columns` and `bounds`, the lowest bound last.
    """
    todo, free = np.flatnonzero(site == NOWHERE), np.flatnonzero(neuron == NOWHERE)
    gap = length - 2 - bound
    if gap < 0 or len(todo) == 0:
        return 0
    first_site, first_neuron = _first_sites(task, neuron, free), _first_neurons(task, site, todo)
    fewest, most, chosen, by_neuron = np.int64(1) << 60, np.int64(-1), np.int64(0), True
    for k in range(len(todo) + (len(free) if len(todo) == len(free) else 0)):
        line = reduced[k][first_site] if k < len(todo) else reduced[:, k - len(todo)][first_neuron]
        children, room = (line <= gap).sum(), np.minimum(line, gap).sum()
        if children < fewest or (children == fewest and room > most):
            fewest, most, by_neuron = children, room, k < len(todo)
            chosen = np.int64(k if by_neuron else k - len(todo))
    found = 0
    for k in range(len(free) if by_neuron else len(todo)):
        a, b = (chosen, k) if by_neuron else (k, chosen)
        if (first_site[b] if by_neuron else first_neuron[a]) and reduced[a, b] <= gap:
            slot = found
            while slot > 0 and bounds[slot - 1] < bound + reduced[a, b]:
                rows[slot], columns[slot], bounds[slot] = rows[slot - 1], columns[slot - 1], bounds[slot - 1]
                slot -= 1
            rows[slot], columns[slot], bounds[slot] = todo[a], free[b], bound + reduced[a, b]
            found += 1
    return found


@compiled
def _first_sites(task: Task, neuron: Words, free: Words) -> Bools:
    """Which free sites no symmetry that leaves all placed neurons alone takes to a lower one."""
    first = np.ones(len(free), np.bool_)
    for g in range(len(task.images)):
        keeps = True
        for s in range(len(neuron)):
            if neuron[s] != NOWHERE and task.images[g, s] != s:
                keeps = False
                break
        if keeps:
            for b in range(len(free)):
                if task.images[g, free[b]] < free[b]:
                    first[b] = False
    return first


@compiled
def _first_neurons(task: Task, site: Words, todo: Words) -> Bools:
    """Which neurons yet to be placed are the first among their twins."""
    first = np.ones(len(todo), np.bool_)
    for a in range(len(todo)):
        for other in range(task.twin[todo[a]], todo[a]):
            if site[other] == NOWHERE and task.twin[other] == task.twin[todo[a]]:
                first[a] = False
    return first
