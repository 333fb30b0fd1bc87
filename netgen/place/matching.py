"""Layer-by-layer bipartite matching to a fixed point: the placer of Blake et al. 2018."""
# ruff: noqa: ARG001 - every placer has this signature

import numpy as np

from netgen.errors import FitError
from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.linear_assignment import fits, independent_sets, reassign_sets
from netgen.place.qap import Problem, problem_of
from netgen.place.spectral import spectral
from netgen.progress import Progress, silent

__all__ = ["layers_of", "matching"]


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
    """Match the layers to sites one at a time until no layer gains, then all even and all odd layers likewise.

    In a netlist with wires inside a layer, the colors of a greedy coloring take the place of the even and odd layers.
    `moves` and `seed` have no effect.

    Args:
        start: where to begin; by default spectral order.
    Raises: FitError, when the neurons of some region have too few sites, `start` does not fit, or a layer is too large.
    Source: Blake et al. 2018 (layer by layer); linear assignment by OR-Tools.
    """
    problem = problem_of(netlist, grid, regions)
    sets = independent_sets(problem)
    if not fits(problem, sets):
        largest = max(len(members) for members in sets)
        raise FitError(
            f"matching {largest:,} neurons at once on {grid.sites:,} sites exceeds 1.5 GB; choose another method"
        )
    at = problem.numbers_of(start or spectral(netlist, grid, regions, progress=progress))
    at = reassign_sets(problem, at, layers_of(problem), progress)
    at = reassign_sets(problem, at, sets, progress)
    return problem.placement_of(at)


def layers_of(problem: Problem) -> list[Words]:
    """Return the neurons of each layer, or no set at all if a wire joins two neurons of one layer."""
    wires = problem.adjacency.tocoo()
    if (problem.layer[wires.row] == problem.layer[wires.col]).any():
        return []
    return [np.flatnonzero(problem.layer == layer) for layer in np.unique(problem.layer)]
