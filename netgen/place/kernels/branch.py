"""Branch and bound on a quadratic assignment problem; all lengths here are twice the wire length.

A node of the search tree has some neurons on sites. Its lower bound is the Gilmore-Lawler bound for the other neurons,
a linear assignment. The reduced costs of that assignment also bound how much longer each child is, so that most
children are pruned unseen. The search goes depth first, and to the child with the lowest bound first.
"""

from typing import NamedTuple

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.place.kernels.compiled import Integer, compiled
from netgen.place.kernels.jonker_volgenant import FORBIDDEN, assign

__all__ = ["Instance", "Tree", "search", "tree_of"]

NOWHERE = -1
"""Site of a neuron that is not placed; neuron on a free site."""
DEPTH, PLACED_LENGTH, EFFORT = 0, 1, 2
"""Indices into `Tree.counts`."""


class Instance(NamedTuple):
    """A quadratic assignment problem of n neurons and K sites.

    Attributes:
        weight: (n, n) int64, symmetric, zero on the diagonal.
        heaviest: (n, n) int64; for each neuron all neurons, by descending weight.
        degree: (n,) int64; number of neurons to which the weight is above zero.
        distance: (K, K) int64; between sites.
        nearest: (K, K) int64; for each site all sites, itself first, then by ascending distance.
        allowed: (n, K) bool; whether a neuron may use a site.
        symmetry: (symmetries, K) int64; the site to which each symmetry of the box maps each site.
        twin: (n,) int64; the lowest neuron with which the neuron is interchangeable, or the neuron itself.
    """

    weight: Words
    heaviest: Words
    degree: Words
    distance: Words
    nearest: Words
    allowed: Bools
    symmetry: Words
    twin: Words


class Tree(NamedTuple):
    """The open nodes of a search, as a stack: one node at each depth, and its children that are not yet explored.

    Attributes:
        site: (n,) int64; the site of each neuron at the deepest node, or NOWHERE.
        neuron: (K,) int64; the neuron on each site at the deepest node, or NOWHERE.
        linear: (n, K) int64; length of the wires of each neuron on each site to the placed neurons.
        rows, columns, bounds: (n + 1, max(n, K)) int64; for each depth its children, which place neuron `rows` on site
            `columns`, and their lower bounds, descending.
        left: (n + 1,) int64; the number of children that are left at each depth.
        counts: (3,) int64; depth of the deepest node, length of the wires between its placed neurons, effort spent.
    """

    site: Words
    neuron: Words
    linear: Words
    rows: Words
    columns: Words
    bounds: Words
    left: Words
    counts: Words


def tree_of(instance: Instance) -> Tree:
    """Build the tree before the search: no neuron is placed, and the root is not expanded."""
    n, count = instance.allowed.shape
    children = (n + 1, max(n, count))
    return Tree(
        site=np.full(n, NOWHERE, np.int64),
        neuron=np.full(count, NOWHERE, np.int64),
        linear=np.zeros((n, count), np.int64),
        rows=np.empty(children, np.int64),
        columns=np.empty(children, np.int64),
        bounds=np.empty(children, np.int64),
        left=np.zeros(n + 1, np.int64),
        counts=np.zeros(3, np.int64),
    )


@compiled
def search(instance: Instance, tree: Tree, at: Words, length: Integer, effort: Integer) -> tuple[Integer, Integer]:
    """Continue a search until its effort is spent, or no placement is shorter than the best one found.

        expand the root
        while there is an open node:
            if no child of the deepest node can be shorter than the best placement:
                remove the node and the neuron that it placed
            else if the effort is spent:
                return the least bound of all children that are left
            else:
                take the child with the lowest bound: place one more neuron on one site, and expand it

        expand a node:
            solve the Gilmore-Lawler assignment of the unplaced neurons to the free sites
            if the placement that it proposes is the shortest so far:  keep it
            choose the neuron, or in a full box the site, with the fewest children that can be shorter
            list these children, without those equivalent by symmetry of the box or interchangeable neurons

    Args:
        tree: holds everything between two calls.
        at: (n,) int64; a placement, replaced by the best one found.
        length: twice the wire length of `at`.
        effort: the total at which to return, of all calls together. A node costs as much as its number of pairs of a
            free site and an unplaced neuron, 0.1 to 0.2 us each.
    Returns: twice the wire length of `at`, and a lower bound on that of all placements. They are equal when the search
        is complete.
    """
    counts, left, bounds = tree.counts, tree.left, tree.bounds
    if counts[EFFORT] == 0:
        counts[EFFORT] = -1
        length = _expand(instance, tree, at, length)
    while counts[DEPTH] >= 0:
        depth = counts[DEPTH]
        if left[depth] == 0 or bounds[depth, left[depth] - 1] > length - 2:
            counts[DEPTH] -= 1
            if depth > 0:
                _move(instance, tree, -1)
            continue
        if counts[EFFORT] >= effort:
            lowest = length
            for d in range(depth + 1):
                if left[d] > 0:
                    lowest = min(lowest, bounds[d, left[d] - 1])
            return length, lowest
        left[depth] -= 1
        _move(instance, tree, 1)
        counts[DEPTH] += 1
        length = _expand(instance, tree, at, length)
    return length, length


@compiled
def _move(instance: Instance, tree: Tree, sign: Integer) -> None:
    """Place the neuron of the child that the node at the present depth took last, or with sign -1 remove it."""
    site, neuron, linear, depth = tree.site, tree.neuron, tree.linear, tree.counts[DEPTH]
    i, s = tree.rows[depth, tree.left[depth]], tree.columns[depth, tree.left[depth]]
    if sign < 0:
        site[i], neuron[s] = NOWHERE, NOWHERE
    for k in range(instance.degree[i]):
        other = instance.heaviest[i, k]
        if site[other] == NOWHERE:
            linear[other] += 2 * sign * instance.weight[i, other] * instance.distance[s]
    if sign > 0:
        site[i], neuron[s] = s, i
    tree.counts[PLACED_LENGTH] += sign * linear[i, s]


@compiled
def _expand(instance: Instance, tree: Tree, at: Words, length: Integer) -> Integer:
    """Bound the deepest node, keep the placement that the bound proposes if it is shorter, and list the children.

    Returns: twice the wire length of `at`.
    """
    depth = tree.counts[DEPTH]
    cost, mate, bound = _relax(instance, tree.site, tree.neuron, tree.linear)
    length = _improve(instance, tree.site, mate, at, length)
    tree.counts[EFFORT] += 1 + cost.size
    bound += tree.counts[PLACED_LENGTH]
    tree.left[depth] = _branch(
        instance, tree.site, tree.neuron, cost, bound, length, tree.rows[depth], tree.columns[depth], tree.bounds[depth]
    )
    return length


@compiled
def _relax(instance: Instance, site: Words, neuron: Words, linear: Words) -> tuple[Words, Words, Integer]:
    """Solve the Gilmore-Lawler assignment of the unplaced neurons to the free sites, both in ascending order.

    Returns: reduced costs, (unplaced, free); the site of each unplaced neuron; a lower bound on the length of all wires
        that do not join two placed neurons.
    """
    unplaced, free = np.flatnonzero(site == NOWHERE), np.flatnonzero(neuron == NOWHERE)
    cost = np.zeros((len(unplaced), len(free)), np.int64)
    flow, near = np.zeros((len(unplaced), len(unplaced)), np.int64), np.zeros((len(free), len(unplaced)), np.int64)
    flows = np.zeros(len(unplaced), np.int64)
    for a in range(len(unplaced)):
        for k in range(instance.degree[unplaced[a]]):
            other = instance.heaviest[unplaced[a], k]
            if site[other] == NOWHERE:
                flow[a, flows[a]] = instance.weight[unplaced[a], other]
                flows[a] += 1
    for b in range(len(free)):
        found = 0
        for k in range(1, len(neuron)):
            if found == len(unplaced):
                break
            other = instance.nearest[free[b], k]
            if neuron[other] == NOWHERE:
                near[b, found] = instance.distance[free[b], other]
                found += 1
    for a in range(len(unplaced)):
        for b in range(len(free)):
            if instance.allowed[unplaced[a], free[b]]:
                cost[a, b] = linear[unplaced[a], free[b]]
                for k in range(flows[a]):
                    cost[a, b] += flow[a, k] * near[b, k]
            else:
                cost[a, b] = FORBIDDEN
    mate, total = assign(cost)
    return cost, free[mate], total


@compiled
def _improve(instance: Instance, site: Words, mate: Words, at: Words, length: Integer) -> Integer:
    """Copy the placement that the assignment proposes to `at`, if it is shorter; return twice the length of `at`."""
    place, k, total = site.copy(), 0, np.int64(0)
    for i in range(len(site)):
        if site[i] == NOWHERE:
            place[i] = mate[k]
            k += 1
            if not instance.allowed[i, place[i]]:
                return length
    for i in range(len(site)):
        for k in range(instance.degree[i]):
            total += (
                instance.weight[i, instance.heaviest[i, k]]
                * instance.distance[place[i], place[instance.heaviest[i, k]]]
            )
    if total < length:
        at[:] = place
        return total
    return length


@compiled
def _branch(
    instance: Instance,
    site: Words,
    neuron: Words,
    reduced: Words,
    bound: Integer,
    length: Integer,
    rows: Words,
    columns: Words,
    bounds: Words,
) -> Integer:
    """Choose the neuron, or in a full box the site, with the fewest children, and list these.

    Of sites that a symmetry of the box maps to each other, and of interchangeable neurons, only the first is a child.

    Args:
        reduced: (unplaced, free) int64; reduced costs of the node's assignment.
        bound: lower bound of the node.
        length: twice the wire length of the best placement; a child must be shorter by 2 or more.
    Returns: the number of children written to `rows`, `columns` and `bounds`, the lowest bound last.
    """
    unplaced, free = np.flatnonzero(site == NOWHERE), np.flatnonzero(neuron == NOWHERE)
    gap = length - 2 - bound
    if gap < 0 or len(unplaced) == 0:
        return 0
    first_site, first_neuron = _first_sites(instance, neuron, free), _first_neurons(instance, site, unplaced)
    fewest, most, chosen, by_neuron = np.int64(1) << 60, np.int64(-1), np.int64(0), True
    for k in range(len(unplaced) + (len(free) if len(unplaced) == len(free) else 0)):
        line = reduced[k][first_site] if k < len(unplaced) else reduced[:, k - len(unplaced)][first_neuron]
        children, room = (line <= gap).sum(), np.minimum(line, gap).sum()
        if children < fewest or (children == fewest and room > most):
            fewest, most, by_neuron = children, room, k < len(unplaced)
            chosen = np.int64(k if by_neuron else k - len(unplaced))
    found = 0
    for k in range(len(free) if by_neuron else len(unplaced)):
        a, b = (chosen, k) if by_neuron else (k, chosen)
        if (first_site[b] if by_neuron else first_neuron[a]) and reduced[a, b] <= gap:
            slot = found
            while slot > 0 and bounds[slot - 1] < bound + reduced[a, b]:
                rows[slot], columns[slot], bounds[slot] = rows[slot - 1], columns[slot - 1], bounds[slot - 1]
                slot -= 1
            rows[slot], columns[slot], bounds[slot] = unplaced[a], free[b], bound + reduced[a, b]
            found += 1
    return found


@compiled
def _first_sites(instance: Instance, neuron: Words, free: Words) -> Bools:
    """Mark the free sites that no symmetry maps to a lower site while it keeps all placed neurons where they are."""
    first = np.ones(len(free), np.bool_)
    for g in range(len(instance.symmetry)):
        keeps = True
        for s in range(len(neuron)):
            if neuron[s] != NOWHERE and instance.symmetry[g, s] != s:
                keeps = False
                break
        if keeps:
            for b in range(len(free)):
                if instance.symmetry[g, free[b]] < free[b]:
                    first[b] = False
    return first


@compiled
def _first_neurons(instance: Instance, site: Words, unplaced: Words) -> Bools:
    """Mark the unplaced neurons that are the lowest unplaced of those interchangeable with them."""
    first = np.ones(len(unplaced), np.bool_)
    for a in range(len(unplaced)):
        for other in range(instance.twin[unplaced[a]], unplaced[a]):
            if site[other] == NOWHERE and instance.twin[other] == instance.twin[unplaced[a]]:
                first[a] = False
    return first
