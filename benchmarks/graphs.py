"""Graphs to measure placers on: with a known optimum, or like the networks that netgen places.

Each is labelled at random, so that the numbering helps no placer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement, auto_grid
from netgen.ir.netlist import Netlist
from netgen.place.bisection import legalize


@dataclass(frozen=True, eq=False)
class Case:
    """A placement problem, and what is known of it.

    Attributes:
        optimum: the least wire length of any placement; None if unknown.
        natural: a layout that a person would draw; None where there is none.
    """

    name: str
    netlist: Netlist
    grid: Grid
    optimum: int | None = None
    natural: Placement | None = None


def grid_graph(shape: tuple[int, int, int], *, seed: int = 0) -> Case:
    """A full box of neurons, each wired to the up to six that are one step away; at best every wire is 1 long."""
    number = np.arange(np.prod(shape)).reshape(shape)
    pairs = [
        np.stack([number.take(range(side - 1), axis).ravel(), number.take(range(1, side), axis).ravel()])
        for axis, side in enumerate(shape)
    ]
    wires = np.concatenate(pairs, axis=1)
    netlist = _relabelled(number.size, wires, seed)
    return Case(f"grid graph {'x'.join(map(str, shape))}", netlist, Grid(shape), optimum=wires.shape[1])


def hypercube(dimensions: int, *, seed: int = 0) -> Case:
    """The hypercube on a box of powers of two, as near a cube as can be.

    Known optimum: the axes of the box share the dimensions, and along each the binary numbering is best (Harper 1964),
    in which bit k is 2**k steps long.
    """
    neurons = 1 << dimensions
    bits = [(dimensions + 2 - axis) // 3 for axis in range(3)]
    first = np.repeat(np.arange(neurons), dimensions)
    second = first ^ np.tile(1 << np.arange(dimensions), neurons)
    wires = np.stack([first, second])[:, first < second]
    optimum = neurons // 2 * sum((1 << b) - 1 for b in bits)
    shape = (1 << bits[0], 1 << bits[1], 1 << bits[2])
    return Case(f"hypercube Q{dimensions}", _relabelled(neurons, wires, seed), Grid(shape), optimum=optimum)


def pruned_mlp(
    sizes: tuple[int, ...] = (784, 300, 100, 10), *, wires: int = 20_000, seed: int = 0, name: str = "pruned MLP"
) -> Case:
    """A multilayer perceptron of which `wires` weights, drawn evenly from all, are left."""
    random = np.random.default_rng(seed)
    first = np.cumsum([0, *sizes])
    weights = np.array([a * b for a, b in pairwise(sizes)])
    kept = np.sort(random.choice(weights.sum(), wires, replace=False))
    depth = np.searchsorted(np.cumsum(weights), kept, side="right")
    within = kept - (np.cumsum(weights) - weights)[depth]
    source, target = np.divmod(within, np.array(sizes)[depth + 1])
    netlist = _layered(sizes, first[depth] + source, first[depth + 1] + target)
    return Case(f"{name}, {wires:,} wires", netlist, auto_grid(netlist, slack=1.0, pitch=(1, 1, 1)))


def rewired(netlist: Netlist, *, cut: float, added: float, seed: int = 0) -> Netlist:
    """The netlist without a share of its wires, drawn at random, and with new ones, from old ends to old ends."""
    random = np.random.default_rng(seed)
    kept = random.random(netlist.wires) >= cut
    first, second = random.integers(0, netlist.wires, (2, int(added * netlist.wires)))
    fits = netlist.layer[netlist.source[first]] == netlist.layer[netlist.source[second]]
    source = np.concatenate([netlist.source[kept], netlist.source[first[fits]]])
    target = np.concatenate([netlist.target[kept], netlist.target[second[fits]]])
    return Netlist(netlist.layer, netlist.index, source, target, np.ones(len(source), np.int64))


def conv_network(
    side: int = 32,
    maps: tuple[int, ...] = (3, 20, 20, 20, 40, 40, 40, 80),
    *,
    kernels: int = 3,
    taps: int = 3,
    seed: int = 0,
) -> Case:
    """A convolutional network with 3x3 kernels, as pruning leaves it: few kernels, and few weights in each.

    Where the maps become twice as many, the stride is 2 and the side is halved. The neurons of a layer are numbered
    map by map, row by row. The natural layout gives each layer a slab of the box, in order, and spreads the pixels
    over the slab as they are in the image.

    Args:
        kernels: kernels that are left into each map, from maps drawn at random.
        taps: weights that are left of the nine of a kernel, drawn at random.
    """
    random = np.random.default_rng(seed)
    sides = [side, side]
    for before, after in pairwise(maps[1:]):
        sides.append(sides[-1] // (2 if after == 2 * before else 1))
    sizes = [count * s * s for count, s in zip(maps, sides, strict=True)]
    first = np.cumsum([0, *sizes])
    sources, targets = [], []
    for depth in range(len(maps) - 1):
        before, after = sides[depth], sides[depth + 1]
        row, column = np.indices((after, after)).reshape(2, -1)
        for into in range(maps[depth + 1]):
            for used in random.permutation(maps[depth])[:kernels]:
                for dy, dx in zip(*np.divmod(random.permutation(9)[:taps], 3), strict=True):
                    y, x = before // after * row + dy - 1, before // after * column + dx - 1
                    inside = (y >= 0) & (y < before) & (x >= 0) & (x < before)
                    sources.append((first[depth] + (used * before + y) * before + x)[inside])
                    targets.append((first[depth + 1] + (into * after + row) * after + column)[inside])
    netlist = _layered(sizes, np.concatenate(sources), np.concatenate(targets))
    grid = auto_grid(netlist, slack=1.0, pitch=(1, 1, 1))
    pixels = np.concatenate([_pixels(count, s) for count, s in zip(maps, sides, strict=True)])
    return Case(f"convolutional network of side {side}", netlist, grid, natural=_slabs(netlist, grid, pixels))


def _pixels(maps: int, side: int) -> Words:
    """(neurons, 3) int64: column, row and map of the neurons of a layer."""
    which, row, column = np.indices((maps, side, side)).reshape(3, -1)
    return np.stack([column, row, which], axis=1)


def _slabs(netlist: Netlist, grid: Grid, pixels: Words) -> Placement:
    """Layer after layer along z; in a slab, halves of the image to halves of the slab until one neuron is left."""
    site = grid.coordinates[: netlist.neurons].copy()
    for layer in range(netlist.layers):
        members = np.flatnonzero(netlist.layer == layer)  # consecutive, as the sites of a slab are
        site[members] = site[members][legalize(pixels[members], site[members])]
    return Placement(grid, site)


def _layered(sizes: Sequence[int], source: Words, target: Words) -> Netlist:
    layer = np.repeat(np.arange(len(sizes)), sizes)
    index = np.concatenate([np.arange(size) for size in sizes])
    return Netlist(layer, index, source, target, np.ones(len(source), np.int64))


def _relabelled(neurons: int, wires: Words, seed: int) -> Netlist:
    label = np.random.default_rng(seed).permutation(neurons)
    source, target = label[wires]
    return Netlist(np.zeros(neurons, np.int64), np.arange(neurons), source, target, np.ones(len(source), np.int64))
