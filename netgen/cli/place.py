"""`netgen place`: the placer used alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netgen.cli.options import Quiet
from netgen.cli.output import write_file
from netgen.cli.terminal import progress_on_stderr
from netgen.errors import BuildError, FitError
from netgen.place import MOST_MOVES, MOVES
from netgen.text import shown_path

if TYPE_CHECKING:
    from netgen.graph import Graph
    from netgen.ir.grid import Grid, Site

__all__ = ["place"]

SEED = 1
AXIS = 2**31 - 1
"""The largest number that --box and --pitch accept."""


class Method(StrEnum):
    """A placement algorithm."""

    AUTO = "auto"
    ANNEAL = "anneal"
    TABU = "tabu"
    EMBED = "embed"
    MATCHING = "matching"
    EXACT = "exact"
    SPECTRAL = "spectral"
    INDEX = "index"


WITHOUT_EFFECT = {
    Method.MATCHING: ("--moves", "--seconds", "--seed"),
    Method.SPECTRAL: ("--start", "--moves", "--seconds", "--seed"),
    Method.INDEX: ("--start", "--moves", "--seconds", "--seed"),
}
"""Options that change nothing under a method, and are refused there."""


def place(
    graph: Annotated[
        Path,
        typer.Argument(
            help="Graph to place: .json, .graph (METIS), .csv (edge list) or .dat (QAPLIB).", show_default=False
        ),
    ],
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,Z",
            help="Sites along each axis; by default those of the file, or the smallest near-cube that fits.",
        ),
    ] = None,
    pitch: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,Z",
            help="Distance of neighboring sites along each axis; by default that of the file, or 1,1,1.",
        ),
    ] = None,
    method: Annotated[Method, typer.Option(help="Placement algorithm.")] = Method.AUTO,
    layered: Annotated[
        bool, typer.Option("--layered", help="Place each layer of the graph on z planes of its own.")
    ] = False,
    start: Annotated[Path | None, typer.Option(help="Start from this placement, a CSV file that --out wrote.")] = None,
    moves: Annotated[
        int | None,
        typer.Option(min=0, max=MOST_MOVES, help=f"Number of moves to try, about 0.2 us each; {MOVES:,} by default."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.0, max=1e6, help="Search for so many seconds instead; results then differ from run to run."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31 - 1, help=f"Seed of all random choices; {SEED} by default.")
    ] = None,
    bound: Annotated[bool, typer.Option(help="Compute a proved lower bound on the wire length.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write the sites to this CSV file instead of stdout.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print wire length, bound and box as JSON instead of the sites.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Place a weighted graph on a 3D grid with short wires.

    Nodes of the graph are neurons, its edges are wires. Minimizes the sum over all wires of weight times Manhattan
    length. Prints the site of every neuron as CSV, and on stderr the wire length and how far it can be above the
    optimum.
    """
    from netgen.graph import place_graph, read_graph, read_start

    given = {"--start": start, "--moves": moves, "--seconds": seconds, "--seed": seed}
    for option in WITHOUT_EFFECT.get(method, ()):
        if given[option] is not None:
            raise typer.BadParameter(f"has no effect with --method {method}; omit it", param_hint=option)
    if moves is not None and seconds is not None:
        raise typer.BadParameter("cannot be combined with --moves; give one of them", param_hint="--seconds")
    shape, step = _axes(box, "--box"), _axes(pitch, "--pitch")
    if out is not None:
        _check_writable(out)
    found = read_graph(graph)
    for warning in found.warnings:
        typer.echo(f"netgen: warning: {shown_path(graph)}: {warning}", err=True)
    with _naming(graph, " or omit --box" if shape else ""), progress_on_stderr(quiet) as progress:
        grid = _grid(found, shape, step, layered=layered)
        placed = place_graph(
            found,
            grid=grid,
            in_layers=layered,
            method=method,
            start=None if start is None else read_start(start, found, grid),
            moves=MOVES if moves is None else moves,
            seconds=seconds,
            seed=SEED if seed is None else seed,
            bound=bound,
            progress=progress,
        )
    if out is not None:
        write_file(out, placed.to_csv())
    if json:
        typer.echo(placed.to_json(), nl=False)
    elif out is None:
        typer.echo(placed.to_csv(), nl=False)
    if not json:
        typer.echo(placed.verdict, err=out is None)


@contextmanager
def _naming(path: Path, otherwise: str) -> Iterator[None]:
    """Name the graph's file in front of what does not fit.

    Args:
        otherwise: what helps besides a larger box.
    """
    try:
        yield
    except FitError as error:
        more = otherwise if "; enlarge" in str(error) else ""
        raise FitError(f"{shown_path(path)}: {error}{more}") from error


def _grid(graph: "Graph", shape: "Site | None", pitch: "Site | None", *, layered: bool) -> "Grid":
    """The box that the options and the graph ask for."""
    from netgen.graph import grid_of
    from netgen.ir.grid import Grid

    if layered and graph.netlist.layers <= 1:
        raise typer.BadParameter("the graph has one layer; give layers in a .json graph", param_hint="--layered")
    for option, value in (("--box", shape), ("--pitch", pitch)):
        if graph.locations and value is not None:
            raise typer.BadParameter("the distances of a QAPLIB file give the box; omit it", param_hint=option)
    if shape is None:
        return grid_of(graph, pitch=pitch, in_layers=layered)
    return Grid(shape, pitch or (graph.grid.pitch if graph.grid else (1, 1, 1)))


def _axes(text: str | None, option: str) -> "Site | None":
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() and len(p) <= 10 and 0 < int(p) <= AXIS for p in parts):
        raise typer.BadParameter(f"{text[:40]!r}; give three numbers above 0, as 8,8,8", param_hint=option)
    x, y, z = map(int, parts)
    return x, y, z


def _check_writable(path: Path) -> None:
    """Refuse a file that cannot be written before the search begins.

    Raises: BuildError, when its folder is missing or it is a folder itself.
    """
    if path.is_dir():
        raise BuildError(f"{path}: Is a directory; give the name of a file")
    if not path.parent.is_dir():
        raise BuildError(f"{path}: No such file or directory; choose a folder that can be written")
