"""The bound that a split of the weights proves, in exact integers but for eigenvalues, whose error is bounded.

Add neurons without wires until every open site holds one; let A be their K x K weights and D the distances of sites.
For any B, the length of a placement P (twice, as every pair is counted in both orders) is
`<A - B, P D P'> + <B, P D P'>`. The first term is bounded by stars, as Gilmore and Lawler do; where B is not symmetric,
a wire has more weight in the star of one end. The second is bounded by eigenvalues, as Hadley, Rendl and Wolkowicz do:
it is a constant, plus a cost for each neuron and site that joins the stars' linear assignment, plus a part in which P,
an orthogonal matrix that keeps the sum of a vector, can at best pair the largest eigenvalues of (B + B') / 2 with
those of -D (Hoffman and Wielandt 1953).
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
from ortools.graph.python.linear_sum_assignment import SimpleLinearSumAssignment
from scipy.linalg import eigh

from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Bools
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem

FORBIDDEN = 1 << 61
"""Cost of a site outside the region of a neuron."""
MARGIN = Fraction(1, 1000)
"""Given away, so that rounding errors of another machine do not undo the proof."""
ROOM = 1 << 60
"""Costs, times the number of sites, must stay below, to be exact in the assignment."""


@dataclass(frozen=True, eq=False)
class Sites:
    """The sites that some neuron may use, K in number.

    Attributes:
        weight: (K, K) int64; A, the weights of the wires, with zeros for the added neurons.
        distance: (K, K) int64; D.
        allowed: (K, K) bool; which neuron may use which of these sites.
    """

    weight: Words
    distance: Words
    allowed: Bools

    @classmethod
    def of(cls, problem: Problem) -> "Sites":
        """Dense matrices of a problem."""
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


def certify(problem: Problem, sites: Sites, split: Words, scale: int, method: str) -> Certificate:
    """The bound by a split, and its witness.

    Args:
        split: (K, K) int64; B, in steps of 1 / scale.
    Returns: a certificate with the witness `split`, `scale` and `price`: (K,) int64, dual prices of the sites.
    """
    count = len(split)
    if count == 0 or not problem.adjacency.sum():
        return Certificate(0, method, {"split": split, "scale": np.array(scale), "price": np.zeros(count, np.int64)})
    cost = costs_of(sites, split, scale)
    price = _prices(cost)
    twice = Fraction(int((cost - price).min(axis=1).sum() + price.sum()))
    twice += Fraction(int(split.sum()) * int(sites.distance.sum()), count * count)
    twice -= Fraction(_most_paired(split + split.T, sites.distance)) / 2
    bound = max(ceil(twice / (2 * scale) - MARGIN), 0)
    return Certificate(bound, method, {"split": split, "scale": np.array(scale), "price": price})


def costs_of(sites: Sites, split: Words, scale: int) -> Words:
    """The cost of each neuron on each site, (K, K) int64, in steps of 1 / scale: its star, and its share of B."""
    count = len(split)
    off = ~np.eye(count, dtype=np.bool_)
    rest = (scale * sites.weight - split)[off].reshape(count, -1)
    near = np.sort(sites.distance[off].reshape(count, -1), axis=1)
    kinds, kind = np.unique(near, axis=0, return_inverse=True)
    stars = -np.sort(-rest, axis=1) @ kinds.T
    row = sites.distance.sum(axis=1)
    linear = np.outer((split + split.T).sum(axis=1), count * row - row.sum()) // (count * count)
    return np.where(sites.allowed, stars[:, kind.ravel()] + linear, FORBIDDEN)


def _prices(cost: Words) -> Words:
    """Dual prices of the sites in a cheapest assignment; lower costs of a row and a column than the price, never."""
    count = len(cost)
    row, column = np.nonzero(cost != FORBIDDEN)
    low = np.where(cost == FORBIDDEN, 0, cost).min(axis=1)
    solver = SimpleLinearSumAssignment()
    solver.add_arcs_with_cost(row, column, cost[row, column] - low[row])
    status = solver.solve()
    assert status == solver.OPTIMAL
    mate = np.array([solver.right_mate(k) for k in range(count)])
    toll = np.empty_like(cost)  # what it costs the neuron on the row's site to go to the column's instead
    toll[mate] = cost - cost[np.arange(count), mate][:, None]
    price: Words = np.zeros(count, dtype=np.int64)
    while True:
        lower = np.minimum(price, (price[:, None] + toll).min(axis=0))
        if np.array_equal(lower, price):
            return price
        price = lower


def _most_paired(matrix: Words, distance: Words) -> float:
    """An upper bound on `<M, P (-D) P'>` over all P, less its constant and linear parts; M symmetric."""
    values, error, shift = _eigenvalues(matrix)
    others, other_error, other_shift = _eigenvalues(-distance)
    size, other_size = np.abs(values).sum(), np.abs(others).sum()
    slack = error * other_size + other_error * size + len(values) * error * other_error
    rounding = 4 * len(values) * np.finfo(np.float64).eps * float(np.abs(values) @ np.abs(others))
    return float(values @ others - shift * other_shift + 1.01 * (slack + rounding))


def _eigenvalues(matrix: Words) -> tuple[Reals, float, float]:
    """Eigenvalues of J M J - c 1 1' / K, ascending, J = I - 1 1' / K; a bound on the error of each; and c.

    c is large, so that the eigenvalue of the vector 1, which every P keeps, comes last in both matrices. With E the
    residual and F the defect of orthogonality, each eigenvalue is off by at most |E| + |F| times the largest one
    (Weyl, Ostrowski); the rounding errors in E and F are bounded a priori (Higham 2002, chapter 3).
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


def fits(sites: Sites, split: Words, scale: int) -> bool:
    """Whether all integers of `costs_of` stay exact."""
    count = len(sites.distance)
    rows = np.abs(scale * sites.weight - split).sum(axis=1).max(initial=0)
    farthest = int(sites.distance.max(initial=0))
    star = float(rows) * farthest * (count + 1)
    linear = float(np.abs(split + split.T).sum(axis=1).max(initial=0)) * count * count * farthest
    return star < ROOM and linear < ROOM
