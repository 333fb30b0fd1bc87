"""The strongest bound here: the weights are split into a part bounded by stars and a part bounded by eigenvalues."""

import numpy as np
from threadpoolctl import threadpool_limits

from netgen.place.bounds.relaxation import split_of
from netgen.place.bounds.split import UsableSites, certify, fits
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem
from netgen.progress import Progress, Stopped, silent

STEPS = 4096
"""The split is rounded to this part of the mean weight of a wired pair of neurons."""


def projection(problem: Problem, *, progress: Progress = silent) -> Certificate:
    """Bound by the best split of the weights between stars and eigenvalues that ADMM finds.

    About 40 s for 1,000 sites, 0.3 to 2 s for up to 100.

    Witness: `split`, `scale` and `price`, as of `netgen.place.bounds.split.certify`.
    Source: Hadley, Rendl and Wolkowicz 1992 (the projected eigenvalue bound).
    """
    sites = UsableSites.of(problem)
    wires, nothing = problem.adjacency, np.zeros_like(sites.weight)
    scale = max(int(STEPS * wires.nnz // max(int(wires.sum()), 1)), 1)
    while scale > 1 and not fits(sites, nothing, scale):
        scale //= 2
    with threadpool_limits(1):  # with more threads, sums are rounded in another order
        found = certify(problem, sites, nothing, scale, "projection")
        if not wires.nnz or len(sites.weight) < 3:
            return found
        try:
            split = np.rint(scale * split_of(sites, progress)).astype(np.int64)
        except Stopped:
            return found
        if fits(sites, split, scale):
            found = max(found, certify(problem, sites, split, scale, "projection"), key=lambda one: one.bound)
    return found
