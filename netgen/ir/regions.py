"""Regions narrowed to sites and planes: pinned neurons, blocked sites, a plane for each layer."""

from collections.abc import Iterable, Mapping
from math import ceil, isqrt

import numpy as np

from netgen.errors import FitError
from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Regions
from netgen.ir.netlist import Netlist
from netgen.ir.network import Bools

Site = tuple[int, int, int]


def pin(regions: Regions, grid: Grid, pins: Mapping[int, Site]) -> Regions:
    """Pin neurons, by number, to sites, which all other neurons then leave free.

    Raises: FitError, when a site is outside the box, taken twice, or outside the neuron's region.
    """
    if not pins:
        return regions
    numbers = _numbers(grid, pins.values())
    region, allowed = regions.region.copy(), [*regions.allowed.copy()]
    for neuron, number in zip(pins, numbers, strict=True):
        if not regions.allowed[regions.region[neuron], number]:
            raise FitError(f"neuron {neuron} is pinned to {pins[neuron]}, where it may not go; pin it elsewhere")
        if int((numbers == number).sum()) > 1:
            raise FitError(f"two neurons are pinned to {pins[neuron]}; pin one elsewhere")
    for mask in allowed:
        mask[numbers] = False
    for neuron, number in zip(pins, numbers, strict=True):
        region[neuron] = len(allowed)
        allowed.append(np.arange(grid.sites) == number)
    return Regions(region, np.stack(allowed))


def block(regions: Regions, grid: Grid, sites: Iterable[Site]) -> Regions:
    """Take sites away from every neuron.

    Raises: FitError, when a site is outside the box.
    """
    allowed = regions.allowed.copy()
    allowed[:, _numbers(grid, sites)] = False
    return Regions(regions.region, allowed)


def layered(regions: Regions, netlist: Netlist, grid: Grid) -> Regions:
    """Give each network layer its own planes along z, in order, as few as hold it (the setting of Blake et al. 2018).

    Raises: FitError, when the box has fewer planes than that.
    """
    planes = np.repeat(np.arange(netlist.layers), [_planes(n, grid) for n in np.bincount(netlist.layer)])
    if len(planes) > grid.shape[2]:
        raise FitError(f"{grid.shape[2]} planes for layers that need {len(planes)}; enlarge z, or x and y")
    plane_of = np.full(grid.shape[2], -1)
    plane_of[: len(planes)] = planes
    owner = plane_of[grid.coordinates[:, 2]]
    pairs, region = np.unique(np.stack([regions.region, netlist.layer]), axis=1, return_inverse=True)
    allowed: Bools = np.stack([regions.allowed[old] & (owner == layer) for old, layer in pairs.T])
    return Regions(region.reshape(-1), allowed)


def layered_grid(netlist: Netlist, *, slack: float, pitch: Site) -> Grid:
    """The smallest near-square box with one plane for each layer."""
    most = max(ceil(slack * int(np.bincount(netlist.layer).max(initial=0))), 1)
    side = isqrt(most - 1) + 1
    return Grid((side, ceil(most / side), max(netlist.layers, 1)), pitch)


def _planes(neurons: int, grid: Grid) -> int:
    return -(-int(neurons) // (grid.shape[0] * grid.shape[1]))


def _numbers(grid: Grid, sites: Iterable[Site]) -> Words:
    """Site numbers, (n,), of sites in the box."""
    at = np.array(list(sites), dtype=np.int64).reshape(-1, 3)
    outside = ((at < 0) | (at >= np.array(grid.shape))).any(axis=1)
    if outside.any():
        raise FitError(f"site {tuple(at[outside][0].tolist())} lies outside the {grid.shape} box; correct it")
    return grid.number_of(at)
