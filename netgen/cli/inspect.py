"""Commands on trained models: inspect."""

from pathlib import Path
from typing import Annotated

import typer

from netgen.cli.options import Json
from netgen.cli.output import print_table


def inspect(
    model: Annotated[Path, typer.Argument(help="A trained model: an .onnx or .pt2 file.", show_default=False)],
    json: Json = False,
) -> None:
    """Read a trained model, compare it with its source, and show its layers, wires, and what a build of it takes.

    Exits with status 1 when it computes something that no circuit of netgen can, and names it.
    """
    from netgen.importer.read import read_with_report
    from netgen.report import inspection_of, record, render_inspection

    found = inspection_of(*read_with_report(model))
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        print_table(render_inspection(found))
