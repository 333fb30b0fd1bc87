"""Repack a placement into another box: the neurons keep their relative positions."""

import numpy as np

from netgen.ir.fixed import Reals, Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place.bisection import legalize
from netgen.place.division import divide_sites
from netgen.place.qap import Problem, problem_of

__all__ = ["central_sites", "legalize_by_region", "repack"]


def repack(where: Words, netlist: Netlist, grid: Grid, regions: Regions) -> Placement:
    """Put neurons on the sites nearest to the center of a box, so that neighbors by coordinates stay neighbors.

    Args:
        where: (n, 3) int64; coordinates of the neurons in any other box.
    Raises: FitError, when the neurons of some region have too few sites.
    """
    problem = problem_of(netlist, grid, regions)
    return problem.placement_of(legalize_by_region(problem, central_sites(problem), where))


def central_sites(problem: Problem) -> Words:
    """Divide the sites among the regions, those nearest to the center of the box first; as `divide_sites`."""
    off_center = np.abs(2 * problem.point - problem.point[-1]).max(axis=1)
    return divide_sites(problem, np.argsort(off_center, kind="stable"))


def legalize_by_region(problem: Problem, owner: Words, where: Reals | Words) -> Words:
    """Legalize the neurons of each region on the sites that it owns.

    Args:
        owner: (sites,) int64; as `divide_sites` returns it.
        where: (n, 3); coordinates of the neurons.
    Returns: (n,) int64; the site number of each neuron.
    """
    at: Words = np.zeros(problem.neurons, dtype=np.int64)
    for region in np.unique(problem.region):
        members, sites = np.flatnonzero(problem.region == region), np.flatnonzero(owner == region)
        at[members] = sites[legalize(where[members], problem.point[sites])]
    return at
