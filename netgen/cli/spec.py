"""Commands on specs: init, schema."""

from pathlib import Path
from typing import Annotated

import typer

from netgen.cli.output import write_file
from netgen.errors import SpecError


def init(
    path: Annotated[Path, typer.Argument(help="YAML file to write.", show_default=False)],
    force: Annotated[bool, typer.Option(help="Replace the file if it exists.")] = False,
) -> None:
    """Write a new spec that lists every key with its default."""
    from netgen.spec.reference import starter

    if path.exists() and not force:
        raise SpecError(f"{path}: the file exists; choose another name or give --force")
    write_file(path, starter())
    typer.echo(f"wrote {path}; build it with: netgen build {path}")


def schema() -> None:
    """Print the JSON Schema of specs, for editors."""
    from netgen.spec.reference import schema as text

    typer.echo(text(), nl=False)
