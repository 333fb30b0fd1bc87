"""The grid: a box of sites, the site of each neuron on it, and the Manhattan lengths of the wires between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, isqrt, prod
from typing import Literal, get_args

import numpy as np

from netgen.errors import FitError
from netgen.ir.arrays import frozen
from netgen.ir.fixed import Words
from netgen.ir.netlist import MOST_NEURONS, Netlist

__all__ = [
    "FACES",
    "MOST_LENGTH",
    "MOST_SITES",
    "Face",
    "Grid",
    "Placement",
    "Site",
    "auto_grid",
    "layered_grid",
    "wire_lengths",
]

MOST_SITES = MOST_NEURONS
"""Sites that a grid may have. A placer needs about 100 bytes for each."""
MOST_LENGTH = 1 << 60
"""All lengths stay below this, so that int64 holds them exactly, sums of a few of them included."""

Face = Literal["x0", "x1", "y0", "y1", "z0", "z1"]
"""A side of the box: its axis, then 0 for the low end or 1 for the high end."""
FACES: tuple[Face, ...] = get_args(Face)
Site = tuple[int, int, int]
"""x, y, z in grid steps."""


@dataclass(frozen=True)
class Grid:
    """A box of sites, each for at most one neuron.

    Attributes:
        shape: number of sites along x, y, z.
        pitch: length of one grid step along x, y, z.
    Raises: FitError, for axes or steps below 1, more than MOST_SITES sites, or a diagonal of MOST_LENGTH or more.
    """

    shape: tuple[int, int, int]
    pitch: tuple[int, int, int] = (1, 1, 1)

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise FitError(f"grid shape {self.shape}; give three axes of at least 1 site")
        if max(self.shape) > MOST_SITES or self.sites > MOST_SITES:
            raise FitError(f"grid shape {self.shape} has more than {MOST_SITES:,} sites; shorten an axis")
        if len(self.pitch) != 3 or min(self.pitch) < 1:
            raise FitError(f"grid pitch {self.pitch}; give three steps of at least 1")
        if max(self.pitch) >= MOST_LENGTH or self.diagonal >= MOST_LENGTH:
            raise FitError(f"pitch {self.pitch}: wire lengths could exceed 64 bits; use a smaller pitch")

    @property
    def sites(self) -> int:
        """Number of sites."""
        return prod(self.shape)

    @property
    def diagonal(self) -> int:
        """Manhattan length of the longest possible wire, in units of the pitch."""
        return sum((side - 1) * step for side, step in zip(self.shape, self.pitch, strict=True))

    @property
    def coordinates(self) -> Words:
        """x, y, z of every site in grid steps, (sites, 3) int64. Sites are numbered along x first, then y, then z."""
        z, y, x = np.indices(self.shape[::-1]).reshape(3, -1)
        return np.stack([x, y, z], axis=1).astype(np.int64)

    def number_of(self, site: Words) -> Words:
        """Site numbers, (n,), of coordinates (n, 3): the inverse of `coordinates`."""
        return site[:, 0] + self.shape[0] * (site[:, 1] + self.shape[1] * site[:, 2])


@dataclass(frozen=True, eq=False)
class Placement:
    """A site for every neuron of a netlist.

    Attributes:
        site: (n, 3) int64; x, y, z of each neuron, in grid steps.
    Raises: FitError, when a site is outside the box or holds two neurons.
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
    """Compute the Manhattan length of each wire, (m,) int64, in units of the pitch."""
    site = placement.site * np.array(placement.grid.pitch)
    lengths: Words = np.abs(site[netlist.source] - site[netlist.target]).sum(axis=1)
    return lengths


def auto_grid(
    netlist: Netlist,
    *,
    slack: float,
    pitch: tuple[int, int, int],
    faces: Mapping[int, Face] | None = None,
    blocked: int = 0,
) -> Grid:
    """Choose the smallest near-cube with at least `slack` times as many unblocked sites as neurons.

    A near-cube has x >= y >= z >= x - 1. It is stretched where a face would have too few sites for the layers on it.

    Args:
        faces: layer number to the face that must hold the layer.
        blocked: number of sites that no neuron may use.
    Raises: FitError, when the box would have more than MOST_SITES sites.
    """
    if not slack * netlist.neurons + blocked <= MOST_SITES:  # also when slack is not a number
        raise FitError(
            f"{netlist.neurons:,} neurons with slack {slack:g} and {blocked:,} blocked sites need more than "
            f"{MOST_SITES:,} sites; reduce one of them"
        )
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
    while not _faces_suffice(shape, needs):
        shape[shape.index(min(shape))] += 1
    return Grid((shape[0], shape[1], shape[2]), pitch)


def _faces_suffice(shape: Sequence[int], needs: Mapping[Face, int]) -> bool:
    """Whether every set of faces, which may share edges, has as many sites as the neurons on it (Hall 1935)."""
    for count in range(1, len(needs) + 1):
        for faces in combinations(needs, count):
            inner = [side - sum(face[0] == axis for face in faces) for side, axis in zip(shape, "xyz", strict=True)]
            if prod(shape) - prod(max(side, 0) for side in inner) < sum(needs[face] for face in faces):
                return False
    return True


def layered_grid(netlist: Netlist, *, slack: float, pitch: tuple[int, int, int]) -> Grid:
    """Choose the smallest near-square box with one plane along z for each layer.

    Raises: FitError, when the box would have more than MOST_SITES sites.
    """
    _, counts = np.unique(netlist.layer, return_counts=True)
    largest = slack * int(counts.max(initial=0))
    if not largest * max(netlist.layers, 1) <= MOST_SITES:  # also when slack is not a number
        raise FitError(
            f"{netlist.layers:,} planes of {largest:,.0f} sites, one for each layer, are more than {MOST_SITES:,} "
            "sites; number the layers without gaps or reduce the slack"
        )
    most = max(ceil(largest), 1)
    side = isqrt(most - 1) + 1
    return Grid((side, ceil(most / side), max(netlist.layers, 1)), pitch)
