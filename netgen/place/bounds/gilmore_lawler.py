"""Gilmore-Lawler: stars from every site, and a site of its own for every center."""

import numpy as np

from netgen.place.bounds.degree import SHARES, degree
from netgen.place.bounds.split import Sites, certify
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem


def gilmore_lawler(problem: Problem) -> Certificate:
    """Bound by a linear assignment of neurons to sites, each at the cost of its cheapest star there.

    A star is a minimal scalar product: the heaviest wires to the nearest sites. Each wire is half in either star, or
    in the shares that `degree` finds, whichever is better.

    Witness: as of `projection`; the split only moves weight from one end of a wire to the other.
    Source: Gilmore 1962, Lawler 1963; the assignment by OR-Tools.
    """
    sites = Sites.of(problem)
    halves = np.zeros(sites.distance.shape, dtype=np.int64)
    shares, stars = halves.copy(), degree(problem).witness
    source, target = stars["source"], stars["target"]
    shares[source, target] = SHARES * sites.weight[source, target] - 2 * stars["share"]
    shares[target, source] = -shares[source, target]
    found = [certify(problem, sites, split, SHARES, "gilmore_lawler") for split in (halves, shares)]
    return max(found, key=lambda certificate: certificate.bound)
