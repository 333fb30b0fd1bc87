"""Regions: the sites that each neuron may use, as faces, pinned neurons, blocked sites and planes narrow them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from netgen.errors import FitError
from netgen.ir.arrays import Bools, frozen
from netgen.ir.fixed import Words
from netgen.ir.grid import Face, Grid, Placement, Site
from netgen.ir.netlist import Netlist

__all__ = ["MOST_FLAGS", "Regions", "block", "face_regions", "free_regions", "layered", "obeys", "pin"]

MOST_FLAGS = 500_000_000
"""Regions times sites, at most: `Regions.allowed` has a byte for each."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Region constraints: each neuron belongs to one region, each region is a set of sites.

    Attributes:
        region: (n,) int64; the region of each neuron.
        allowed: (regions, sites) bool; True for the sites of each region.
    """

    region: Words
    allowed: Bools

    def __post_init__(self) -> None:
        object.__setattr__(self, "region", frozen(self.region, np.int64))
        object.__setattr__(self, "allowed", frozen(self.allowed, np.bool_))


def free_regions(netlist: Netlist, grid: Grid) -> Regions:
    """Constrain nothing: every neuron may use every site.

    Raises: FitError, when the grid has fewer sites than the netlist has neurons.
    """
    return face_regions(netlist, grid, {})


def face_regions(netlist: Netlist, grid: Grid, faces: Mapping[int, Face]) -> Regions:
    """Pin whole layers to faces of the box and leave all other neurons free.

    Args:
        faces: layer number to the face that must hold the layer.
    Raises: FitError, when the grid or a face has fewer sites than the neurons that need them.
    """
    if grid.sites < netlist.neurons:
        raise FitError(f"{grid.sites} sites for {netlist.neurons} neurons; enlarge one axis")
    allowed = _flags(1 + len(faces), grid)
    region = np.zeros(netlist.neurons, dtype=np.int64)
    needs: dict[Face, int] = {}
    for number, (layer, face) in enumerate(faces.items(), start=1):
        axis = "xyz".index(face[0])
        side = grid.shape[axis]
        of_axis = np.arange(side) == (0 if face[1] == "0" else side - 1)
        mask = np.broadcast_to(of_axis.reshape(np.roll([1, 1, -1], -axis)), grid.shape[::-1]).ravel()
        needs[face] = needs.get(face, 0) + int((netlist.layer == layer).sum())
        if mask.sum() < needs[face]:
            raise FitError(f"face {face} has {mask.sum()} sites for {needs[face]} neurons; enlarge the other two axes")
        region[netlist.layer == layer] = number
        allowed[number] = mask
    return Regions(region, allowed)


def pin(regions: Regions, grid: Grid, pins: Mapping[int, Site]) -> Regions:
    """Pin neurons to sites, which no other neuron may then use.

    Args:
        pins: neuron number to site.
    Raises: FitError, when a site is outside the box, pinned to twice, or outside the neuron's region.
    """
    if not pins:
        return regions
    numbers = _numbers(grid, pins.values())
    seen: set[int] = set()
    for neuron, number in zip(pins, numbers.tolist(), strict=True):
        if not regions.allowed[regions.region[neuron], number]:
            raise FitError(f"neuron {neuron} is pinned to {pins[neuron]}, outside its region; pin it elsewhere")
        if number in seen:
            raise FitError(f"two neurons are pinned to {pins[neuron]}; pin one elsewhere")
        seen.add(number)
    first = len(regions.allowed)
    allowed, region = _flags(first + len(pins), grid), regions.region.copy()
    allowed[:first] = regions.allowed
    allowed[:first, numbers] = False
    allowed[first:] = False
    allowed[np.arange(first, len(allowed)), numbers] = True
    region[list(pins)] = np.arange(first, len(allowed))
    return Regions(region, allowed)


def block(regions: Regions, grid: Grid, sites: Iterable[Site]) -> Regions:
    """Forbid sites to every neuron.

    Raises: FitError, when a site is outside the box.
    """
    allowed = regions.allowed.copy()
    allowed[:, _numbers(grid, sites)] = False
    return Regions(regions.region, allowed)


def layered(regions: Regions, netlist: Netlist, grid: Grid) -> Regions:
    """Give each layer its own planes along z, in the order of the layers, as few planes as hold its neurons.

    Raises: FitError, when the box has fewer planes than the layers need.
    Source: Blake et al. 2018 (the setting of their experiments).
    """
    layers, counts = np.unique(netlist.layer, return_counts=True)
    planes = -(-counts // (grid.shape[0] * grid.shape[1]))
    if planes.sum() > grid.shape[2]:
        raise FitError(f"{grid.shape[2]} planes for layers that need {planes.sum()}; enlarge z or the planes")
    layer_of_plane = np.full(grid.shape[2], -1)
    layer_of_plane[: planes.sum()] = np.repeat(layers, planes)
    owner = np.repeat(layer_of_plane, grid.shape[0] * grid.shape[1])
    pairs, region = np.unique(np.stack([regions.region, netlist.layer]), axis=1, return_inverse=True)
    allowed = _flags(pairs.shape[1], grid)
    for number, (old, layer) in enumerate(pairs.T):
        allowed[number] = regions.allowed[old] & (owner == layer)
    return Regions(region.reshape(-1), allowed)


def obeys(placement: Placement, regions: Regions) -> bool:
    """Whether every neuron lies in its region."""
    return bool(regions.allowed[regions.region, placement.grid.number_of(placement.site)].all())


def _flags(regions: int, grid: Grid) -> Bools:
    """All sites allowed, (regions, sites) bool.

    Raises: FitError, when there would be more than MOST_FLAGS of them.
    """
    if regions * grid.sites > MOST_FLAGS:
        raise FitError(
            f"{regions:,} regions on {grid.sites:,} sites need {regions * grid.sites:,} bytes, more than "
            f"{MOST_FLAGS:,}; pin fewer neurons or make the box smaller"
        )
    return np.ones((regions, grid.sites), dtype=np.bool_)


def _numbers(grid: Grid, sites: Iterable[Site]) -> Words:
    """Site numbers, (n,) int64.

    Raises: FitError, when a site is outside the box.
    """
    listed = list(sites)
    for site in listed:
        if not all(0 <= c < side for c, side in zip(site, grid.shape, strict=True)):
            raise FitError(f"site {tuple(site)} lies outside the {grid.shape} box; correct it")
    return grid.number_of(np.array(listed, dtype=np.int64).reshape(-1, 3))
