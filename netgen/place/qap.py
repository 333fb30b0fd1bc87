"""The quadratic assignment problem (QAP) that every placer solves: a weighted graph, and the distances of sites.

Inside `place`, a placement is `at`: (n,) int64, the site number of each neuron.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from netgen.errors import FitError
from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.ir.grid import MOST_LENGTH, Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, obeys

__all__ = ["Problem", "problem_of"]

EXACT_LIMIT = MOST_LENGTH
"""Costs stay below this, multiplied by the number of sites as linear assignment does it, so that int64 is exact."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Minimize the wire length of a graph on a grid.

    Attributes:
        adjacency: (n, n) symmetric sparse CSR array, int64: the sum of the weights of the wires between two neurons, in
            both directions. Wires of weight 0, or from a neuron to itself, have no length and are left out.
        layer: (n,) int64; the layer of each neuron.
        point: (sites, 3) int64; coordinates of each site, in units of length.
        region: (n,) int64; the region of each neuron.
        allowed: (regions, sites) bool; the sites of each region.
    """

    grid: Grid
    adjacency: Any
    layer: Words
    point: Words
    region: Words
    allowed: Bools

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return len(self.layer)

    def length_of(self, at: Words) -> int:
        """Compute the wire length of a placement."""
        wires = self.adjacency.tocoo()
        distance = np.abs(self.point[at[wires.row]] - self.point[at[wires.col]]).sum(axis=1)
        return int(wires.data @ distance) // 2

    def placement_of(self, at: Words) -> Placement:
        """Convert `at` to a Placement."""
        return Placement(self.grid, self.grid.coordinates[at])

    def numbers_of(self, start: Placement) -> Words:
        """Convert a placement that is to be improved to `at`.

        Raises: FitError, when it belongs to another netlist or grid, or does not obey the regions.
        """
        if start.grid != self.grid or len(start.site) != self.neurons:
            raise FitError(
                f"the start places {len(start.site)} neurons on {start.grid.shape}, not {self.neurons} "
                f"on {self.grid.shape}; start without it"
            )
        if not obeys(start, Regions(self.region, self.allowed)):
            raise FitError("the start places a neuron outside its region; start without it")
        return self.grid.number_of(start.site)


def problem_of(netlist: Netlist, grid: Grid, regions: Regions) -> Problem:
    """Build the arrays of a problem.

    Raises: FitError, when the regions belong to another netlist or grid, or lengths could exceed what int64 holds.
    """
    n = netlist.neurons
    if regions.region.shape != (n,) or regions.allowed.shape[1:] != (grid.sites,):
        raise FitError(
            f"regions for {len(regions.region)} neurons on {regions.allowed.shape[-1]} sites; "
            f"make them for {n} neurons on {grid.sites} sites"
        )
    total = float(netlist.weights.sum(dtype=np.float64))
    if grid.diagonal * total * (grid.sites + 1) >= EXACT_LIMIT or total >= EXACT_LIMIT:
        raise FitError(
            f"pitch {grid.pitch}: wires of weight {total:.4g} could be longer than 64 bits hold exactly; "
            "shorten the steps or reduce the weights"
        )
    row = np.concatenate([netlist.source, netlist.target])
    col = np.concatenate([netlist.target, netlist.source])
    weight = np.tile(netlist.weights, 2)
    apart = (row != col) & (weight > 0)
    return Problem(
        grid=grid,
        adjacency=coo_array((weight[apart], (row[apart], col[apart])), shape=(n, n)).tocsr(),
        layer=netlist.layer,
        point=grid.coordinates * np.array(grid.pitch),
        region=regions.region,
        allowed=regions.allowed,
    )
