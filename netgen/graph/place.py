"""Place a graph: choose its box, search by moves or by the clock, and prove a lower bound."""

import time
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from netgen.errors import FitError, GraphError
from netgen.graph.graph import Graph
from netgen.graph.placed import PlacedGraph
from netgen.ir.grid import Grid, Placement, Site, auto_grid, layered_grid, wire_lengths
from netgen.ir.regions import Regions, block, face_regions, layered, obeys, pin
from netgen.place import MOST_MOVES, MOVES, check_effort, place
from netgen.progress import Progress, Stopped, silent

if TYPE_CHECKING:
    from netgen.place.certificate import Certificate

__all__ = ["MOST_SECONDS", "grid_of", "place_graph", "regions_of"]

PROBE = 100_000
"""Moves that measure the speed of the machine when the effort is given in seconds."""
MOST_SECONDS = 1e6
"""Seconds that may be asked for."""


def grid_of(graph: Graph, *, pitch: Site | None = None, in_layers: bool = False) -> Grid:
    """Choose the box of a graph: its own, or the smallest near-cube with a site for every neuron.

    Args:
        pitch: length of one step along x, y, z; by default the graph's own, or 1.
        in_layers: leave planes along z for each layer.
    Raises: FitError, when the box would be too large for memory.
    """
    if graph.grid is not None:
        return graph.grid if pitch is None else replace(graph.grid, pitch=pitch)
    steps = pitch or (1, 1, 1)
    if in_layers:
        grid = layered_grid(graph.netlist, slack=1.0, pitch=steps)
    else:
        grid = auto_grid(graph.netlist, slack=1.0, pitch=steps, faces=graph.faces, blocked=len(graph.blocked))
    used = [(0, 0, 0), *graph.pins.values(), *graph.blocked]
    x, y, z = (max(side, 1 + max(site[axis] for site in used)) for axis, side in enumerate(grid.shape))
    return replace(grid, shape=(x, y, z))


def regions_of(graph: Graph, grid: Grid, *, in_layers: bool = False) -> Regions:
    """Compute where the neurons of a graph may go: its faces, planes, blocked sites and pins.

    Raises: FitError, when they leave too little room.
    """
    regions = face_regions(graph.netlist, grid, graph.faces)
    if in_layers:
        regions = layered(regions, graph.netlist, grid)
    return pin(block(regions, grid, graph.blocked), grid, graph.pins)


def place_graph(
    graph: Graph,
    *,
    grid: Grid | None = None,
    in_layers: bool = False,
    method: str = "auto",
    start: Placement | None = None,
    moves: int = MOVES,
    seconds: float | None = None,
    seed: int = 0,
    bound: bool = True,
    progress: Progress = silent,
) -> PlacedGraph:
    """Place a graph on a grid.

    Args:
        grid: by default the one that `grid_of` chooses.
        in_layers: give each layer its own planes along z.
        start: a placement to improve.
        moves: effort, in proposed moves of annealing; about 0.2 us each on one core.
        seconds: search this long instead, 0 to MOST_SECONDS; the result then differs from run to run. A bound that
            takes long is computed only if time is left.
        seed: of all random choices.
        bound: compute a lower bound as well.
    Returns: the shortest placement found, `start` included.
    Raises: FitError, when the neurons or `start` do not fit; SpecError, for a method that does not exist, or moves or
        a seed out of range; GraphError, for seconds out of range.
    """
    from netgen.place.bounds import best
    from netgen.place.exact import solve
    from netgen.place.qap import problem_of

    check_effort(moves, seed)
    if seconds is not None and not (isfinite(seconds) and 0 <= seconds <= MOST_SECONDS):
        raise GraphError(f"seconds: {seconds}; give 0 to {MOST_SECONDS:,.0f}")
    netlist = graph.netlist
    grid = grid or grid_of(graph, in_layers=in_layers)
    regions = regions_of(graph, grid, in_layers=in_layers)
    found: list[Placement] = []
    if start is not None:
        if start.grid != grid or not obeys(start, regions):
            raise FitError("the start places a neuron on a site outside its region; start without it")
        found.append(start)
    if seconds is not None:
        progress, began = _until(time.monotonic() + seconds, progress), time.process_time()
        found.append(
            place(netlist, grid, regions, method=method, start=start, moves=PROBE, seed=seed, progress=progress)
        )
        moves = int(PROBE * seconds / max(time.process_time() - began, 1e-3))
        moves = min(max(moves, PROBE), MOST_MOVES)
    certificate: Certificate | None = None
    if bound and method == "exact":  # its search proves a bound of its own
        solved, certificate, _ = solve(netlist, grid, regions, start=start, moves=moves, seed=seed, progress=progress)
        found.append(solved)
    else:
        found.append(
            place(netlist, grid, regions, method=method, start=start, moves=moves, seed=seed, progress=progress)
        )
    placement = min(found, key=lambda one: int(wire_lengths(netlist, one) @ netlist.weights))
    length = int(wire_lengths(netlist, placement) @ netlist.weights)
    if not bound:
        return PlacedGraph(graph, placement, length, None, "")
    certificate = certificate or best(problem_of(netlist, grid, regions), progress=progress)
    return PlacedGraph(graph, placement, length, certificate.bound, certificate.method)


def _until(deadline: float, progress: Progress) -> Progress:
    """Make a callback that stops the search, which then returns its best placement, once the time is up."""

    def progress_or_stop(what: str, fraction: float) -> None:
        progress(what, fraction)
        if time.monotonic() > deadline:
            raise Stopped

    return progress_or_stop
