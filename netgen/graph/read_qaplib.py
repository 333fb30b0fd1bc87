"""Instances of the quadratic assignment problem as QAPLIB has them, where their distances are those of a grid."""

from dataclasses import replace
from itertools import permutations, product
from math import prod

import numpy as np

from netgen.errors import GraphError
from netgen.graph.graph import Graph, graph_of
from netgen.graph.locate import manhattan, sites_at
from netgen.graph.whole import small_wholes, whole
from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Site

__all__ = ["read_qaplib"]

MOST_LOCATIONS = 1_000
"""Locations of an instance; the largest of QAPLIB has 256."""
MOST_SITES = 1_000_000
"""Sites of the box that its locations span."""


def read_qaplib(text: str) -> Graph:
    """Read `n`, then two n x n matrices, one of distances and one of flows, in either order.

    The distances must be Manhattan distances of sites in a box, in any order; sites of the box that are no location are
    blocked. Symmetric flows count once, so the wire length is half of QAPLIB's value; others add up over both
    directions.

    Raises: GraphError, with the value and the fix.
    Source: Burkard, Karisch, Rendl, QAPLIB, 1997.
    """
    words = text.split()
    n = whole(words[0], "n", 1, MOST_LOCATIONS) if words else 0
    if not n or len(words) != 1 + 2 * n * n:
        raise GraphError(f"{len(words)} numbers; need n and two n x n matrices")
    numbers = small_wholes(words[1:]) or [whole(word, f"number {k}") for k, word in enumerate(words[1:], start=2)]
    first, second = np.array(numbers, dtype=np.int64).reshape(2, n, n)
    for locate in (_raster, _anywhere):
        for distances, flows in ((first, second), (second, first)):
            located = locate(distances)
            if located is not None:
                return _graph(*located, flows)
    raise GraphError("neither matrix holds the Manhattan distances of sites in a box; netgen places on grids only")


def _graph(grid: Grid, sites: Words, flows: Words) -> Graph:
    symmetric = bool((flows == flows.T).all())
    total = np.triu(flows if symmetric else flows + flows.T, 1)
    source, target = np.nonzero(total)
    graph = graph_of(len(flows), np.stack([source, target, total[source, target]], axis=1))
    locations = {(x, y, z): k for k, (x, y, z) in enumerate(sites.tolist())}
    every = [(x, y, z) for x, y, z in grid.coordinates.tolist()]
    blocked = tuple(site for site in every if site not in locations)
    return replace(graph, grid=grid, blocked=blocked, locations=locations)


def _raster(distances: Words) -> tuple[Grid, Words] | None:
    """The full box whose sites, x fastest, have these distances; None if there is none."""
    n = len(distances)
    for x in range(n, 0, -1):
        for y in range(n // x if n % x == 0 else 0, 0, -1):
            if n % (x * y):
                continue
            shape = (x, y, n // (x * y))
            steps = (1, x, x * y)
            pitch = tuple(int(distances[0, step]) if side > 1 else 1 for side, step in zip(shape, steps, strict=True))
            if min(pitch) < 1:
                continue
            grid = Grid(shape, (pitch[0], pitch[1], pitch[2]))
            at = grid.coordinates
            points = at * np.array(pitch)
            if (np.abs(points).sum(axis=1) == distances[0]).all() and (manhattan(points) == distances).all():
                return grid, at
    return None


def _anywhere(distances: Words) -> tuple[Grid, Words] | None:
    """A box with sites at these distances; None if none is found.

    Of its mirror images and the orders of its axes, the one in which most locations follow the order of the sites.

    Raises: GraphError, when the box would have more than MOST_SITES sites.
    """
    points = sites_at(distances)
    if points is None:
        return None
    pitch = np.maximum(np.gcd.reduce(points), 1)
    steps = points // pitch
    sides = steps.max(axis=0) + 1
    if prod(sides.tolist()) > MOST_SITES:
        raise GraphError(
            f"the locations span a box of {prod(sides.tolist()):,} sites; at most {MOST_SITES:,} are placed"
        )
    found: list[tuple[int, Grid, Words]] = []
    for order in map(list, permutations(range(3))):
        for mirrored in product((False, True), repeat=3):
            at = np.where(mirrored, sides - 1 - steps, steps)[:, order]
            grid = Grid(_three(sides[order]), _three(pitch[order]))
            found.append((int((np.diff(grid.number_of(at)) > 0).sum()), grid, at))
    return max(found, key=lambda one: one[0])[1:]


def _three(numbers: Words) -> Site:
    x, y, z = numbers.tolist()
    return x, y, z
