"""Proven lower bounds on the wire length: one file for each bound, one signature for all.

Bounds are computed in integers, or in floating point with a bounded error, so that none exceeds the wire length of any
placement.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from netgen.place.bounds.degree import degree
from netgen.place.bounds.gilmore_lawler import gilmore_lawler
from netgen.place.bounds.pairs import pairs
from netgen.place.bounds.projection import projection
from netgen.place.certificate import Certificate
from netgen.place.qap import Problem
from netgen.progress import Progress, Stopped, silent

__all__ = ["BOUNDS", "Bound", "best"]


class Bound(Protocol):
    """The signature of every bound.

    Args:
        progress: called with what is being done and the fraction of it that is done. When it raises
            `netgen.progress.Stopped`, the bound returns what it has proven so far, or lets it escape.
    """

    def __call__(self, problem: Problem, *, progress: Progress = silent) -> Certificate: ...  # noqa: D102 - see above


BOUNDS: Mapping[str, Bound] = MappingProxyType(
    {"pairs": pairs, "degree": degree, "gilmore_lawler": gilmore_lawler, "projection": projection}
)
"""Bounds by name, the fastest first."""
DENSE = 1_600
"""Sites up to which bounds with a matrix over all sites are computed: 2 to 4 minutes on one core at the limit."""


def best(problem: Problem, *, progress: Progress = silent) -> Certificate:
    """Compute the largest of all bounds that the size of the box allows.

    When `progress` raises Stopped, return the largest bound so far. `pairs`, about 1 us a wire, is always computed.
    """
    names = list(BOUNDS) if problem.grid.sites <= DENSE else ["pairs", "degree"]
    found = [pairs(problem)]
    try:
        for k, name in enumerate(names[1:], start=1):

            def part(_: str, fraction: float, name: str = name, k: int = k) -> None:
                progress(f"lower bound by {name}", (k + fraction) / len(names))

            part("", 0.0)
            found.append(BOUNDS[name](problem, progress=part))
        progress("lower bound", 1.0)
    except Stopped:
        pass
    return max(found, key=lambda certificate: certificate.bound)
