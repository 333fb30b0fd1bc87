"""Index order: the placement in the order of the neurons' numbers, to which all others are compared."""
# ruff: noqa: ARG001 - every placer has this signature

import numpy as np

from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.division import divide_sites
from netgen.place.qap import Problem, problem_of
from netgen.progress import Progress, silent

__all__ = ["index", "index_order"]


def index(
    netlist: Netlist,
    grid: Grid,
    regions: Regions,
    *,
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> Placement:
    """Put neuron k on the k-th free site of its region, along x first, then y, then z.

    Regions with fewer sites are filled first. `start`, `moves` and `seed` have no effect.

    Raises: FitError, when the neurons of some region have too few sites.
    """
    problem = problem_of(netlist, grid, regions)
    return problem.placement_of(index_order(problem))


def index_order(problem: Problem) -> Words:
    """Return the site number of each neuron in index order, (n,) int64.

    Raises: FitError, when the neurons of some region have too few sites.
    """
    owner = divide_sites(problem, np.arange(problem.grid.sites))
    at: Words = np.zeros(problem.neurons, dtype=np.int64)
    for region in np.unique(problem.region):
        at[problem.region == region] = np.flatnonzero(owner == region)
    return at
