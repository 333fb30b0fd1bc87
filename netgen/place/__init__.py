"""Placers: put the neurons of a netlist on the sites of a grid, so that the wires are short.

Every placer is one file with one function of one signature, and `place` calls one by name. A placer's libraries
(OR-Tools, numba, SciPy) are loaded when it first runs.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Protocol

from netgen.errors import SpecError
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, free_regions
from netgen.progress import Progress, silent

__all__ = ["METHODS", "MOST_MOVES", "MOVES", "Placer", "check_effort", "place"]

MOVES = 10_000_000
"""Default number of annealing moves: 2 to 4 seconds on one core."""
MOST_MOVES = 10**15
"""Largest number of moves: years on one core."""
RENAMED = {"multilevel": "embed"}
"""Methods by their names in earlier versions."""


class Placer(Protocol):
    """The signature of every placer; equal arguments give equal placements, on any number of cores.

    Args:
        regions: the sites that each neuron may use.
        start: a placement to improve, which must obey the regions; index and spectral order ignore it.
        moves: effort, in proposed moves of annealing; index, matching and spectral order ignore it.
        seed: seed of every random choice, 0 or more.
        progress: called with what is being done and the fraction of it that is done, several times a second, or
            between two linear assignments, of which the largest takes some seconds. When it raises
            `netgen.progress.Stopped`, which it must then do at every later call, the placer ends its search and returns
            its best placement so far: at worst `start`, or index order. No placer lets `Stopped` escape.
    Returns: a site for every neuron.
    Raises: FitError, when the neurons of some region have too few sites, `start` does not fit, or the problem is too
        large for the method. Any other exception of `progress`, and KeyboardInterrupt, escapes and leaves no placement.
    """

    def __call__(  # noqa: D102 - the class says it
        self,
        netlist: Netlist,
        grid: Grid,
        regions: Regions,
        *,
        start: Placement | None = None,
        moves: int = MOVES,
        seed: int = 0,
        progress: Progress = silent,
    ) -> Placement: ...


def _lazy(name: str) -> Placer:
    """Return the function `name` of the module `name`, which is imported at the first call."""

    def placer(
        netlist: Netlist,
        grid: Grid,
        regions: Regions,
        *,
        start: Placement | None = None,
        moves: int = MOVES,
        seed: int = 0,
        progress: Progress = silent,
    ) -> Placement:
        run: Placer = getattr(import_module(f"netgen.place.{name}"), name)
        return run(netlist, grid, regions, start=start, moves=moves, seed=seed, progress=progress)

    placer.__name__ = name
    return placer


METHODS: Mapping[str, Placer] = MappingProxyType(
    {name: _lazy(name) for name in ("anneal", "auto", "embed", "exact", "index", "matching", "spectral", "tabu")}
)
"""Placers by the name that a spec gives them."""


def place(
    netlist: Netlist,
    grid: Grid,
    regions: Regions | None = None,
    *,
    method: str = "auto",
    start: Placement | None = None,
    moves: int = MOVES,
    seed: int = 0,
    progress: Progress = silent,
) -> Placement:
    """Place a netlist by the named method; `Placer` documents the other arguments.

    Raises: SpecError, for a method that does not exist, or moves or a seed out of range; FitError, as `Placer`.
    """
    if method in RENAMED:
        raise SpecError(f"place.method: {method!r} is now called {RENAMED[method]!r}; change the name")
    if method not in METHODS:
        raise SpecError(f"place.method: no method {method!r}; choose one of {', '.join(METHODS)}")
    check_effort(moves, seed)
    allowed = free_regions(netlist, grid) if regions is None else regions
    return METHODS[method](netlist, grid, allowed, start=start, moves=moves, seed=seed, progress=progress)


def check_effort(moves: int, seed: int) -> None:
    """Check the effort and the seed of a search.

    Raises: SpecError, for moves below 0 or above MOST_MOVES, or a negative seed.
    """
    if not 0 <= moves <= MOST_MOVES:
        raise SpecError(f"place.moves: {moves} moves; give 0 to 10^15")
    if seed < 0:
        raise SpecError(f"place.seed: {seed}; give 0 or more")
