"""The paper's placer: exact bipartite matching, layer by layer, to a fixed point."""
# ruff: noqa: ARG001 - every placer has this signature

import numpy as np

from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.assignment import independent_sets, settle
from netgen.place.problem import Problem, problem_of
from netgen.place.spectral import spectral
from netgen.progress import Progress, silent


def matching(
    netlist: Netlist,
    grid: Grid,
    regions: Regions,
    *,
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> Placement:
    """Match one layer to sites at a time, until no layer gains, then all even and all odd layers at once, likewise.

    A netlist with wires inside a layer has no such layers; there the colors of a greedy coloring take their place.
    `moves` and `seed` change nothing.

    Args:
        start: where to begin; by default spectral order.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit.
    Source: Blake et al. 2018 (layer by layer); linear assignment by OR-Tools.
    """
    problem = problem_of(netlist, grid, regions)
    at = problem.numbers_of(start or spectral(netlist, grid, regions, progress=progress))
    at = settle(problem, at, layers_of(problem), progress)
    at = settle(problem, at, independent_sets(problem), progress)
    return problem.placement_of(at)


def layers_of(problem: Problem) -> list[Words]:
    """The neurons of each layer; nothing, when a wire runs inside one."""
    wires = problem.adjacency.tocoo()
    if (problem.layer[wires.row] == problem.layer[wires.col]).any():
        return []
    return [np.flatnonzero(problem.layer == layer) for layer in np.unique(problem.layer)]
