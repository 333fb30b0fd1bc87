"""Placers: put the neurons of a netlist on the sites of a grid, so that the wires are short.

Every placer is one file and has one signature; `place` chooses one by name. Each loads its libraries (OR-Tools, numba,
SciPy) when it first runs.
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

__all__ = ["METHODS", "MOVES", "Placer", "place"]

MOVES = 10_000_000
"""Annealing moves when none are asked for: 2 to 4 seconds on one core."""


class Placer(Protocol):
    """The signature of every placer; equal arguments give equal placements, on any number of cores.

    Args:
        regions: the sites that each neuron may use.
        start: a placement to improve, which must obey the regions; index and spectral order ignore it.
        moves: the effort, in proposed moves of annealing; index, matching and spectral order ignore it.
        seed: seeds every random choice.
        progress: called with what is being done and the fraction of it that is done, several times a second. When it
            raises `netgen.progress.Stopped`, which it must then do at every later call, the placer ends its search and
            returns its best placement so far: at worst `start`, or index order. No placer lets `Stopped` escape.
    Returns: a site for every neuron.
    Raises: FitError, when the neurons of some region have too few sites, or `start` does not fit. Any other exception
        of `progress`, and KeyboardInterrupt, escapes and leaves no placement.
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
    """The function `name` of the module `name`, imported when it is first called."""

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
    {
        "anneal": _lazy("anneal"),
        "auto": _lazy("auto"),
        "exact": _lazy("exact"),
        "index": _lazy("index"),
        "matching": _lazy("matching"),
        "multilevel": _lazy("multilevel"),
        "spectral": _lazy("spectral"),
        "tabu": _lazy("tabu"),
    }
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
    """Place a netlist by the named method; `Placer` tells the arguments.

    Raises: SpecError, for a method that does not exist; FitError, when the grid or a region is too small.
    """
    if method not in METHODS:
        raise SpecError(f"place.method: no method {method!r}; choose one of {', '.join(METHODS)}")
    allowed = free_regions(netlist, grid) if regions is None else regions
    return METHODS[method](netlist, grid, allowed, start=start, moves=moves, seed=seed, progress=progress)
