"""Exact re-placement of neurons that share no wire: a linear assignment to their own and all free sites.

With all other neurons fixed, the wire length is a sum of one cost per member and site, so the best re-placement of
the whole set at once is a linear assignment problem.
"""

from collections.abc import Sequence

import numpy as np
from ortools.graph.python.linear_sum_assignment import SimpleLinearSumAssignment
from scipy.sparse.csgraph import breadth_first_order

from netgen.ir.fixed import Words
from netgen.place.problem import Problem
from netgen.progress import Progress, Stopped, silent

FORBIDDEN = np.iinfo(np.int64).max
"""Cost of a site outside the region of a neuron."""


def settle(problem: Problem, at: Words, sets: Sequence[Words], progress: Progress = silent) -> Words:
    """Reassign each set in turn, until no set can be placed better or `progress` raises Stopped."""
    settled, turn = 0, 0
    try:
        while settled < len(sets):
            progress("matching", settled / len(sets))
            better = reassign(problem, at, sets[turn % len(sets)])
            settled = settled + 1 if better is at else 1
            at, turn = better, turn + 1
        progress("matching", 1.0)
    except Stopped:
        pass
    return at


def reassign(problem: Problem, at: Words, members: Words) -> Words:
    """Move a set of neurons, no two of which share a wire, to the best of their own and all free sites.

    Args:
        members: (k,) int64; numbers of the neurons to move.
    Returns: the new `at`; the very same array, when none is shorter.
    """
    open_sites = np.ones(problem.grid.sites, dtype=np.bool_)
    open_sites[at] = False
    open_sites[at[members]] = True
    sites = np.flatnonzero(open_sites)
    cost = _costs(problem, at, members, sites)
    before = int(cost[np.arange(len(members)), np.searchsorted(sites, at[members])].sum())
    useful = _useful(cost)
    chosen = _assign(cost[:, useful])
    if int(cost[np.arange(len(members)), useful[chosen]].sum()) >= before:
        return at
    better = at.copy()
    better[members] = sites[useful[chosen]]
    return better


def _costs(problem: Problem, at: Words, members: Words, sites: Words) -> Words:
    """Length of the wires of each member on each site, (k, sites) int64, or FORBIDDEN; one small table per axis."""
    wires = problem.adjacency[members]
    cost: Words = np.zeros((len(members), len(sites)), dtype=np.int64)
    for axis in range(3):
        place, which = np.unique(problem.point[sites, axis], return_inverse=True)
        cost += (wires @ np.abs(problem.point[at, axis][:, None] - place))[:, which]
    return np.where(problem.allowed[problem.region[members]][:, sites], cost, FORBIDDEN)


def _useful(cost: Words) -> Words:
    """Columns that hold one of the k cheapest sites of some row: k rows never need another."""
    rows, columns = cost.shape
    useful = np.ones(columns, dtype=np.bool_)
    if rows < columns:
        cheapest = np.argpartition(cost, rows - 1, axis=1)[:, :rows]
        useful[:] = False
        useful[cheapest] = True
    return np.flatnonzero(useful)


def _assign(cost: Words) -> Words:
    """The column of each row in a cheapest assignment; rows of cost zero are added until the matrix is square."""
    rows, columns = cost.shape
    row, column = np.nonzero(cost != FORBIDDEN)
    spare_row, spare_column = np.divmod(np.arange((columns - rows) * columns), columns)
    relative = cost - cost.min(axis=1, keepdims=True)  # smaller numbers are solved sooner
    solver = SimpleLinearSumAssignment()
    solver.add_arcs_with_cost(
        np.concatenate([row, spare_row + rows]),
        np.concatenate([column, spare_column]),
        np.concatenate([relative[row, column], np.zeros(len(spare_row), dtype=np.int64)]),
    )
    status = solver.solve()
    assert status == solver.OPTIMAL
    return np.array([solver.right_mate(i) for i in range(rows)], dtype=np.int64)


def independent_sets(problem: Problem) -> list[Words]:
    """Divide the neurons into sets within which no wire runs.

    These are the even and the odd layers where all wires join an even layer and an odd one, else the colors of a
    greedy coloring in breadth-first order, which finds two wherever two suffice.
    """
    wires = problem.adjacency.tocoo()
    color = problem.layer % 2
    if (color[wires.row] == color[wires.col]).any():
        color = _greedy_colors(problem)
    return [np.flatnonzero(color == c) for c in np.unique(color)]


def _greedy_colors(problem: Problem) -> Words:
    """The lowest color that no neighbor has yet, for each neuron, from 0."""
    starts, neighbors = problem.adjacency.indptr, problem.adjacency.indices
    color: Words = np.full(problem.neurons, -1, dtype=np.int64)
    for seed in range(problem.neurons):
        if color[seed] >= 0:
            continue
        for k in breadth_first_order(problem.adjacency, seed, directed=False, return_predecessors=False):
            used = np.bincount(color[neighbors[starts[k] : starts[k + 1]]] + 1, minlength=1)[1:]
            color[k] = np.append(used, 0).argmin()
    return color
