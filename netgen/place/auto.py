"""The placer for whoever does not want to choose one: by size and density, what was the shortest at equal work."""

from netgen.grid import Grid, Placement, Regions, wire_lengths
from netgen.netlist import Netlist
from netgen.place import METHODS, MOVES
from netgen.progress import Progress, silent

SMALL = 150
"""Sites up to which tabu search, which weighs all swaps at every step, is the shortest."""
SPARSE = 7
"""Wires for each neuron up to which local annealing of a layout (multilevel) beats annealing from the heat."""
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
    """Place by tabu search on few sites, by the best of some multilevel runs if sparse or large, else by annealing.

    Args:
        start: a placement to improve; annealing gains most from one, sparse netlist or not.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    """
    if grid.sites <= SMALL:
        return METHODS["tabu"](netlist, grid, regions, start=start, moves=moves, seed=seed, progress=progress)
    if (start is not None or netlist.wires > SPARSE * netlist.neurons) and netlist.neurons < LARGE:
        return METHODS["anneal"](netlist, grid, regions, start=start, moves=moves, seed=seed, progress=progress)
    runs = min(max(moves // (LONG * max(netlist.neurons, 1)), 1), RUNS)
    found: list[Placement] = []
    for run in range(runs):

        def part(what: str, share: float, run: int = run) -> None:
            progress(what, (run + share) / runs)

        try:
            again = METHODS["multilevel"](
                netlist, grid, regions, start=start, moves=moves // runs, seed=seed * RUNS + run, progress=part
            )
        except KeyboardInterrupt:
            if found:
                break
            raise
        found.append(again)
    return min(found, key=lambda placement: int(wire_lengths(netlist, placement) @ netlist.weights))
