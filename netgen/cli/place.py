"""`netgen place`: the placer used alone."""

from pathlib import Path
from typing import Annotated

import typer

from netgen.cli.options import Json, Quiet
from netgen.cli.output import write_file
from netgen.cli.terminal import progress_on_stderr

__all__ = ["place"]


def place(
    graph: Annotated[
        Path, typer.Argument(help="A graph: .json, .graph (METIS), .csv or .dat (QAPLIB).", show_default=False)
    ],
    box: Annotated[
        str | None, typer.Option(help="Sites along x,y,z; the graph's own or a near-cube by default.")
    ] = None,
    pitch: Annotated[str, typer.Option(help="Length of a step along x,y,z.")] = "1,1,1",
    method: Annotated[str, typer.Option(help="Placer, as in a spec's place.method.")] = "auto",
    layered: Annotated[bool, typer.Option(help="Give each layer of the graph its own planes along z.")] = False,
    start: Annotated[Path | None, typer.Option(help="A placement to begin with, as --out writes it.")] = None,
    moves: Annotated[int, typer.Option(min=0, help="Effort.")] = 10_000_000,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Effort by the clock instead; the result is then not repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 1,
    bound: Annotated[bool, typer.Option(help="Prove how far from optimal the result can be at most.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write the sites to this CSV file, not to stdout.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Place a weighted graph on a 3D grid so that its wire length is least.

    Prints the site of every neuron as CSV, then, on stderr, the wire length and how far from optimal it is at most.
    """
    from netgen.graph.files import read_graph
    from netgen.graph.place import place_graph, read_start
    from netgen.ir.grid import Grid

    found = read_graph(graph)
    grid = found.grid
    if box is not None:
        grid = Grid(_axes(box, "--box"), _axes(pitch, "--pitch"))
    if start is not None and grid is None:
        raise typer.BadParameter("needs a box; give --box", param_hint="--start")
    with progress_on_stderr(quiet) as progress:
        placed = place_graph(
            found,
            grid=grid,
            in_layers=layered,
            method=method,
            start=None if start is None or grid is None else read_start(start, found, grid),
            moves=moves,
            seconds=seconds,
            seed=seed,
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


def _axes(text: str, option: str) -> tuple[int, int, int]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise typer.BadParameter(f"{text!r}; give three numbers above 0, as 8,8,8", param_hint=option)
    x, y, z = map(int, parts)
    return x, y, z
