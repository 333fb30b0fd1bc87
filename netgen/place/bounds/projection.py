"""The strongest bound here: stars and eigenvalues, each on the part of the weights where it is good."""

import numpy as np
from threadpoolctl import threadpool_limits

from netgen.place.bounds.relaxation import split_of
from netgen.place.bounds.split import Sites, certify, fits
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem

STEPS = 4096
"""The split is rounded to this part of the average weight of a pair of neurons that is wired."""


def projection(problem: Problem) -> Certificate:
    """Bound by the best split of the weights between stars and eigenvalues that ADMM finds.

    About 40 s for 1,000 sites, 0.3 to 2 s for up to 100.

    Witness: `split`, `scale` and `price`, as of `netgen.place.bounds.split.certify`.
    Source: Hadley, Rendl and Wolkowicz 1992 (the projected eigenvalue bound).
    """
    sites = Sites.of(problem)
    wires = problem.adjacency
    scale = max(int(STEPS * wires.nnz // max(int(wires.sum()), 1)), 1)
    with threadpool_limits(1):  # more threads add in another order
        found = certify(problem, sites, np.zeros_like(sites.weight), scale, "projection")
        if not wires.nnz or len(sites.weight) < 3:
            return found
        split = np.rint(scale * split_of(sites)).astype(np.int64)
        if fits(sites, split, scale):
            found = max(found, certify(problem, sites, split, scale, "projection"), key=lambda one: one.bound)
    return found
