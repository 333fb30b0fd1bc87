"""Make coordinates vary slowly along wires, and turn them so that the wires run along the axes."""

from typing import Any

import numpy as np
from scipy.sparse import diags_array

from netgen.ir.fixed import Reals

BETWEEN = 5
"""Steps of smoothing after which the coordinates are drawn apart again."""
FLAT = 1e-9
"""Variance, relative to the greatest, below which a direction is taken to hold rounding errors only; squared, relative
to the square of the coordinates."""
SCANS = (np.arange(45) * np.pi / 90, np.arange(-20, 21) * np.pi / 1800)
"""Angles to turn by: first all that differ, 2 degrees apart, then near the best, 0.1 degrees apart."""
TURNS = 3
"""Times that each pair of axes is turned; a fourth changes nothing on all graphs tried."""
WIRES = 20_000
"""Wires that are looked at in turning."""


def smooth(adjacency: Any, coordinates: Reals, steps: int) -> Reals:
    """Move each neuron half of the way to the mean of its neighbors, `steps` times; (n, 3), whitened.

    With many steps this tends to the eigenvectors of the graph Laplacian; the first hundred steps keep what is good in
    a start that already spreads in three directions, where the third eigenvector may be but an overtone of the first.

    Args:
        adjacency: (n, n) symmetric sparse CSR array; every neuron has a neighbor.
    Source: Koren 2003 (ACE, the power iteration).
    """
    walk = diags_array(0.5 / adjacency.sum(axis=1)) @ adjacency
    degree = adjacency.sum(axis=1) / adjacency.sum()
    for step in range(steps):
        if step % BETWEEN == 0:
            coordinates = whiten(coordinates, degree)
        coordinates = coordinates / 2 + walk @ coordinates
    return whiten(coordinates, degree)


def whiten(coordinates: Reals, share: Reals) -> Reals:
    """Linear combinations of the coordinates with mean 0, variance 1 and no correlation; 0 where they are dependent.

    Args:
        share: (n,); how much each neuron counts; 1 in sum.
    """
    centered = coordinates - share @ coordinates
    variance, directions = np.linalg.eigh(centered.T @ (share[:, None] * centered))
    real = variance > FLAT * max(variance[-1], FLAT * (share @ coordinates**2).sum())
    scale = np.zeros(len(variance))
    scale[real] = 1 / np.sqrt(variance[real])
    whitened: Reals = centered @ (directions * scale)
    return whitened


def axes_of(adjacency: Any, coordinates: Reals) -> tuple[Reals, Reals]:
    """Two choices of axes for whitened coordinates, each (3, 3) as columns, the one with the shortest wires first.

    The first is theirs. The second is turned to the shortest Manhattan wires: eigenvectors of a cube are equal in every
    direction, so that the layout may lie askew in the box. (On a path, it is the first that is right.)
    """
    wires = adjacency.tocoo()
    once = np.flatnonzero(wires.row < wires.col)
    once = once[:: max(len(once) // WIRES, 1)]  # evenly from all of them
    weight = wires.data[once].astype(np.float64)
    span = coordinates[wires.row[once]] - coordinates[wires.col[once]]
    axes = np.eye(3)
    for scan in SCANS:
        for pair in ([0, 1], [0, 2], [1, 2]) * TURNS:
            turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in scan]
            lengths = [float(weight @ np.abs(span @ axes[:, pair] @ by).sum(axis=1)) for by in turns]
            axes[:, pair] = axes[:, pair] @ turns[int(np.argmin(lengths))]
    straight, turned = (a[:, np.argsort(weight @ np.abs(span @ a), kind="stable")] for a in (np.eye(3), axes))
    return straight, turned
