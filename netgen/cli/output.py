"""Output: tables on stdout, and files that are written whole or not at all."""

from pathlib import Path

from netgen.errors import BuildError
from netgen.tools import whole_file

__all__ = ["print_table", "write_file"]


def print_table(renderable: object) -> None:
    """Print a table on stdout, as wide as the terminal."""
    from rich.console import Console

    Console().print(renderable)


def write_file(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises: BuildError, when it cannot be written.
    """
    if not path.name:
        raise BuildError(f"{path}: a folder; give the name of a file")
    with whole_file(path, BuildError, fix="choose a folder that can be written") as beside:
        beside.write_text(text, encoding="utf-8")
