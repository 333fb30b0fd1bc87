"""Commands on specs: init, schema."""

from pathlib import Path
from typing import Annotated

import typer

from netgen.cli.output import write_file
from netgen.errors import SpecError


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.", show_default=False)],
    force: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented starting spec that spells out every default."""
    from netgen.spec.reference import starter

    if path.exists() and not force:
        raise SpecError(f"{path}: is already there; choose another name or give --force")
    write_file(path, starter())
    typer.echo(f"wrote {path}; build it with: netgen build {path}")


def schema() -> None:
    """Print the JSON Schema of a spec, for editors."""
    from netgen.spec.reference import schema as text

    typer.echo(text(), nl=False)
