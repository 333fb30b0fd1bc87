"""Simulated annealing: the placer for up to some thousand neurons."""

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count

import numpy as np

from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.assignment import independent_sets, settle
from netgen.place.kernel import board_of, run
from netgen.place.matching import matching
from netgen.place.problem import Problem, problem_of
from netgen.place.spectral import spectral
from netgen.progress import Progress, Stopped, silent

BATCHES = 200
"""Temperatures, and lengths looked at to keep the best."""
HOT, COLD = 0.15, 0.005
"""Temperatures, in lengthenings of the average uphill move: at first, and at last."""
WARM, MILD = 0.0015, 0.07
"""First temperature from a given start: WARM times the root of the moves for each neuron, MILD at most. More heat than
that is not cooled in time: with 100 moves a neuron, 0.07 ends no shorter than it started, and 0.015 gains 1 %."""
TAKEN = 0.44
"""Share of moves to take, by narrowing the window; Lam and Delosme 1988."""
MATCHING = 8
"""Moves that take as long as matching does for each pair of a neuron and a site, to a fixed point."""
CHAINS, LONG = 8, 100_000
"""Chains that are annealed at most, and moves for each neuron beyond which another chain gains more than cooling
slower does."""


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

    Matching, here and for the start, is left out where it alone would take longer than the moves.

    Args:
        start: a placement to improve, at the less heat the fewer the moves; by default the result of `matching`, or
            with few moves spectral order.
        moves: proposed swaps and moves to free sites, of all chains together; 0.1 to 0.3 us each on one core.
    Returns: a placement that is never longer than the one it starts from.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    Source: Kirkpatrick et al. 1983; window after Betz and Rose 1997 (VPR); moves to the median after Goto 1981.
    """
    problem = problem_of(netlist, grid, regions)
    sets = independent_sets(problem)
    matched = moves >= MATCHING * sum(len(members) ** 2 for members in sets)
    begin = start or (matching if matched else spectral)(netlist, grid, regions, progress=progress)
    at = problem.numbers_of(begin)
    warm = float(np.clip(WARM * (moves / max(problem.neurons, 1)) ** 0.5, COLD, MILD))
    at = cool(problem, at, moves=moves, seed=seed, hot=HOT if start is None else warm, progress=progress)
    return problem.placement_of(settle(problem, at, sets, progress) if matched else at)


def cool(problem: Problem, at: Words, *, moves: int, seed: int, hot: float, progress: Progress) -> Words:
    """Anneal one or more chains from one placement, at the same time; return the best placement that any has seen."""
    count = min(max(moves // (LONG * max(problem.neurons, 1)), 1), CHAINS)
    chains = [_Chain(problem, at, (seed, chain), hot) for chain in range(count)]
    try:
        with ThreadPoolExecutor(cpu_count()) as pool:
            for batch, share in enumerate(np.diff(np.arange(BATCHES + 1) * (moves // count) // BATCHES)):
                best = min(chain.best_length for chain in chains)
                progress(f"annealing, wire length {best:,}", batch / BATCHES)
                for done in [pool.submit(chain.run, batch, int(share)) for chain in chains]:
                    done.result()
        progress(f"annealing, wire length {min(chain.best_length for chain in chains):,}", 1.0)
    except Stopped:
        pass
    winner = min(chains, key=lambda chain: chain.best_length)
    return problem.grid.number_of(winner.best)


class _Chain:
    """One placement that cools geometrically, and the best it has been between batches.

    The first batch is at temperature zero, and takes the measure of uphill moves.
    """

    def __init__(self, problem: Problem, at: Words, seed: tuple[int, int], hot: float) -> None:
        self.board = board_of(problem, at, seed)
        self.hot = hot
        self.length = self.best_length = problem.length_of(at)
        self.best = self.board.where.copy()
        self.window = self.widest = float(max(problem.grid.shape) - 1)
        self.unit = 0.0

    def run(self, batch: int, moves: int) -> None:
        if not len(self.board.movable):
            return
        temperature = self.unit * self.hot * (COLD / self.hot) ** (batch / (BATCHES - 1))
        tally = run(self.board, moves, temperature, round(self.window))
        self.length += tally.change
        if self.length < self.best_length:
            self.best_length, self.best = self.length, self.board.where.copy()
        if batch == 0:
            self.unit = tally.uphill_change / max(tally.uphill, 1)
        else:
            self.window = float(np.clip(self.window * (1 + tally.taken / max(moves, 1) - TAKEN), 1, self.widest))
