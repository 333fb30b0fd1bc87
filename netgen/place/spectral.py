"""Spectral order: neurons laid out along the smoothest vibrations of their graph, then snapped to sites."""
# ruff: noqa: ARG001 - every placer has this signature

from typing import Any

import numpy as np
from scipy.sparse import diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from threadpoolctl import threadpool_limits

from netgen.ir.fixed import Reals, Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import MOVES
from netgen.place.index import index_order
from netgen.place.problem import problem_of
from netgen.place.sites import share_sites
from netgen.progress import Progress, Stopped, silent

DENSE = 200
"""Components of up to this many neurons are solved by a dense eigensolver."""
TOLERANCE = 1e-4
"""Relative, of eigenvalues; only the order of the entries matters."""


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

    Boxes of sites are halved across their longest side, and the neurons with them, in the order of the eigenvector of
    that axis, until one is left. Sites near the centre of the box are used first. `start`, `moves` and `seed` change
    nothing.

    Raises: FitError, when the neurons of some region have too few sites.
    Source: Hall 1970 (eigenvectors as coordinates); the degree-normalised Laplacian after Shi and Malik 2000.
    """
    problem = problem_of(netlist, grid, regions)
    try:
        progress("spectral order", 0.0)
    except Stopped:
        return problem.placement_of(index_order(problem))
    off_centre = np.abs(2 * problem.point - problem.point[-1]).max(axis=1)
    owner = share_sites(problem, np.argsort(off_centre, kind="stable"))
    with threadpool_limits(1):  # more threads add in another order, and near ties would fall differently
        component, embedding = _embed(problem.adjacency)
    longest_first = np.argsort(-problem.point[-1], kind="stable")
    rank = np.empty(embedding.shape, dtype=np.int64)
    for vector, axis in enumerate(longest_first):
        rank[np.lexsort((embedding[:, vector], component)), axis] = np.arange(netlist.neurons)
    at: Words = np.zeros(netlist.neurons, dtype=np.int64)
    for region in np.unique(regions.region):
        members = np.flatnonzero(regions.region == region)
        _halve(problem.point, rank, members, np.flatnonzero(owner == region), at)
    return problem.placement_of(at)


def _embed(adjacency: Any) -> tuple[Words, Reals]:
    """The component of each neuron, the largest numbered 0, and three coordinates within it, (n, 3)."""
    count, label = connected_components(adjacency, directed=False)
    size = np.bincount(label, minlength=count)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-size, kind="stable")] = np.arange(count)
    members = np.split(np.argsort(label, kind="stable"), np.cumsum(size)[:-1]) if count else []
    embedding = np.zeros((len(label), 3))
    for group in members:
        if len(group) > 1:
            vectors = _eigenvectors(adjacency[group][:, group])
            embedding[group, : vectors.shape[1]] = vectors
    return rank[label], embedding


def _eigenvectors(adjacency: Any) -> Reals:
    """Up to three lowest non-trivial eigenvectors of a connected graph's normalised Laplacian, as columns."""
    n = adjacency.shape[0]
    scale = 1 / np.sqrt(adjacency.sum(axis=1))
    normal = diags_array(scale) @ adjacency @ diags_array(scale)  # highest here is lowest in the Laplacian
    if n <= DENSE:
        values, vectors = np.linalg.eigh(normal.toarray())
    else:
        try:
            values, vectors = eigsh(normal, k=4, which="LA", v0=np.linspace(1, 2, n), tol=TOLERANCE)
        except ArpackNoConvergence as error:
            values, vectors = error.eigenvalues, error.eigenvectors
    order = np.argsort(-values, kind="stable")[1:4]
    vectors = vectors[:, order] * scale[:, None]
    peak = np.abs(vectors).argmax(axis=0)
    upright: Reals = vectors * np.sign(vectors[peak, np.arange(len(order))])
    return upright


def _halve(point: Words, rank: Words, members: Words, sites: Words, at: Words) -> None:
    """Write into `at` a site for each member; as many sites as members, halved where they are longest.

    Args:
        point: (all sites, 3) int64; as in Problem.
        rank: (n, 3) int64; the order of the neurons along each axis.
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
