"""Simulated annealing: the placer to use by default."""

import numpy as np

from netgen.fixed import Words
from netgen.grid import Grid, Placement, Regions
from netgen.netlist import Netlist
from netgen.place import MOVES
from netgen.place.assignment import independent_sets, settle
from netgen.place.kernel import board_of, run
from netgen.place.matching import matching
from netgen.place.problem import Problem, problem_of
from netgen.progress import Progress, silent

BATCHES = 200
"""Temperatures, and lengths looked at to keep the best."""
HOT, WARM, COLD = 0.15, 0.03, 0.005
"""Temperatures, in lengthenings of the average uphill move: at first, at first from a given start, at last."""
TAKEN = 0.44
"""Share of moves to take, by narrowing the window; Lam and Delosme 1988."""


def anneal(
    netlist: Netlist,
    grid: Grid,
    regions: Regions,
    *,
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> Placement:
    """Place by simulated annealing with range-limited swaps, then match to a fixed point.

    Args:
        start: a placement to improve, at temperatures that keep most of it; by default the result of `matching`.
        moves: proposed swaps and moves to free sites; 0.1 to 0.3 us each on one core.
    Returns: a placement that is never longer than the one it starts from.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    Source: Kirkpatrick et al. 1983; window after Betz and Rose 1997 (VPR); moves to the median after Goto 1981.
    """
    problem = problem_of(netlist, grid, regions)
    begin = start or matching(netlist, grid, regions, progress=progress)
    at = problem.numbers_of(begin)
    at = cool(problem, at, moves=moves, seed=seed, hot=HOT if start is None else WARM, progress=progress)
    return problem.placement_of(settle(problem, at, independent_sets(problem)))


def cool(problem: Problem, at: Words, *, moves: int, seed: int, hot: float, progress: Progress) -> Words:
    """Lower the temperature geometrically; return the best placement seen between batches.

    The first batch is at temperature zero, and takes the measure of uphill moves.
    """
    board = board_of(problem, at, seed)
    if not len(board.movable):
        return at
    length = best_length = problem.length_of(at)
    best = board.where.copy()
    window = widest = float(max(problem.grid.shape) - 1)
    unit = 0.0
    for batch, share in enumerate(np.diff(np.arange(BATCHES + 1) * moves // BATCHES)):
        progress(f"annealing, wire length {best_length:,}", batch / BATCHES)
        temperature = unit * hot * (COLD / hot) ** (batch / (BATCHES - 1))
        tally = run(board, int(share), temperature, round(window))
        length += tally.change
        if length < best_length:
            best_length, best = length, board.where.copy()
        if batch == 0:
            unit = tally.uphill_change / max(tally.uphill, 1)
        else:
            window = float(np.clip(window * (1 + tally.taken / max(share, 1) - TAKEN), 1, widest))
    progress(f"annealing, wire length {best_length:,}", 1.0)
    return problem.grid.number_of(best.astype(np.int64))
