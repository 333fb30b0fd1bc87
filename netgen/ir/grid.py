"""The 3D grid, where on it each neuron may go, and where it went; Manhattan wire lengths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, prod
from typing import Literal, get_args

import numpy as np

from netgen.errors import FitError
from netgen.ir.fixed import Words
from netgen.ir.netlist import Netlist
from netgen.ir.network import Bools, frozen

MOST_SITES = 100_000_000
"""Sites that a box may have; each costs some tens of bytes."""

Face = Literal["x0", "x1", "y0", "y1", "z0", "z1"]


@dataclass(frozen=True)
class Grid:
    """A box of sites, one neuron each.

    Attributes:
        shape: sites along x, y, z.
        pitch: length of one step along x, y, z.
    """

    shape: tuple[int, int, int]
    pitch: tuple[int, int, int] = (1, 1, 1)

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise FitError(f"grid shape {self.shape}; give three axes of at least 1 site")
        if self.sites > MOST_SITES:
            raise FitError(f"grid shape {self.shape} has {self.sites:,} sites; at most {MOST_SITES:,} fit in memory")
        if len(self.pitch) != 3 or min(self.pitch) < 1:
            raise FitError(f"grid pitch {self.pitch}; give three steps of at least 1")

    @property
    def sites(self) -> int:
        """Number of sites."""
        return prod(self.shape)

    @property
    def coordinates(self) -> Words:
        """(sites, 3) int64; site k is at x = k mod X, then y, then z."""
        z, y, x = np.indices(self.shape[::-1]).reshape(3, -1)
        return np.stack([x, y, z], axis=1).astype(np.int64)

    def number_of(self, site: Words) -> Words:
        """Site numbers, (n,), of coordinates (n, 3): the inverse of `coordinates`."""
        return site[:, 0] + self.shape[0] * (site[:, 1] + self.shape[1] * site[:, 2])


@dataclass(frozen=True, eq=False)
class Regions:
    """Region constraints: each neuron belongs to one region, each region is a set of sites.

    Attributes:
        region: (n,) int64; the region of each neuron.
        allowed: (regions, sites) bool; the sites of each region.
    """

    region: Words
    allowed: Bools

    def __post_init__(self) -> None:
        object.__setattr__(self, "region", frozen(self.region, np.int64))
        object.__setattr__(self, "allowed", frozen(self.allowed, np.bool_))


def free_regions(netlist: Netlist, grid: Grid) -> Regions:
    """No constraint: every neuron may use every site.

    Raises: FitError, when the grid has fewer sites than the netlist neurons.
    """
    return face_regions(netlist, grid, {})


def face_regions(netlist: Netlist, grid: Grid, faces: Mapping[int, Face]) -> Regions:
    """Pin whole layers to faces of the box; all other neurons stay free.

    Args:
        faces: layer number to face.
    Raises: FitError, when the grid or a face has fewer sites than neurons that need them.
    """
    if grid.sites < netlist.neurons:
        raise FitError(f"{grid.sites} sites for {netlist.neurons} neurons; enlarge one axis or set place.grid to auto")
    at = grid.coordinates
    allowed = [np.ones(grid.sites, dtype=np.bool_)]
    region = np.zeros(netlist.neurons, dtype=np.int64)
    needs: dict[Face, int] = {}
    for layer, face in faces.items():
        axis = "xyz".index(face[0])
        mask = at[:, axis] == (0 if face[1] == "0" else grid.shape[axis] - 1)
        needs[face] = needs.get(face, 0) + int((netlist.layer == layer).sum())
        if mask.sum() < needs[face]:
            raise FitError(
                f"face {face} has {mask.sum()} sites for {needs[face]} neurons; "
                "enlarge the other two axes or set place.grid to auto"
            )
        region[netlist.layer == layer] = len(allowed)
        allowed.append(mask)
    return Regions(region, np.stack(allowed))


def auto_grid(
    netlist: Netlist,
    *,
    slack: float,
    pitch: tuple[int, int, int],
    faces: Mapping[int, Face] | None = None,
    blocked: int = 0,
) -> Grid:
    """The smallest near-cube with at least `slack` times as many sites as neurons; faces large enough for their pins.

    A near-cube has x >= y >= z >= x - 1; pinned faces may stretch it. It has as many sites more as are blocked.
    """
    sites = max(ceil(slack * netlist.neurons) + blocked, 1)
    side = 1
    while side**3 < sites:
        side += 1
    shape = [side, side, side]
    for axis in (2, 1):
        shape[axis] -= 1
        if prod(shape) < sites:
            shape[axis] += 1
            break
    needs: dict[Face, int] = {}
    for layer, face in (faces or {}).items():
        needs[face] = needs.get(face, 0) + int((netlist.layer == layer).sum())
    for face, need in sorted(needs.items(), key=lambda item: -item[1]):
        axis = "xyz".index(face[0])
        across = [a for a in range(3) if a != axis]
        while prod(shape[a] for a in across) < need:
            shape[min(across, key=lambda a: shape[a])] += 1
    axes = {"xyz".index(face[0]) for face in needs}
    if len(axes) == 1:
        axis = axes.pop()
        across_sites = prod(shape) // shape[axis]
        shape[axis] = max(ceil(sites / across_sites), len(needs))
    while not _hold(shape, needs):
        shape[shape.index(min(shape))] += 1
    return Grid((shape[0], shape[1], shape[2]), pitch)


def _hold(shape: Sequence[int], needs: Mapping[Face, int]) -> bool:
    """Whether any choice of faces, which may share edges, together has the sites that its neurons need (Hall 1935)."""
    for count in range(1, len(needs) + 1):
        for faces in combinations(needs, count):
            inner = [side - sum(face[0] == axis for face in faces) for side, axis in zip(shape, "xyz", strict=True)]
            if prod(shape) - prod(max(side, 0) for side in inner) < sum(needs[face] for face in faces):
                return False
    return True


@dataclass(frozen=True, eq=False)
class Placement:
    """A site for every neuron of a netlist.

    Attributes:
        site: (n, 3) int64; x, y, z of each neuron, in grid steps.

    Raises: FitError, when a site is outside the box or taken twice.
    """

    grid: Grid
    site: Words

    def __post_init__(self) -> None:
        object.__setattr__(self, "site", frozen(self.site, np.int64))
        if self.site.ndim != 2 or self.site.shape[1] != 3:
            raise FitError(f"sites of shape {self.site.shape}; a placement needs (n, 3)")
        if len(self.site) and (self.site.min() < 0 or (self.site >= np.array(self.grid.shape)).any()):
            raise FitError(f"a neuron lies outside the {self.grid.shape} box")
        numbers = self.grid.number_of(self.site)
        if len(np.unique(numbers)) != len(numbers):
            twice = int(np.flatnonzero(np.bincount(numbers) > 1)[0])
            raise FitError(f"site {tuple(int(c) for c in self.grid.coordinates[twice])} holds more than one neuron")


def wire_lengths(netlist: Netlist, placement: Placement) -> Words:
    """Manhattan length of each wire, (m,) int64, in units of the pitch."""
    site = placement.site * np.array(placement.grid.pitch)
    lengths: Words = np.abs(site[netlist.source] - site[netlist.target]).sum(axis=1)
    return lengths


def obeys(placement: Placement, regions: Regions) -> bool:
    """Whether every neuron lies in its region."""
    return bool(regions.allowed[regions.region, placement.grid.number_of(placement.site)].all())


FACES: tuple[Face, ...] = get_args(Face)
