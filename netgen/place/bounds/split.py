"""The bound that a split of the weights proves, in exact integers except for eigenvalues, whose error is bounded.

Add neurons without wires until every open site holds one. Let A be the K x K weights of the neurons, and D the
distances of the sites. For any B, twice the wire length of a placement P is `<A - B, P D P'> + <B, P D P'>`.

The first term is bounded by stars (Gilmore 1962, Lawler 1963); where B is not symmetric, a wire has more weight in the
star of one end. The second term is bounded by eigenvalues (Hadley, Rendl and Wolkowicz 1992). It is the sum of a
constant; of a cost for each neuron and site, which is added to the stars' linear assignment; and of a rest. P is an
orthogonal matrix that preserves the sum of a vector, so the rest is at least minus the scalar product of the sorted
eigenvalues of (B + B') / 2 and of -D (Hoffman and Wielandt 1953).
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
from ortools.graph.python.linear_sum_assignment import SimpleLinearSumAssignment
from scipy.linalg import eigh

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem

FORBIDDEN = 1 << 61
"""Cost of a site outside the region of a neuron."""
MARGIN = Fraction(1, 1000)
"""Subtracted from the bound, so that the proof also holds with the rounding errors of another machine."""
ROOM = 1 << 60
"""Costs times twice the number of sites stay below this, so that the assignment is exact."""


@dataclass(frozen=True, eq=False)
class UsableSites:
    """The K sites that some neuron may use.

    Attributes:
        weight: (K, K) int64; A, the weights of the wires, 0 for the added neurons.
        distance: (K, K) int64; D.
        allowed: (K, K) bool; whether a neuron may use a site.
    """

    weight: Words
    distance: Words
    allowed: Bools

    @classmethod
    def of(cls, problem: Problem) -> "UsableSites":
        """Build dense matrices of a problem."""
        n = problem.neurons
        used = problem.allowed[np.unique(problem.region)].any(axis=0) if n else problem.allowed.any(axis=0)
        point = problem.point[used]
        weight = np.zeros((len(point), len(point)), dtype=np.int64)
        weight[:n, :n] = problem.adjacency.toarray()
        allowed = np.ones(weight.shape, dtype=np.bool_)
        allowed[:n] = problem.allowed[problem.region][:, used]
        distance = np.zeros_like(weight)
        for axis in range(3):
            distance += np.abs(point[:, None, axis] - point[:, axis])
        return cls(weight, distance, allowed)


def certify(problem: Problem, sites: UsableSites, split: Words, scale: int, method: str) -> Certificate:
    """Compute the bound that a split proves.

    Args:
        split: (K, K) int64; B, in steps of 1 / scale.
    Returns: a certificate with the witness `split`, `scale` and `price`: (K,) int64, dual prices of the sites. The
        bound is 0 where `fits` is false.
    """
    count = len(split)
    if count == 0 or not problem.adjacency.sum() or not fits(sites, split, scale):
        return Certificate(0, method, {"split": split, "scale": np.array(scale), "price": np.zeros(count, np.int64)})
    cost = costs_of(sites, split, scale)
    price = _prices(cost)
    twice = Fraction(int((cost - price).min(axis=1).sum() + price.sum()))
    twice += Fraction(int(split.sum()) * int(sites.distance.sum()), count * count)
    twice -= Fraction(_most_paired(split + split.T, sites.distance)) / 2
    bound = max(ceil(twice / (2 * scale) - MARGIN), 0)
    return Certificate(bound, method, {"split": split, "scale": np.array(scale), "price": price})


def costs_of(sites: UsableSites, split: Words, scale: int) -> Words:
    """Compute the cost of each neuron on each site, its star and share of B; (K, K) int64, in steps of 1 / scale."""
    count = len(split)
    off = ~np.eye(count, dtype=np.bool_)
    rest = (scale * sites.weight - split)[off].reshape(count, -1)
    near = np.sort(sites.distance[off].reshape(count, -1), axis=1)
    kinds, kind = np.unique(near, axis=0, return_inverse=True)
    stars = np.empty((count, len(kinds)), dtype=np.int64)
    for row in range(count):  # row by row, so that an interrupt is noticed soon
        stars[row] = kinds @ -np.sort(-rest[row])
    total = sites.distance.sum(axis=1)
    linear = np.outer((split + split.T).sum(axis=1), count * total - total.sum()) // (count * count)
    return np.where(sites.allowed, stars[:, kind.ravel()] + linear, FORBIDDEN)


def _prices(cost: Words) -> Words:
    """Compute dual prices of the sites in a cheapest assignment, (K,) int64: shortest paths in the residual graph."""
    count = len(cost)
    row, column = np.nonzero(cost != FORBIDDEN)
    low = np.where(cost == FORBIDDEN, 0, cost).min(axis=1)
    solver = SimpleLinearSumAssignment()
    solver.add_arcs_with_cost(row, column, cost[row, column] - low[row])
    status = solver.solve()
    assert status == solver.OPTIMAL
    mate = np.array([solver.right_mate(k) for k in range(count)])
    toll = np.empty_like(cost)  # extra cost if the neuron on the row's site moved to the column's site
    toll[mate] = cost - cost[np.arange(count), mate][:, None]
    price: Words = np.zeros(count, dtype=np.int64)
    while True:
        lower = np.minimum(price, (price[:, None] + toll).min(axis=0))
        if np.array_equal(lower, price):
            return price
        price = lower


def _most_paired(matrix: Words, distance: Words) -> float:
    """Bound `<M, P (-D) P'>` without its constant and linear parts from above, over all P; M is symmetric."""
    values, error, shift = _eigenvalues(matrix)
    others, other_error, other_shift = _eigenvalues(-distance)
    size, other_size = np.abs(values).sum(), np.abs(others).sum()
    slack = error * other_size + other_error * size + len(values) * error * other_error
    rounding = 4 * len(values) * np.finfo(np.float64).eps * float(np.abs(values) @ np.abs(others))
    return float(values @ others - shift * other_shift + 1.01 * (slack + rounding))


def _eigenvalues(matrix: Words) -> tuple[Reals, float, float]:
    """Compute the eigenvalues of J M J - c 1 1' / K, ascending, where J = I - 1 1' / K.

    c is so large that the eigenvalue of the vector 1, which every P preserves, is the lowest of both matrices. With E
    the residual and F the defect of orthogonality, the error of each eigenvalue is at most |E| + |F| times the largest
    one (Weyl, Ostrowski). The rounding errors in E and F are bounded a priori (Higham 2002, chapter 3).

    Returns: the eigenvalues, a bound on the error of each, and c.
    """
    count, eps = len(matrix), np.finfo(np.float64).eps
    real = matrix.astype(np.float64)
    mean = real.mean(axis=1)
    centered = real - mean[:, None] - mean + mean.mean()
    shift = float(np.ceil(np.abs(centered).sum(axis=1).max()) + 1)
    centered -= shift / count
    values, vectors = eigh(centered, overwrite_a=False)
    largest, norm = float(np.abs(values).max()), float(np.linalg.norm(vectors) ** 2)
    residual = float(np.linalg.norm(centered - (vectors * values) @ vectors.T))
    defect = float(np.linalg.norm(vectors.T @ vectors - np.eye(count)))
    gamma = (count + 8) * eps
    forming = gamma * count * (4 * float(np.abs(real).max()) + shift / count)
    residual += gamma * (norm * largest + float(np.linalg.norm(centered)))
    defect += gamma * (norm + count)
    return values, 1.01 * (residual + defect * largest + forming), shift


def fits(sites: UsableSites, split: Words, scale: int) -> bool:
    """Whether all integers of `costs_of` and of the assignment are exact in int64, in `netgen.place.verify` as well."""
    count, real = len(sites.distance), split.astype(np.float64)
    weights = scale * sites.weight.astype(np.float64)
    heaviest = max(np.abs(m).sum(axis=1).max(initial=0) for m in (weights, weights - real, real, real + real.T))
    return bool(heaviest * float(sites.distance.max(initial=0)) * 2 * max(count, 1) ** 2 < ROOM)
