"""Simulated annealing: the placer for up to some thousand neurons."""

import numpy as np

from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.kernels.anneal import anneal_state_of, metropolis
from netgen.place.kernels.chunks import chunks
from netgen.place.linear_assignment import fits, independent_sets, reassign_sets
from netgen.place.matching import matching
from netgen.place.qap import Problem, problem_of
from netgen.place.spectral import spectral
from netgen.place.threads import workers
from netgen.progress import Progress, Stopped, silent

__all__ = ["anneal", "cool"]

BATCHES = 200
"""Number of temperatures. After the moves of each, the placement is kept if it is the shortest so far."""
HOT, COLD = 0.15, 0.005
"""First and last temperature, in units of the mean increase of the wire length by an uphill move at temperature 0."""
WARM, MILD = 0.0015, 0.07
"""First temperature from a given start, in the same unit: WARM times the square root of the moves for each neuron, and
at most MILD. A higher temperature is not cooled in time: with 100 moves for each neuron, 0.07 ends no shorter than the
start, and 0.015 ends 1 % shorter."""
ACCEPTANCE = 0.44
"""Target share of accepted moves, which the window is widened or narrowed to reach. Lam and Delosme 1988."""
MATCHING = 8
"""Time of matching to a fixed point for each pair of a neuron and a site, in moves."""
CHAINS, LONG = 8, 100_000
"""Largest number of chains, and the number of moves for each neuron beyond which another chain gains more than slower
cooling does."""


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
    """Place by simulated annealing with range-limited moves, then by matching to a fixed point.

    Matching, both before and after annealing, is left out if it would take longer than the moves.

    Args:
        start: a placement to improve, from a temperature that rises with the number of moves; by default the result of
            `matching`, or spectral order where matching is left out.
        moves: proposed moves and swaps, of all chains together; 0.1 to 0.3 us each on one core.
    Returns: a placement that is never longer than the one it starts from.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    Source: Kirkpatrick et al. 1983; window after Betz and Rose 1997 (VPR); moves to the median after Goto 1981.
    """
    problem = problem_of(netlist, grid, regions)
    sets = independent_sets(problem)
    matched = moves >= MATCHING * sum(len(members) ** 2 for members in sets)
    matched = matched and fits(problem, sets)
    begin = start or (matching if matched else spectral)(netlist, grid, regions, progress=progress)
    at = problem.numbers_of(begin)
    warm = float(np.clip(WARM * (moves / max(problem.neurons, 1)) ** 0.5, COLD, MILD))
    at = cool(problem, at, moves=moves, seed=seed, hot=HOT if start is None else warm, progress=progress)
    return problem.placement_of(reassign_sets(problem, at, sets, progress) if matched else at)


def cool(problem: Problem, at: Words, *, moves: int, seed: int, hot: float, progress: Progress) -> Words:
    """Anneal one or more independent chains from one placement, in parallel.

    Args:
        at: (n,) int64; the site number of each neuron.
        hot: first temperature, in the unit of HOT.
    Returns: the shortest placement that any chain had at the end of a batch, or when `progress` raised Stopped.
    """
    count = min(max(moves // (LONG * max(problem.neurons, 1)), 1), CHAINS)
    chains = [_Chain(problem, at, (seed, chain), hot) for chain in range(count)]
    try:
        with workers() as pool:
            for batch, share in enumerate(np.diff(np.arange(BATCHES + 1) * (moves // count) // BATCHES)):
                done = 0
                for part in chunks(int(share)):
                    best = min(chain.best_length for chain in chains)
                    progress(f"annealing, wire length {best:,}", (batch + done / max(share, 1)) / BATCHES)
                    for task in [pool.submit(chain.run, batch, part) for chain in chains]:
                        task.result()
                    done += part
                for chain in chains:
                    chain.finish(batch)
        progress(f"annealing, wire length {min(chain.best_length for chain in chains):,}", 1.0)
    except Stopped:
        for chain in chains:
            chain.keep_best()
    winner = min(chains, key=lambda chain: chain.best_length)
    return problem.grid.number_of(winner.best)


class _Chain:
    """One placement that cools geometrically, and the shortest that it has been between batches.

    The first batch has temperature 0; it measures the unit of temperature.
    """

    def __init__(self, problem: Problem, at: Words, seed: tuple[int, int], hot: float) -> None:
        self.state = anneal_state_of(problem, at, seed)
        self.hot = hot
        self.length = self.best_length = problem.length_of(at)
        self.best = self.state.where.copy()
        self.window = self.widest = float(max(problem.grid.shape) - 1)
        self.unit = 0.0
        self.proposed = self.accepted = self.uphill = self.uphill_change = 0

    def run(self, batch: int, moves: int) -> None:
        """Propose some of the moves of a batch."""
        if not len(self.state.movable):
            return
        temperature = self.unit * self.hot * (COLD / self.hot) ** (batch / (BATCHES - 1))
        made = metropolis(self.state, moves, temperature, round(self.window))
        self.length += made.change
        self.proposed += moves
        self.accepted += made.accepted
        self.uphill += made.uphill
        self.uphill_change += made.uphill_change

    def finish(self, batch: int) -> None:
        """End a batch: keep its placement if it is the shortest, and adapt the unit or the window."""
        self.keep_best()
        if batch == 0:
            self.unit = self.uphill_change / max(self.uphill, 1)
        else:
            share = self.accepted / max(self.proposed, 1)
            self.window = float(np.clip(self.window * (1 + share - ACCEPTANCE), 1, self.widest))
        self.proposed = self.accepted = self.uphill = self.uphill_change = 0

    def keep_best(self) -> None:
        """Keep the present placement if it is the shortest so far."""
        if self.length < self.best_length:
            self.best_length, self.best = self.length, self.state.where.copy()
