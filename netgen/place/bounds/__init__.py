"""Proven lower bounds on the wire length: one file per bound, one signature for all.

A bound takes a `Problem` and returns a `Certificate`. All are computed in integers, or in floating point with
an error that is itself bounded, so that none ever exceeds the length of any placement.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from netgen.place.bounds.degree import degree
from netgen.place.bounds.gilmore_lawler import gilmore_lawler
from netgen.place.bounds.pairs import pairs
from netgen.place.bounds.projection import projection
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem
from netgen.progress import Progress, Stopped, silent

__all__ = ["BOUNDS", "best"]

BOUNDS: Mapping[str, Callable[[Problem], Certificate]] = MappingProxyType(
    {"pairs": pairs, "degree": degree, "gilmore_lawler": gilmore_lawler, "projection": projection}
)
"""Bounds by name, the cheapest first."""
DENSE = 1_600
"""Sites up to which bounds with a matrix over all sites are tried: 2 to 4 minutes on one core at the limit."""


def best(problem: Problem, *, progress: Progress = silent) -> Certificate:
    """Compute the largest of all bounds that the size of the box allows.

    When `progress` raises Stopped, return the largest bound so far. `pairs`, about 1 us a wire, is always computed.
    """
    names = list(BOUNDS) if problem.grid.sites <= DENSE else ["pairs", "degree"]
    found = [BOUNDS[names[0]](problem)]
    try:
        for k, name in enumerate(names[1:], start=1):
            progress(f"lower bound by {name}", k / len(names))
            found.append(BOUNDS[name](problem))
        progress("lower bound", 1.0)
    except Stopped:
        pass
    return max(found, key=lambda certificate: certificate.bound)
