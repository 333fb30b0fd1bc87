"""Commands on trained models: inspect."""

from pathlib import Path
from typing import Annotated

import typer

from netgen.cli.options import Json
from netgen.cli.output import print_table


def inspect(
    model: Annotated[
        Path, typer.Argument(help="Trained model: an .onnx file, or a .pt2 file of torch.export.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Show the layers and wires of a trained model before a build.

    The network as netgen reads it is compared with the model itself on random inputs. Exits with status 1 when the
    model has an operation that netgen does not support, and names it.
    """
    from netgen.flow.inspect import inspect as inspected
    from netgen.report import record, render_inspection

    found = inspected(model)
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        print_table(render_inspection(found))
