"""The placer used alone: a graph in, its placement and a certificate out."""

import csv
import io
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netgen.errors import FitError, GraphError
from netgen.graph.files import Graph
from netgen.ir.grid import Grid, Placement, auto_grid, layered_grid, wire_lengths
from netgen.ir.regions import Regions, block, face_regions, layered, pin
from netgen.ir.verdict import verdict_of
from netgen.progress import Progress, Stopped, silent

if TYPE_CHECKING:
    from netgen.place.certificate import Certificate

PROBE = 100_000
"""Moves by which the speed of the machine is taken, when the clock decides."""


@dataclass(frozen=True, eq=False)
class PlacedGraph:
    """A graph on sites.

    Attributes:
        length: sum over all wires of weight times Manhattan length.
        bound: proven lower bound on it; None when none was asked for.
        bound_method: which bound that is.
    """

    graph: Graph
    placement: Placement
    length: int
    bound: int | None
    bound_method: str

    @property
    def verdict(self) -> str:
        """`wire length 27,139 · at most 1.48x optimal`."""
        return verdict_of(self.length, self.bound)

    def to_json(self) -> str:
        """The figures as JSON text."""
        grid = asdict(self.placement.grid)
        figures = {
            "neurons": self.graph.netlist.neurons,
            "wires": self.graph.netlist.wires,
            **grid,
            "wire_length": self.length,
            "lower_bound": self.bound,
            "lower_bound_method": self.bound_method,
        }
        return json.dumps(figures) + "\n"

    def to_csv(self) -> str:
        """`neuron,x,y,z`, a line for each neuron."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["neuron", "x", "y", "z"])
        for name, site in zip(self.graph.names, self.placement.site.tolist(), strict=True):
            writer.writerow([name, *site])
        return text.getvalue()


def regions_of(graph: Graph, grid: Grid, *, in_layers: bool = False) -> Regions:
    """Where the neurons of a graph may go: its faces, planes, blocked sites and pins.

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
    moves: int = 10_000_000,
    seconds: float | None = None,
    seed: int = 0,
    bound: bool = True,
    progress: Progress = silent,
) -> PlacedGraph:
    """Place a graph on a grid.

    Args:
        grid: by default the graph's own box, or the smallest near-cube that holds it.
        in_layers: give each layer its own planes along z.
        seconds: stop by the clock instead of by moves; the result then differs from run to run.
        bound: compute a lower bound, too.
    Raises: FitError, when the neurons do not fit; SpecError, for a method that does not exist.
    """
    from netgen.place import place
    from netgen.place.exact import solve

    netlist = graph.netlist
    if grid is None:
        fits = layered_grid(netlist, slack=1.0, pitch=(1, 1, 1)) if in_layers else None
        grid = graph.grid or fits or _roomy(graph)
    regions = regions_of(graph, grid, in_layers=in_layers)
    found = [] if start is None else [start]
    if seconds is not None:
        deadline, began = time.monotonic() + seconds, time.process_time()
        found = [place(netlist, grid, regions, method=method, start=start, moves=PROBE, seed=seed)]
        moves = max(int(PROBE * seconds / max(time.process_time() - began, 1e-3)), PROBE)
        progress = _until(deadline, progress)
    certificate: Certificate | None = None
    try:
        if bound and method == "exact" and seconds is None:  # its search proves a bound of its own
            solved, certificate, _ = solve(
                netlist, grid, regions, start=start, moves=moves, seed=seed, progress=progress
            )
            found.append(solved)
        else:
            found.append(
                place(netlist, grid, regions, method=method, start=start, moves=moves, seed=seed, progress=progress)
            )
    except Stopped:  # before the search had anything better
        if not found:
            raise
    placement = min(found, key=lambda one: int(wire_lengths(netlist, one) @ netlist.weights))
    length = int(wire_lengths(netlist, placement) @ netlist.weights)
    if not bound:
        return PlacedGraph(graph, placement, length, None, "")
    from netgen.place.bounds import best
    from netgen.place.problem import problem_of

    certificate = certificate or best(problem_of(netlist, grid, regions), progress=progress)
    return PlacedGraph(graph, placement, length, certificate.bound, certificate.method)


def _roomy(graph: Graph) -> Grid:
    """The smallest near-cube with a site for every neuron, and as many more as are blocked, that holds all pins."""
    grid = auto_grid(graph.netlist, slack=1.0, pitch=(1, 1, 1), faces=graph.faces, blocked=len(graph.blocked))
    x, y, z = np.maximum(grid.shape, np.array([(0, 0, 0), *graph.pins.values(), *graph.blocked]).max(axis=0) + 1)
    return replace(grid, shape=(int(x), int(y), int(z)))


def _until(deadline: float, progress: Progress) -> Progress:
    """Progress that stops a search, which then keeps its best, when the time is up."""

    def told(what: str, fraction: float) -> None:
        progress(what, fraction)
        if time.monotonic() > deadline:
            raise Stopped

    return told


def read_start(path: Path, graph: Graph, grid: Grid) -> Placement:
    """Read a placement of a graph that `to_csv` wrote.

    Raises: GraphError, when it is missing, damaged or of another graph.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        at = {row["neuron"]: [int(row[axis]) for axis in "xyz"] for row in rows}
        return Placement(grid, np.array([at[name] for name in graph.names]).reshape(-1, 3))
    except (OSError, UnicodeDecodeError, KeyError, ValueError, TypeError, FitError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise GraphError(
            f"{path}: no placement of this graph ({reason}); give what netgen place --out wrote"
        ) from error
