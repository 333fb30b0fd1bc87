"""The split of the weights that proves the largest bound: the dual of a relaxation, solved by ADMM.

In the relaxation, the matrix of distances between neurons need not belong to a placement. It must have the eigenvalues
and row sums of a placement's matrix, or averages of them, and the entries of each row must sum up to what the nearest
sites allow. Any split proves a bound, so errors in this file can only make the bound smaller, never wrong.
"""

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import isotonic_regression

from netgen.ir.fixed import Reals
from netgen.place.bounds.split import UsableSites
from netgen.progress import Progress

ROUNDS, MANY_ROUNDS, FEW_SITES = 100, 400, 300
"""Number of eigendecompositions, 0.4 s each for 1,000 sites; MANY_ROUNDS for up to FEW_SITES sites."""
STIFFNESS = 4.0
"""Penalty of ADMM, in units of the norm of the weights over that of the distances."""


def split_of(sites: UsableSites, progress: Progress) -> Reals:
    """Find the matrix B of `netgen.place.bounds.split`, (K, K) float64; 4e-10 s times rounds times K^3.

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
    rounds = MANY_ROUNDS if count <= FEW_SITES else ROUNDS
    for k in range(rounds):
        progress("projection", k / rounds)
        apart = shape.project(near - dual)
        split = rho * (dual + apart - near)
        near = _spread(apart + dual - weight / rho, nearest)
        dual += apart - near
    return split


def _spread(matrix: Reals, nearest: Reals) -> Reals:
    """Project onto the matrices with a zero diagonal whose rows respect the distances of the nearest sites.

    In each row, any k entries off the diagonal must sum to at least `nearest[:k].sum()`. Isotonic regression finds the
    nearest such matrix.
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
    """The convex hull of Q D Q' over all orthogonal Q that preserve the sum of a vector; D is a matrix of distances."""

    def __init__(self, distance: Reals) -> None:
        self.count = len(distance)
        row = distance.sum(axis=1)
        self.mean = row.sum() / self.count**2
        self.rows = np.sort(row - row.mean())[::-1]
        centered = distance - row[:, None] / self.count - row / self.count + self.mean
        self.values = np.sort(-eigh(centered, eigvals_only=True))[::-1]

    def project(self, matrix: Reals) -> Reals:
        """Project onto this set."""
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
    """Project `vector` onto the convex hull of the permutations of `descending`.

    Source: Lim and Wright 2016.
    """
    order = np.argsort(-vector, kind="stable")
    excess = isotonic_regression(vector[order] - descending, increasing=False).x
    nearest = np.empty_like(vector)
    nearest[order] = vector[order] - excess
    return nearest
