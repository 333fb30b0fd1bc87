"""Keep a layout when the box changes: neurons that lay anywhere, on sites of the box, in the order they had."""

import numpy as np

from netgen.ir.fixed import Reals, Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place.halves import snap
from netgen.place.problem import Problem, problem_of
from netgen.place.sites import share_sites


def gather(where: Words, netlist: Netlist, grid: Grid, regions: Regions) -> Placement:
    """Put neurons on the sites nearest to the center of a box, so that neighbors by coordinates stay neighbors.

    Args:
        where: (n, 3); where they lay, on any other box.
    Raises: FitError, when the neurons of some region have too few sites.
    """
    problem = problem_of(netlist, grid, regions)
    return problem.placement_of(snap_by_region(problem, central_sites(problem), where))


def central_sites(problem: Problem) -> Words:
    """The region that owns each site, those in the middle of the box taken first; as `share_sites`."""
    off_center = np.abs(2 * problem.point - problem.point[-1]).max(axis=1)
    return share_sites(problem, np.argsort(off_center, kind="stable"))


def snap_by_region(problem: Problem, owner: Words, where: Reals | Words) -> Words:
    """Snap the neurons of each region to the sites it owns; (n,) site numbers."""
    at: Words = np.zeros(problem.neurons, dtype=np.int64)
    for region in np.unique(problem.region):
        members, sites = np.flatnonzero(problem.region == region), np.flatnonzero(owner == region)
        at[members] = sites[snap(where[members], problem.point[sites])]
    return at
