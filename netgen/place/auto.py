"""The default placer: the method that gave the shortest wires at equal work, by size and density of the netlist."""

from collections.abc import Callable

from netgen.ir.grid import Grid, Placement, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import METHODS, MOVES
from netgen.progress import Progress, Stopped, silent

SMALL = 150
"""Number of sites up to which tabu search, which evaluates all swaps at every step, gives the shortest wires."""
SPARSE = 7
"""Wires for each neuron up to which `embed` may beat `anneal`: it does on grid graphs and hypercubes, and ends 1 to 3 %
longer on pruned multilayer perceptrons."""
PROBE = 16
"""Each of these two methods is tried with one of this many moves."""
LARGE = 5_000
"""Number of neurons from which annealing over any distance would take too long, whatever the density."""
LONG, RUNS = 20_000, 8
"""Moves for each neuron beyond which one run of `embed` gains little, and the largest number of runs."""


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
    """Place by `tabu` on few sites, by `embed` if the netlist is large, and otherwise by `anneal`.

    A sparse netlist of middle size is placed by the better of `embed` and `anneal` on a short trial.

    Args:
        start: a placement to improve, always by `anneal` on netlists of middle size.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    """
    found: list[Placement] = []
    stopped = False

    def attempt(method: str, share: int, offset: int, done: float) -> int:
        """Place once more and return the wire length; `done` is the fraction of all moves made before."""

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
            annealed, embedded = attempt("anneal", probe, 0, 0.0), attempt("embed", probe, 0, 1 / PROBE)
            if annealed < embedded:
                attempt("anneal", moves - 2 * probe, 0, 2 / PROBE)
            else:
                _repeat(attempt, netlist, moves - 2 * probe, seed, 2 / PROBE)
    except Stopped:  # raised by a later attempt only; the first has returned a placement
        pass
    return min(found, key=lambda placement: int(wire_lengths(netlist, placement) @ netlist.weights))


def _repeat(
    attempt: Callable[[str, int, int, float], int], netlist: Netlist, moves: int, seed: int, done: float
) -> None:
    """Run `embed` as often as the moves suffice for, with a different seed each time."""
    runs = min(max(moves // (LONG * max(netlist.neurons, 1)), 1), RUNS)
    for run in range(runs):
        attempt("embed", moves // runs, seed * (RUNS - 1) + run, done + (1 - done) * run / runs)
