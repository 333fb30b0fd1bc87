"""Smooth coordinates along the wires of a graph, and rotate them so that the wires run along the axes."""

from typing import Any

import numpy as np
from scipy.sparse import diags_array

from netgen.ir.fixed import Reals

__all__ = ["axes_of", "smooth", "whiten"]

BETWEEN = 5
"""Number of smoothing steps between two whitenings, which keep the three coordinates independent."""
FLAT = 1e-9
"""A direction holds rounding errors only if its variance is below this share of the greatest variance, or below the
square of this share of the mean square of the coordinates."""
SCANS = (np.arange(45) * np.pi / 90, np.arange(-20, 21) * np.pi / 1800)
"""Angles to rotate by, in radians: first all that differ, 2 degrees apart, then near the best, 0.1 degrees apart."""
ROUNDS = 3
"""Rotations of each pair of axes; a fourth changed nothing on any graph tried."""
WIRES = 20_000
"""Number of wires on which a rotation is evaluated."""


def smooth(adjacency: Any, coordinates: Reals, steps: int) -> Reals:
    """Move each neuron half of the way to the mean of its neighbors, `steps` times; (n, 3), whitened.

    With many steps the result tends to the eigenvectors of the graph Laplacian. A hundred steps preserve a start that
    already extends in three directions, where the third eigenvector may only be a harmonic of the first.

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
    """Combine coordinates linearly to mean 0, variance 1 and no correlation; dependent ones become 0.

    Args:
        coordinates: (n, 3).
        share: (n,); the weight of each neuron in means; 1 in sum.
    """
    centered = coordinates - share @ coordinates
    variance, directions = np.linalg.eigh(centered.T @ (share[:, None] * centered))
    real = variance > FLAT * max(variance[-1], FLAT * (share @ coordinates**2).sum())
    scale = np.zeros(len(variance))
    scale[real] = 1 / np.sqrt(variance[real])
    whitened: Reals = centered @ (directions * scale)
    return whitened


def axes_of(adjacency: Any, coordinates: Reals) -> tuple[Reals, Reals]:
    """Choose axes for whitened coordinates in two ways.

    The first choice keeps the coordinates' own axes. The second rotates them to the shortest Manhattan wires, because
    the eigenvectors of a cube are not unique and may be askew in the box. (On a path, the first choice is right.)

    Returns: two matrices (3, 3) whose columns are the axes, the axis with the shortest wires first.
    """
    wires = adjacency.tocoo()
    once = np.flatnonzero(wires.row < wires.col)
    once = once[:: max(len(once) // WIRES, 1)]  # evenly spaced among all of them
    weight = wires.data[once].astype(np.float64)
    span = coordinates[wires.row[once]] - coordinates[wires.col[once]]
    axes = np.eye(3)
    for scan in SCANS:
        for pair in ([0, 1], [0, 2], [1, 2]) * ROUNDS:
            rotations = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in scan]
            lengths = [float(weight @ np.abs(span @ axes[:, pair] @ by).sum(axis=1)) for by in rotations]
            axes[:, pair] = axes[:, pair] @ rotations[int(np.argmin(lengths))]
    own, rotated = (a[:, np.argsort(weight @ np.abs(span @ a), kind="stable")] for a in (np.eye(3), axes))
    return own, rotated
