"""Embedding, then local annealing: the placer for ten thousand to a million neurons.

It places in three steps, each at a smaller distance than the one before. Distances to pivots embed the whole graph in
three dimensions, smoothing along the wires orders neighborhoods, and annealing with short moves finds the site of each
neuron. Time and memory grow almost linearly with neurons and wires. Multilevel clustering (heavy-edge matching, then
annealing of clusters on coarser grids) was tried instead: at equal work it ended at 1.96 times the optimum on a grid
graph of 30 x 30 x 30, where this finds the optimum, and 2 % longer on a convolutional network of 9,472 neurons.
"""

from itertools import permutations, product

import numpy as np
from threadpoolctl import threadpool_limits

from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.components import components_of, ranks_of
from netgen.place.index import index_order
from netgen.place.kernels.chunks import chunks
from netgen.place.kernels.local_anneal import local_metropolis, local_state_of
from netgen.place.pivot_embedding import pivot_embedding
from netgen.place.qap import Problem, problem_of
from netgen.place.repack import central_sites, legalize_by_region
from netgen.place.smoothing import axes_of, smooth
from netgen.progress import Progress, Stopped, silent

__all__ = ["embed", "lay_out", "refine"]

SMOOTHINGS = (0, 25, 75, 200, 600)
"""Smoothing steps before each layout. The next are made only if the layout is shorter than all before."""
SMALL = 100
"""Components of fewer neurons are not embedded, only kept together."""
BATCHES = 40
"""Number of temperatures. After the moves of each, the placement is kept if it is the shortest so far."""
HOT, WARM, COLD = 0.6, 0.1, 0.05
"""Temperatures in units of the mean total length of a neuron's wires if each were one grid step long: the first, the
first when a start is given, and the last."""
WINDOW = 2
"""Largest distance of a move along each axis, in grid steps."""


def embed(
    netlist: Netlist,
    grid: Grid,
    regions: Regions,
    *,
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> Placement:
    """Place by pivot embedding, smoothing, legalization and local annealing.

    Args:
        start: a placement to improve by local annealing alone, at temperatures that preserve most of it.
        moves: proposed moves and swaps, 0.2 to 0.6 us each; more than about 1,000 for each neuron gain little.
    Returns: a placement that is never longer than the one it starts from.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    """
    problem = problem_of(netlist, grid, regions)
    if start is None:
        with threadpool_limits(1):  # with more threads, sums are rounded in another order and near ties differ
            at = lay_out(problem, progress)
        hot = HOT
    else:
        at, hot = problem.numbers_of(start), WARM
    return problem.placement_of(refine(problem, at, moves=moves, seed=seed, hot=hot, progress=progress))


def lay_out(problem: Problem, progress: Progress) -> Words:
    """Embed, smooth as long as the wires get shorter, and legalize.

    Returns: (n,) int64, the site number of each neuron. If `progress` raises Stopped, the shortest layout so far, or
        index order if there is none.
    Raises: FitError, when the neurons of some region have too few sites.
    """
    owner = central_sites(problem)
    best, best_length = np.arange(0), np.inf
    try:
        progress("embedding", 0.0)
        component, large = components_of(problem.adjacency, SMALL)
        wires = [problem.adjacency[members][:, members] for members in large]
        coordinates = [pivot_embedding(own) for own in wires]
        for layout, steps in enumerate(SMOOTHINGS):
            progress("smoothing", layout / len(SMOOTHINGS))
            coordinates = [smooth(own, old, steps) for own, old in zip(wires, coordinates, strict=True)]
            axes = [axes_of(own, smoothed) for own, smoothed in zip(wires, coordinates, strict=True)]
            layouts = []
            for choice in range(2):
                where = np.zeros((problem.neurons, 3))
                for members, smoothed, own in zip(large, coordinates, axes, strict=True):
                    where[members] = smoothed @ own[choice]
                layouts.append(legalize_by_region(problem, owner, _oriented(problem, ranks_of(component, where))))
            lengths = [problem.length_of(at) for at in layouts]
            if min(lengths) >= best_length:
                break
            best, best_length = layouts[int(np.argmin(lengths))], min(lengths)
        progress("smoothing", 1.0)
    except Stopped:
        pass
    return best if best_length < np.inf else index_order(problem)


def _oriented(problem: Problem, rank: Words) -> Words:
    """Assign the columns of ranks to x, y and z, and mirror them if needed.

    Without regions, the first column goes to the longest axis of the box. With regions, the best of the 48 ways is the
    one in which the neurons are on the side of the box where the sites of their regions are.
    """
    side = problem.point[-1]
    longest_first = np.argsort(-side, kind="stable")
    middle = [problem.point[sites].mean(axis=0) if sites.any() else side / 2 for sites in problem.allowed]
    from_middle = 2.0 * rank - len(rank) + 1  # 0 in sum over all neurons, so that a single region scores 0
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
    """Anneal with short moves, at temperatures that fall geometrically, and at last at temperature 0.

    Args:
        at: (n,) int64; the site number of each neuron.
        hot: first temperature, in the unit of HOT.
    Returns: the shortest of `at` and the placements after each batch, or when `progress` raised Stopped.
    """
    wires = int(problem.adjacency.sum())
    if not wires:
        return at
    state = local_state_of(problem, at, seed)
    unit = wires / problem.neurons * min(problem.grid.pitch)
    length = best_length = problem.length_of(at)
    best, made = at, 0
    try:
        for batch in range(BATCHES):
            temperature = unit * hot * (COLD / hot) ** (batch / (BATCHES - 2)) if batch < BATCHES - 1 else 0.0
            for part in chunks(moves * (batch + 1) // BATCHES - made):
                progress(f"annealing, wire length {best_length:,}", max(batch / BATCHES, made / max(moves, 1)))
                change, _ = local_metropolis(state, made, part, temperature, WINDOW)
                length, made = length + change, made + part
            if length < best_length:
                best_length, best = length, state.sites()
        progress(f"annealing, wire length {best_length:,}", 1.0)
    except Stopped:
        if length < best_length:
            best = state.sites()
    return best
