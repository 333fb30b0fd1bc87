"""Divide the sites of a grid among regions that may overlap, so that every neuron has one."""

import numpy as np
from ortools.graph.python.max_flow import SimpleMaxFlow

from netgen.errors import FitError
from netgen.ir.fixed import Words
from netgen.place.qap import Problem

__all__ = ["NO_REGION", "divide_sites"]

NO_REGION = -1
"""Owner of a site that no region owns."""


def divide_sites(problem: Problem, order: Words) -> Words:
    """Give each region as many of its sites as it has neurons.

    The regions choose in turn, the one with the fewest sites first; each takes the first free sites in `order`. This
    can leave a region short although all neurons would fit, as with faces that share an edge. Then a maximum flow
    divides the sites.

    Args:
        order: (sites,) int64; all site numbers, those to use first at the front.
    Returns: (sites,) int64; the region that owns each site, or NO_REGION.
    Raises: FitError, when no division gives every neuron a site.
    """
    needs = np.bincount(problem.region, minlength=len(problem.allowed))
    owner: Words = np.full(problem.grid.sites, NO_REGION, dtype=np.int64)
    for region in np.argsort(problem.allowed.sum(axis=1), kind="stable"):
        choice = order[problem.allowed[region, order] & (owner[order] == NO_REGION)]
        if len(choice) < needs[region]:
            return _divide_by_flow(problem, needs)
        owner[choice[: needs[region]]] = region
    return owner


def _divide_by_flow(problem: Problem, needs: Words) -> Words:
    """Divide the sites by a maximum flow of neurons from a source through regions and sites to a sink."""
    regions, sites = problem.allowed.shape
    region, site = np.nonzero(problem.allowed)
    source, sink = regions + sites, regions + sites + 1
    flow = SimpleMaxFlow()
    flow.add_arcs_with_capacity(np.full(regions, source), np.arange(regions), needs)
    flow.add_arcs_with_capacity(np.arange(regions, regions + sites), np.full(sites, sink), np.ones(sites, np.int64))
    claims = flow.add_arcs_with_capacity(region, regions + site, np.ones(len(site), np.int64))
    status = flow.solve(source, sink)
    assert status == flow.OPTIMAL
    if flow.optimal_flow() < problem.neurons:
        raise FitError(
            f"only {flow.optimal_flow()} of {problem.neurons} neurons fit on the sites of their regions; "
            "enlarge the grid, or pin or block fewer sites"
        )
    used = flow.flows(claims) > 0
    owner: Words = np.full(sites, NO_REGION, dtype=np.int64)
    owner[site[used]] = region[used]
    return owner
