"""Find sites that have given Manhattan distances: the inverse of measuring a grid.

The search is backtracking with forward checking. One location lies at the origin; the candidates of every other
location are the points at its distance from the origin. Then the search repeats:

    choose the location with the fewest candidates
    place it on one of them, those on coordinates already in use first
    strike the points at a wrong distance from all other lists
    when a list becomes empty, go back to the last location with another candidate

Distances of a dense part of a box leave single candidates after a few locations, so that the search hardly goes back.
Source: Haralick and Elliott 1980 (forward checking, smallest domain first).
"""

from collections.abc import Iterator
from math import prod

import numpy as np

from netgen.ir.fixed import Words

__all__ = ["manhattan", "sites_at"]

MOST_CANDIDATES = 2_000_000
"""Candidates of all locations together, 24 bytes each."""
MOST_WORK = 200_000_000
"""Distances that one search computes at most, about 10 ns each."""
OVERHEAD = 500
"""One call of numpy costs as much time as this many distances."""

_Lists = dict[int, Words]
"""Candidates, (c, axes) int64, by location."""


def manhattan(points: Words) -> Words:
    """Manhattan distances, (n, n) int64, of points (n, axes)."""
    total: Words = np.zeros((len(points), len(points)), dtype=np.int64)
    for along in points.T:
        total += np.abs(along[:, None] - along)
    return total


def sites_at(distances: Words) -> Words | None:
    """Find points with the given Manhattan distances, in as few dimensions as possible and at most three.

    Args:
        distances: (n, n) int64, from 0.
    Returns: (n, 3) int64, coordinates from 0; None when there are no such points or the search was given up.
    """
    n = len(distances)
    apart = distances[~np.eye(n, dtype=np.bool_)]
    if (distances != distances.T).any() or distances.diagonal().any() or not apart.all():
        return None
    divisor = int(np.gcd.reduce(apart)) or 1
    units = [divisor, divisor // 2, 1] if divisor % 2 == 0 else [divisor, 1]
    for axes in (1, 2, 3):
        for unit in dict.fromkeys(units):
            found = _Search(distances // unit, axes).run()
            if found is not None:
                points = np.zeros((n, 3), dtype=np.int64)
                points[:, :axes] = (found - found.min(axis=0)) * unit
                return points
    return None


class _Search:
    """One search in one number of dimensions.

    Attributes:
        at: (n, axes) int64; the points of the locations placed so far.
        placed: these locations, in order.
        work: distances computed so far.
    """

    def __init__(self, distances: Words, axes: int) -> None:
        self.distances = distances
        self.at: Words = np.zeros((len(distances), axes), dtype=np.int64)
        self.placed: list[int] = []
        self.work = 0

    def run(self) -> Words | None:
        """Points with exactly these distances, (n, axes) int64; None when none were found."""
        axes = self.at.shape[1]
        root = int(self.distances.sum(axis=1).argmin())
        radii = self.distances[root]
        if 4 * (radii.astype(np.float64) ** (axes - 1)).sum() > MOST_CANDIDATES:
            return None
        self.placed.append(root)
        spheres = {radius: _sphere(radius, axes) for radius in set(radii.tolist())}
        path = [iter([{k: spheres[radius] for k, radius in enumerate(radii.tolist()) if k != root}])]
        while path:
            lists = next(path[-1], None)
            if lists is None:
                path.pop()
            elif any(len(points) > 1 for points in lists.values()):
                path.append(self._attempts(lists))
            else:
                for location, points in lists.items():
                    self.at[location] = points[0]
                self.work += self.distances.size
                if (manhattan(self.at) == self.distances).all():
                    return self.at
        return None

    def _attempts(self, lists: _Lists) -> Iterator[_Lists]:
        """Place the location with the fewest candidates on each of them; yield what is left for the others."""
        location = min(lists, key=lambda k: (len(lists[k]), k))
        points, before = lists[location], self.placed.copy()
        if len(before) == 1:  # mirror images and exchanged axes give the same distances
            points = points[(points >= 0).all(axis=1) & (np.diff(points, axis=1) <= 0).all(axis=1)]
        news = sum(~np.isin(along, used) for along, used in zip(points.T, self.at[before].T, strict=True))
        for point in points[np.argsort(news, kind="stable")]:
            self.placed = [*before, location]
            self.at[location] = point
            left = self._strike(lists, location, point)
            if left is not None:
                yield left
            if self.work > MOST_WORK:
                return

    def _strike(self, lists: _Lists, location: int, point: Words) -> _Lists | None:
        """Keep the candidates at the right distance from a point; None when a location has none left."""
        left: _Lists = {}
        for other in sorted(lists.keys() - {location}, key=lambda k: len(lists[k])):
            points = lists[other]
            self.work += len(points) + OVERHEAD
            kept = points[np.abs(points - point).sum(axis=1) == self.distances[location, other]]
            if not len(kept):
                return None
            left[other] = kept
        return left


def _sphere(radius: int, axes: int) -> Words:
    """All points at a Manhattan distance from the origin, (c, axes) int64."""
    sides = (2 * radius + 1,) * (axes - 1)
    inner = np.indices(sides).reshape(axes - 1, prod(sides)).T - radius
    last = radius - np.abs(inner).sum(axis=1)
    inner, last = inner[last >= 0], last[last >= 0]
    twice = last > 0
    return np.concatenate([np.column_stack([inner, last]), np.column_stack([inner[twice], -last[twice]])])
