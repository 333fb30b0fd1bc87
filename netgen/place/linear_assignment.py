"""Optimal reassignment of neurons that share no wire to their own and all free sites, as a linear assignment.

While all other neurons stay where they are, the wire length is a sum of one cost for each neuron of such a set and its
site. So the best sites for the whole set at once are the solution of a linear assignment problem.
"""

from collections.abc import Sequence

import numpy as np
from ortools.graph.python.linear_sum_assignment import SimpleLinearSumAssignment
from scipy.sparse.csgraph import breadth_first_order

from netgen.ir.fixed import Words
from netgen.place.qap import Problem
from netgen.progress import Progress, Stopped, silent

__all__ = ["MOST_PAIRS", "fits", "independent_sets", "reassign", "reassign_sets"]

FORBIDDEN = np.iinfo(np.int64).max
"""Cost of a site outside the region of a neuron."""
MOST_PAIRS = 25_000_000
"""Largest square of the number of sites in one assignment, which OR-Tools needs 60 bytes for: 1.5 GB."""


def fits(problem: Problem, sets: Sequence[Words]) -> bool:
    """Whether the memory for reassigning each of these sets is within MOST_PAIRS."""
    largest = max((len(members) for members in sets), default=0)
    return (problem.grid.sites - problem.neurons + largest) ** 2 <= MOST_PAIRS


def reassign_sets(problem: Problem, at: Words, sets: Sequence[Words], progress: Progress = silent) -> Words:
    """Reassign each set in turn, until no set can be placed better or `progress` raises Stopped.

    Args:
        at: (n,) int64; the site number of each neuron.
    Returns: the new `at`, which is never longer.
    """
    unchanged, turn = 0, 0
    try:
        while unchanged < len(sets):
            progress("matching", unchanged / len(sets))
            better = reassign(problem, at, sets[turn % len(sets)])
            unchanged = unchanged + 1 if better is at else 1
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
    """Compute the length of the wires of each member on each site, (k, sites) int64, or FORBIDDEN.

    The lengths along each axis depend on one coordinate only, so one small table for each axis is enough.
    """
    wires = problem.adjacency[members]
    cost: Words = np.zeros((len(members), len(sites)), dtype=np.int64)
    for axis in range(3):
        place, which = np.unique(problem.point[sites, axis], return_inverse=True)
        cost += (wires @ np.abs(problem.point[at, axis][:, None] - place))[:, which]
    return np.where(problem.allowed[problem.region[members]][:, sites], cost, FORBIDDEN)


def _useful(cost: Words) -> Words:
    """Return the columns that are among the k cheapest of some row; k rows never need any other."""
    rows, columns = cost.shape
    useful = np.ones(columns, dtype=np.bool_)
    if rows < columns:
        cheapest = np.argpartition(cost, rows - 1, axis=1)[:, :rows]
        useful[:] = False
        useful[cheapest] = True
    return np.flatnonzero(useful)


def _assign(cost: Words) -> Words:
    """Find the column of each row in a cheapest assignment, with rows of cost 0 added until the matrix is square."""
    rows, columns = cost.shape
    row, column = np.nonzero(cost != FORBIDDEN)
    spare_row, spare_column = np.divmod(np.arange((columns - rows) * columns), columns)
    relative = cost - cost.min(axis=1, keepdims=True)  # the solver is faster on small costs
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
    """Divide the neurons into sets without wires inside.

    If every wire joins an even layer and an odd one, these are the even and the odd layers. Otherwise they are the
    colors of a greedy coloring in breadth-first order, which uses two colors for every bipartite graph.
    """
    wires = problem.adjacency.tocoo()
    color = problem.layer % 2
    if (color[wires.row] == color[wires.col]).any():
        color = _greedy_colors(problem)
    return [np.flatnonzero(color == c) for c in np.unique(color)]


def _greedy_colors(problem: Problem) -> Words:
    """Color the neurons in breadth-first order, each with the lowest color, from 0, that none of its neighbors has."""
    starts, neighbors = problem.adjacency.indptr, problem.adjacency.indices
    color: Words = np.full(problem.neurons, -1, dtype=np.int64)
    for seed in range(problem.neurons):
        if color[seed] >= 0:
            continue
        for k in breadth_first_order(problem.adjacency, seed, directed=False, return_predecessors=False):
            used = np.bincount(color[neighbors[starts[k] : starts[k + 1]]] + 1, minlength=1)[1:]
            color[k] = np.append(used, 0).argmin()
    return color
