"""The placer for whoever does not want to choose one: by size and density, what was the shortest at equal work."""

from collections.abc import Callable

from netgen.ir.grid import Grid, Placement, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import METHODS, MOVES
from netgen.progress import Progress, Stopped, silent

SMALL = 150
"""Sites up to which tabu search, which weighs all swaps at every step, is the shortest."""
SPARSE = 7
"""Wires for each neuron up to which local annealing of a layout (multilevel) may beat annealing from the heat: on grids
and hypercubes it does, on pruned multilayer perceptrons it ends 1 to 3 % longer."""
PROBE = 16
"""Share of the moves, as a divisor, by which each of two methods is tried."""
LARGE = 5_000
"""Neurons from which annealing at every distance would take too long, however dense."""
LONG, RUNS = 20_000, 8
"""Moves for each neuron that one run of multilevel can use, and runs at most."""


def auto(
    netlist: Netlist,
    grid: Grid,
    regions: Regions,
    *,
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> Placement:
    """Place by tabu search on few sites, by multilevel if large, else by annealing; if sparse, by the better of both.

    Args:
        start: a placement to improve; annealing gains most from one, sparse netlist or not.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    """
    found: list[Placement] = []
    stopped = False

    def attempt(method: str, share: int, offset: int, done: float) -> int:
        """Place once more; the length. Its progress is shown from `done` on, by its share of all moves."""

        def part(what: str, fraction: float) -> None:
            nonlocal stopped
            try:
                progress(what, done + fraction * share / max(moves, 1))
            except Stopped:
                stopped = True
                raise

        if stopped:
            raise Stopped
        again = METHODS[method](netlist, grid, regions, start=start, moves=share, seed=seed + offset, progress=part)
        found.append(again)
        return int(wire_lengths(netlist, again) @ netlist.weights)

    try:
        if grid.sites <= SMALL:
            attempt("tabu", moves, 0, 0.0)
        elif netlist.neurons >= LARGE:
            _repeat(attempt, netlist, moves, seed, 0.0)
        elif start is not None or netlist.wires > SPARSE * netlist.neurons:
            attempt("anneal", moves, 0, 0.0)
        else:
            probe = moves // PROBE
            annealed, laid_out = attempt("anneal", probe, 0, 0.0), attempt("multilevel", probe, 0, 1 / PROBE)
            if annealed < laid_out:
                attempt("anneal", moves - 2 * probe, 0, 2 / PROBE)
            else:
                _repeat(attempt, netlist, moves - 2 * probe, seed, 2 / PROBE)
    except Stopped:  # after the first attempt, which always gives a placement
        pass
    return min(found, key=lambda placement: int(wire_lengths(netlist, placement) @ netlist.weights))


def _repeat(
    attempt: Callable[[str, int, int, float], int], netlist: Netlist, moves: int, seed: int, done: float
) -> None:
    """Run multilevel as often as the moves are enough for, each run with a seed of its own."""
    runs = min(max(moves // (LONG * max(netlist.neurons, 1)), 1), RUNS)
    for run in range(runs):
        attempt("multilevel", moves // runs, seed * (RUNS - 1) + run, done + (1 - done) * run / runs)
