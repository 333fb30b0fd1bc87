"""The Gilmore-Lawler bound: the star of every neuron on every site, and a different site for every neuron."""

import numpy as np

from netgen.place.bounds.degree import degree
from netgen.place.bounds.split import UsableSites, certify, fits
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem
from netgen.progress import Progress, silent


def gilmore_lawler(problem: Problem, *, progress: Progress = silent) -> Certificate:
    """Bound by a linear assignment of neurons to sites, where each costs the length of its shortest star there.

    A star is a minimal scalar product: the heaviest wires to the nearest sites. Each wire's weight is divided between
    its two stars in halves, or in the shares that `degree` finds; the larger bound is returned.

    Witness: as of `projection`; the split moves weight from one end of a wire to the other.
    Source: Gilmore 1962, Lawler 1963; the assignment by OR-Tools.
    """
    sites = UsableSites.of(problem)
    stars = degree(problem, progress=progress).witness
    source, target, parts = stars["source"], stars["target"], int(stars["shares"])
    halves = np.zeros(sites.distance.shape, dtype=np.int64)
    shares = halves.copy()
    shares[source, target] = parts * sites.weight[source, target] - 2 * stars["share"]
    shares[target, source] = -shares[source, target]
    if not (fits(sites, halves, parts) and fits(sites, shares, parts)):
        return certify(problem, sites, halves, 1, "gilmore_lawler")
    found: list[Certificate] = []
    for split in (halves, shares):
        progress("gilmore_lawler", len(found) / 2)
        found.append(certify(problem, sites, split, parts, "gilmore_lawler"))
    return max(found, key=lambda certificate: certificate.bound)
