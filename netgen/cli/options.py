"""Options and arguments that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from netgen.data import DATA_VARIABLE

__all__ = ["DataFolder", "Folder", "Jobs", "Json", "Quiet", "use_data"]

Folder = Annotated[Path, typer.Argument(help="A build folder, such as hdl_out/digits.", show_default=False)]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help=f"Folder of data sets, instead of {DATA_VARIABLE}.", show_default=False)
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Number of processes; all cores by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]


def use_data(folder: Path | None) -> None:
    """Look for data sets in a folder, if the user names one."""
    if folder is not None:
        os.environ[DATA_VARIABLE] = str(folder)
