"""The split of the weights that proves most: the dual of a relaxation, by alternating projections (ADMM).

In the relaxation the matrix of distances between neurons need not belong to a placement. It must have the eigenvalues
and row sums that a placement's has, or averages of them, and entries in each row that sum up to what the nearest
sites allow. Only the quality of the bound rests on this file: any split proves one.
"""

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import isotonic_regression

from netgen.ir.fixed import Reals
from netgen.place.bounds.split import Sites

ROUNDS, MANY_ROUNDS, FEW_SITES = 100, 400, 300
"""Eigendecompositions, 0.4 s each for 1,000 sites; more of them for up to FEW_SITES."""
STIFFNESS = 4.0
"""Penalty of ADMM, in units of the norm of the weights over that of the distances."""


def split_of(sites: Sites) -> Reals:
    """B of `netgen.place.bounds.split`, (K, K); 4e-10 s times the rounds times the cube of the sites.

    Source: Boyd et al. 2011 (ADMM).
    """
    distance, weight = sites.distance.astype(np.float64), sites.weight.astype(np.float64)
    count = len(distance)
    shape = _Shape(distance)
    nearest = np.sort(distance, axis=1)[:, 1:].min(axis=0)
    rho = STIFFNESS * float(np.linalg.norm(weight) / np.linalg.norm(distance))
    near = np.full_like(distance, distance.sum() / (count * (count - 1)))
    np.fill_diagonal(near, 0)
    dual = np.zeros_like(distance)
    split = dual
    for _ in range(MANY_ROUNDS if count <= FEW_SITES else ROUNDS):
        apart = shape.project(near - dual)
        split = rho * (dual + apart - near)
        near = _spread(apart + dual - weight / rho, nearest)
        dual += apart - near
    return split


def _spread(matrix: Reals, nearest: Reals) -> Reals:
    """The nearest matrix with zeros on the diagonal, no row of which has k others closer together than k sites are.

    In a row, any k entries off the diagonal must sum to at least `nearest[:k]`; isotonic regression finds them.
    """
    spread = matrix.copy()
    np.fill_diagonal(spread, -np.inf)
    order = np.argsort(spread, axis=1)[:, 1:]
    ascending = np.take_along_axis(spread, order, axis=1)
    short = [np.maximum(isotonic_regression(row, increasing=False).x, 0) for row in nearest - ascending]
    np.put_along_axis(spread, order, ascending + short, axis=1)
    np.fill_diagonal(spread, 0)
    return spread


class _Shape:
    """Averages of orthogonal images of a matrix of distances that keep the sum of a vector."""

    def __init__(self, distance: Reals) -> None:
        self.count = len(distance)
        row = distance.sum(axis=1)
        self.mean = row.sum() / self.count**2
        self.rows = np.sort(row - row.mean())[::-1]
        centered = distance - row[:, None] / self.count - row / self.count + self.mean
        self.values = np.sort(-eigh(centered, eigvals_only=True))[::-1]

    def project(self, matrix: Reals) -> Reals:
        """The nearest of them."""
        symmetric = (matrix + matrix.T) / 2
        row = symmetric.sum(axis=1)
        mean = row.sum() / self.count**2
        centered = symmetric - row[:, None] / self.count - row / self.count + mean
        values, vectors = eigh(-centered)
        values = _nearest_average(values, self.values)
        kept = np.abs(values) > 1e-9 * self.values[0]
        vectors = vectors[:, kept]
        rows = _nearest_average(row - row.mean(), self.rows) / self.count
        nearest: Reals = self.mean + rows[:, None] + rows - (vectors * values[kept]) @ vectors.T
        return nearest


def _nearest_average(vector: Reals, descending: Reals) -> Reals:
    """The average of permutations of `descending` that is nearest to `vector` (Lim and Wright 2016)."""
    order = np.argsort(-vector, kind="stable")
    excess = isotonic_regression(vector[order] - descending, increasing=False).x
    nearest = np.empty_like(vector)
    nearest[order] = vector[order] - excess
    return nearest
