"""Verify a certificate from the arrays of its witness, with no code of the bounds.

Where possible the computation is a different one: wires in Python dictionaries, displacements one at a time,
eigenvalues by divide and conquer, and those of the distances from the planes between sites.
"""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from math import ceil

import numpy as np

from netgen.ir.fixed import Reals, Words
from netgen.ir.grid import Grid
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place.certificate import Certificate

__all__ = ["verify"]

EXACT = float(1 << 61)
"""All integers stay below this; a witness that would exceed it proves nothing."""
PairWeights = Mapping[tuple[int, int], int]
"""Weight of each wired pair of neurons, the lower number first."""


def verify(certificate: Certificate, netlist: Netlist, grid: Grid, regions: Regions) -> bool:
    """Whether the witness proves the bound for this netlist, grid and regions.

    Only the arrays of the witness are used, and none of their claims is trusted. A bound of `exact` has no witness,
    because the search itself is its proof; it is never verified. Takes about as long as one eigendecomposition over
    all sites.
    """
    if certificate.bound <= 0:
        return True
    proofs = {"pairs": _pairs, "degree": _degree, "gilmore_lawler": _split, "projection": _split}
    wires: Counter[tuple[int, int]] = Counter()
    for a, b, weight in zip(netlist.source.tolist(), netlist.target.tolist(), netlist.weights.tolist(), strict=True):
        if a != b:
            wires[min(a, b), max(a, b)] += weight
    try:
        return certificate.bound <= proofs[certificate.method](certificate.witness, wires, grid, regions)
    except (KeyError, ValueError, IndexError):  # a witness that is incomplete, misshapen or too large
        return False


def _pairs(_: Mapping[str, Words], wires: PairWeights, grid: Grid, __: Regions) -> int:
    """Put the heaviest wires on the nearest pairs of sites."""
    pairs: Counter[int] = Counter()
    for step in product(*(range(1 - side, side) for side in grid.shape)):
        if step > (0, 0, 0):  # only one of the two directions of a pair
            length = sum(abs(s) * pitch for s, pitch in zip(step, grid.pitch, strict=True))
            ways = [side - abs(s) for s, side in zip(step, grid.shape, strict=True)]
            pairs[length] += ways[0] * ways[1] * ways[2]
    return _matched(sorted(wires.values(), reverse=True), pairs)


def _matched(weights: list[int], room: Mapping[int, int]) -> int:
    """Sum weight times length, with the first weights at the shortest lengths.

    Args:
        room: how many weights fit at each length.
    """
    total, used = 0, 0
    for length in sorted(room):
        total += length * sum(weights[used : used + room[length]])
        used += room[length]
        if used >= len(weights):
            return total
    return total


def _degree(witness: Mapping[str, Words], wires: PairWeights, grid: Grid, _: Regions) -> int:
    """Divide each wire's weight between its two ends, and put the heaviest ends of a neuron on the nearest sites."""
    parts = int(witness["shares"])
    stars: dict[int, list[int]] = {}
    given = zip(witness["source"].tolist(), witness["target"].tolist(), witness["share"].tolist(), strict=True)
    seen = set()
    for source, target, share in given:
        total = wires[min(source, target), max(source, target)] * parts
        if (source, target) in seen or (target, source) in seen or not 0 <= share <= total or parts < 1:
            return 0
        seen.add((source, target))
        stars.setdefault(source, []).append(share)
        stars.setdefault(target, []).append(total - share)
    near: Counter[int] = Counter()
    for site in product(*(range(side) for side in grid.shape)):
        gaps = [pitch * abs(s - side // 2) for s, side, pitch in zip(site, grid.shape, grid.pitch, strict=True)]
        near[sum(gaps)] += 1
    near[0] -= 1
    return ceil(Fraction(sum(_matched(sorted(star, reverse=True), near) for star in stars.values()), parts))


def _split(witness: Mapping[str, Words], wires: PairWeights, grid: Grid, regions: Regions) -> int:
    """Bound the weights without the split by stars and prices of the sites, and the split by eigenvalues."""
    sites = np.flatnonzero(regions.allowed[np.unique(regions.region)].any(axis=0))
    count, neurons = len(sites), len(regions.region)
    split, price, scale = witness["split"], witness["price"], int(witness["scale"])
    if split.shape != (count, count) or price.shape != (count,) or scale < 1:
        return 0
    rest, both = -split, split + split.T
    for (a, b), weight in wires.items():
        rest[a, b] += scale * weight
        rest[b, a] += scale * weight
    apart = _distances(grid, sites)
    total, farthest = int(apart.sum()), float(apart.max())
    heaviest = max(np.abs(matrix.astype(np.float64)).sum(axis=1).max() for matrix in (split, both, rest))
    if max(heaviest * farthest * count**2 * 2, np.abs(price.astype(np.float64)).max()) > EXACT:
        return 0
    for k in range(count):
        rest[k, k] = 0
    others = ~np.eye(count, dtype=np.bool_)
    stars = np.sort(rest[others].reshape(count, count - 1))
    cheapest = np.full(count, np.iinfo(np.int64).max)
    for site in range(count):
        near = np.sort(apart[site])[:0:-1]
        linear = both.sum(axis=1) * (count * int(apart[site].sum()) - total) // count**2
        cost = stars @ near + linear - price[site]
        use = np.append(regions.allowed[regions.region, sites[site]], np.ones(count - neurons, np.bool_))
        cheapest[use] = np.minimum(cheapest, cost)[use]
    twice = Fraction(sum(cheapest.tolist()) + sum(price.tolist()))
    twice += Fraction(int(split.sum()) * total, count**2) - Fraction(_most(both, _planes(grid, sites))) / 2
    return ceil(twice / (2 * scale))


def _distances(grid: Grid, sites: Words) -> Words:
    """Compute the distances between these sites, (K, K) int64, from their numbers."""
    apart: Words = np.zeros((len(sites), len(sites)), dtype=np.int64)
    for c, step in zip(np.unravel_index(sites, grid.shape[::-1]), grid.pitch[::-1], strict=True):
        apart += step * np.abs(np.subtract.outer(c, c))
    return apart


def _planes(grid: Grid, sites: Words) -> Reals:
    """Return for each plane between sites, (planes, K), the root of twice its step on the far side, minus the mean."""
    rows = []
    for c, side, step in zip(
        np.unravel_index(sites, grid.shape[::-1]), grid.shape[::-1], grid.pitch[::-1], strict=True
    ):
        rows += [np.sqrt(2 * step) * (c > k) for k in range(side - 1)]
    far = np.array(rows)
    centered: Reals = far - far.mean(axis=1, keepdims=True)
    return centered


def _most(both: Words, planes: Reals) -> float:
    """Bound the scalar product of the split and its transpose, without row sums, with the distances of a placement."""
    count = len(both)
    mean = both.mean(axis=1)
    centered = both - mean[:, None] - mean + mean.mean()
    shift = float(np.abs(centered).sum(axis=1).max()) + 1.0
    own, error = _spectrum(centered - shift / count)  # the vector 1 goes to -shift, which is the lowest
    error += 16 * 2.0**-52 * count * (float(np.abs(both).max()) + shift)
    theirs, their_error = _spectrum(planes @ planes.T)
    their_error += 16 * 2.0**-52 * len(planes) * count * float(np.abs(planes).max()) ** 2
    pairs = min(count - 1, len(theirs))
    own, theirs = own[::-1][:pairs], np.maximum(theirs[::-1][:pairs], 0)
    size, their_size = float(np.abs(own).sum()), float(theirs.sum())
    slack = error * their_size + their_error * size + pairs * error * their_error
    return float(own @ theirs) + 1.01 * slack + 8 * pairs * 2.0**-52 * size * their_size


def _spectrum(matrix: Reals) -> tuple[Reals, float]:
    """Compute the eigenvalues, ascending, and a bound on the error of each from residual and orthogonality defect."""
    count = len(matrix)
    values, vectors = np.linalg.eigh(matrix)
    largest = float(np.abs(values).max())
    rounding = (count + 8) * 2.0**-52
    lost = np.linalg.norm(vectors.T @ vectors - np.eye(count)) + rounding * 4 * count
    residual = np.linalg.norm(matrix - vectors @ np.diag(values) @ vectors.T) + rounding * 4 * count * largest
    return values, 1.01 * float(residual + lost * largest)
