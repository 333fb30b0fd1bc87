"""Options and arguments that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from netgen.data import DATA_VARIABLE

__all__ = ["DataFolder", "Folder", "Jobs", "Json", "Quiet", "samples_of", "use_data"]

Folder = Annotated[Path, typer.Argument(help="Build folder, such as hdl_out/digits.", show_default=False)]
DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data", help=f"Folder of data sets; by default that of the variable {DATA_VARIABLE}.", show_default=False
    ),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes that run at once; one for each core by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress on stderr.")]


def use_data(folder: Path | None) -> None:
    """Look for data sets in a folder, if the user names one."""
    if folder is not None:
        os.environ[DATA_VARIABLE] = str(folder)


def samples_of(text: str | None) -> int | str | None:
    """A number of samples, or `all`, as a user writes it; None where it is not given."""
    if text is None or text == "all":
        return text
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise typer.BadParameter(
            f"{text!r}; give a number of samples from 1 to 999999999, or all", param_hint="--samples"
        )
    return int(text)
