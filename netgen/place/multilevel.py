"""Placement from the whole to the part, for ten thousand to a million neurons.

Three levels, each with the reach that the one before lacks: distances to landmarks lay the graph out as a whole,
smoothing orders neighborhoods, and annealing over a few sites puts every neuron in its place. Time and memory grow
almost linearly. Clustering (heavy-edge matching, then annealing of clusters on coarser grids) was tried in their stead:
at equal work it ended at 1.96 times the optimum on a grid graph of 30 x 30 x 30, where this finds the optimum, and 2 %
longer on a convolutional network of 9,472 neurons.
"""

from itertools import permutations, product
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from netgen.ir.fixed import Reals, Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.gather import central_sites, snap_by_region
from netgen.place.index import index_order
from netgen.place.landmarks import coordinates_of
from netgen.place.problem import Problem, problem_of
from netgen.place.smoothing import axes_of, smooth
from netgen.place.sweep import board_of, sweep
from netgen.progress import Progress, Stopped, silent

SMOOTHINGS = (0, 25, 75, 200, 600)
"""Further steps of smoothing before each look at the layout, as long as it gets shorter."""
SMALL = 100
"""Components of fewer neurons get no coordinates, but lie together."""
BATCHES = 40
"""Temperatures, and lengths looked at to keep the best."""
HOT, WARM, COLD = 0.6, 0.1, 0.05
"""Temperatures, in the mean length of all wires of a neuron if each were one step: first, first from a start, last."""
WINDOW = 2
"""Steps that a neuron looks around itself."""


def multilevel(
    netlist: Netlist,
    grid: Grid,
    regions: Regions,
    *,
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> Placement:
    """Place by landmarks, smoothing and local annealing.

    Args:
        start: a placement to improve by annealing only, at temperatures that keep most of it.
        moves: proposed swaps and moves to free sites, 0.2 to 0.6 us each; some 1,000 for each neuron are well spent.
    Returns: a placement that is never longer than the one it starts from.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    """
    problem = problem_of(netlist, grid, regions)
    if start is None:
        with threadpool_limits(1):  # more threads add in another order, and near ties would fall differently
            at = lay_out(problem, progress)
        hot = HOT
    else:
        at, hot = problem.numbers_of(start), WARM
    return problem.placement_of(refine(problem, at, moves=moves, seed=seed, hot=hot, progress=progress))


def lay_out(problem: Problem, progress: Progress) -> Words:
    """Place by landmarks and as much smoothing as shortens the wires; (n,) site numbers.

    When `progress` raises Stopped, the shortest layout so far is returned; index order, if there is none.

    Raises: FitError, when the neurons of some region have too few sites.
    """
    owner = central_sites(problem)
    best, best_length = np.arange(0), np.inf
    try:
        progress("distances to landmarks", 0.0)
        component, large = _components(problem.adjacency)
        wires = [problem.adjacency[members][:, members] for members in large]
        coordinates = [coordinates_of(own) for own in wires]
        for look, steps in enumerate(SMOOTHINGS):
            progress("smoothing", look / len(SMOOTHINGS))
            coordinates = [smooth(own, old, steps) for own, old in zip(wires, coordinates, strict=True)]
            axes = [axes_of(own, smoothed) for own, smoothed in zip(wires, coordinates, strict=True)]
            layouts = []
            for choice in range(2):
                where = np.zeros((problem.neurons, 3))
                for members, smoothed, own in zip(large, coordinates, axes, strict=True):
                    where[members] = smoothed @ own[choice]
                layouts.append(snap_by_region(problem, owner, _oriented(problem, _ranks(component, where))))
            lengths = [problem.length_of(at) for at in layouts]
            if min(lengths) >= best_length:
                break
            best, best_length = layouts[int(np.argmin(lengths))], min(lengths)
        progress("smoothing", 1.0)
    except Stopped:
        pass
    return best if best_length < np.inf else index_order(problem)


def _components(adjacency: Any) -> tuple[Words, list[Words]]:
    """The component of each neuron, the largest numbered 0, and the members of each that is not SMALL."""
    count, label = connected_components(adjacency, directed=False)
    size = np.bincount(label, minlength=count)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-size, kind="stable")] = np.arange(count)
    component: Words = rank[label]
    large = int((size >= SMALL).sum())
    ends = np.cumsum(np.sort(size)[::-1])[:large]
    return component, np.split(np.argsort(component, kind="stable"), ends)[:-1]


def _ranks(component: Words, where: Reals) -> Words:
    """The order of the neurons along each axis, (n, 3), components one behind the other."""
    rank = np.empty(where.shape, dtype=np.int64)
    for axis in range(3):
        rank[np.lexsort((where[:, axis], component)), axis] = np.arange(len(rank))
    return rank


def _oriented(problem: Problem, rank: Words) -> Words:
    """Order along x, y and z: the first column goes to the longest axis, unless regions call for another direction.

    Of the 48 ways to lay the three columns along the axes, the best is where neurons lie on the side of the box on
    which their regions are; without regions that is any, and the first.
    """
    side = problem.point[-1]
    longest_first = np.argsort(-side, kind="stable")
    middle = [problem.point[sites].mean(axis=0) if sites.any() else side / 2 for sites in problem.allowed]
    from_middle = 2.0 * rank - len(rank) + 1  # the sum over all neurons is 0, and so is the pull of one region
    regions = len(problem.allowed)
    weight = [np.bincount(problem.region, weights=column, minlength=regions) for column in from_middle.T]
    pull = np.stack(weight) @ np.stack(middle)
    best, oriented = -np.inf, rank
    for columns in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            score = sum(s * pull[c, axis] for s, c, axis in zip(signs, columns, longest_first, strict=True))
            if score > best:
                best, oriented = score, np.empty_like(rank)
                oriented[:, longest_first] = rank[:, columns] * signs
    return oriented


def refine(problem: Problem, at: Words, *, moves: int, seed: int, hot: float, progress: Progress) -> Words:
    """Anneal over a few sites, the temperature falling geometrically and at last to zero.

    Returns: the best of the start and all batches so far when `progress` raises Stopped.
    """
    wires = int(problem.adjacency.sum())
    if not wires:
        return at
    board = board_of(problem, at, seed)
    unit = wires / problem.neurons * min(problem.grid.pitch)
    length = best_length = problem.length_of(at)
    best, turns = at, np.arange(BATCHES + 1) * moves // BATCHES
    try:
        for batch in range(BATCHES):
            progress(f"annealing, wire length {best_length:,}", batch / BATCHES)
            temperature = unit * hot * (COLD / hot) ** (batch / (BATCHES - 2)) if batch < BATCHES - 1 else 0.0
            length += sweep(board, turns[batch], turns[batch + 1] - turns[batch], temperature, WINDOW).change
            if length < best_length:
                best_length, best = length, board.sites()
        progress(f"annealing, wire length {best_length:,}", 1.0)
    except Stopped:
        pass
    return best
