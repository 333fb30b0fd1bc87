"""Spectral order: the eigenvectors of the graph Laplacian as coordinates, then legalized to sites."""
# ruff: noqa: ARG001 - every placer has this signature

from typing import Any

import numpy as np
from scipy.sparse import diags_array
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, aslinearoperator, eigsh
from threadpoolctl import threadpool_limits

from netgen.ir.fixed import Reals, Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.components import components_of, ranks_of
from netgen.place.index import index_order
from netgen.place.qap import problem_of
from netgen.place.repack import central_sites
from netgen.progress import Progress, Stopped, silent

__all__ = ["spectral"]

DENSE = 200
"""Components of up to this many neurons are solved by a dense eigensolver."""
TOLERANCE = 1e-4
"""Relative tolerance of the eigenvalues; only the order of the eigenvectors' entries matters."""


def spectral(
    netlist: Netlist,
    grid: Grid,
    regions: Regions,
    *,
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> Placement:
    """Place by the three lowest non-trivial eigenvectors of the graph Laplacian, the lowest along the longest axis.

    Boxes of sites are halved across their longest side, and their neurons in the order of the eigenvector of that
    axis, until each box has one site. Sites near the center of the box are used first. `start`, `moves` and `seed` have
    no effect. If `progress` raises Stopped, the placement is index order.

    Raises: FitError, when the neurons of some region have too few sites.
    Source: Hall 1970 (eigenvectors as coordinates); the degree-normalized Laplacian after Shi and Malik 2000.
    """
    problem = problem_of(netlist, grid, regions)
    owner = central_sites(problem)
    try:
        progress("spectral order", 0.0)
        with threadpool_limits(1):  # with more threads, sums are rounded in another order and near ties differ
            component, coordinates = _eigenvectors(problem.adjacency, progress)
    except Stopped:
        return problem.placement_of(index_order(problem))
    rank = np.empty(coordinates.shape, dtype=np.int64)
    rank[:, np.argsort(-problem.point[-1], kind="stable")] = ranks_of(component, coordinates)
    at: Words = np.zeros(netlist.neurons, dtype=np.int64)
    for region in np.unique(regions.region):
        members = np.flatnonzero(regions.region == region)
        _halve(problem.point, rank, members, np.flatnonzero(owner == region), at)
    return problem.placement_of(at)


def _eigenvectors(adjacency: Any, progress: Progress) -> tuple[Words, Reals]:
    """Compute the component of each neuron, the largest numbered 0, and three coordinates within it, (n, 3)."""
    component, members = components_of(adjacency, smallest=2)
    coordinates = np.zeros((len(component), 3))
    for group in members:
        vectors = _eigenvectors_of_component(adjacency[group][:, group], progress)
        coordinates[group, : vectors.shape[1]] = vectors
    return component, coordinates


def _eigenvectors_of_component(adjacency: Any, progress: Progress) -> Reals:
    """Compute up to three lowest non-trivial eigenvectors of a connected graph's normalized Laplacian, as columns."""
    n = adjacency.shape[0]
    scale = 1 / np.sqrt(adjacency.sum(axis=1))
    normal = diags_array(scale) @ adjacency @ diags_array(scale)  # its highest eigenvalues are the Laplacian's lowest
    if n <= DENSE:
        values, vectors = np.linalg.eigh(normal.toarray())
    else:
        try:
            operator = _with_progress(normal, progress)
            values, vectors = eigsh(operator, k=4, which="LA", v0=np.linspace(1, 2, n), tol=TOLERANCE)
        except ArpackNoConvergence as error:
            values, vectors = error.eigenvalues, error.eigenvectors
    order = np.argsort(-values, kind="stable")[1:4]
    vectors = vectors[:, order] * scale[:, None]
    peak = np.abs(vectors).argmax(axis=0)
    upright: Reals = vectors * np.sign(vectors[peak, np.arange(len(order))])
    return upright


def _with_progress(matrix: Any, progress: Progress) -> LinearOperator:
    """Wrap a matrix so that each product with a vector reports progress, and so can be stopped."""
    inner = aslinearoperator(matrix)

    def product(vector: Reals) -> Reals:
        progress("spectral order", 0.0)
        result: Reals = inner.matvec(vector)
        return result

    return LinearOperator(matrix.shape, matvec=product, dtype=matrix.dtype)


def _halve(point: Words, rank: Words, members: Words, sites: Words, at: Words) -> None:
    """Write a site for each member into `at`, by halving members and sites across the longest side of the sites' box.

    Args:
        point: (all sites, 3) int64; as in Problem.
        rank: (n, 3) int64; the order of the neurons along each axis.
        members, sites: (k,) int64; neurons, and as many site numbers.
    """
    if len(members) < 2:
        at[members] = sites
        return
    axis = int(np.ptp(point[sites], axis=0).argmax())
    half = len(members) // 2
    members = members[np.argsort(rank[members, axis])]
    sites = sites[np.argsort(point[sites, axis], kind="stable")]
    _halve(point, rank, members[:half], sites[:half], at)
    _halve(point, rank, members[half:], sites[half:], at)
