"""Options that several commands share."""

from typing import Annotated

import typer

__all__ = ["Json", "Quiet"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
