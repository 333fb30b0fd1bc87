"""Files that a command writes where the user asked for them."""

from pathlib import Path

from netgen.errors import BuildError

__all__ = ["write_file"]


def write_file(path: Path, text: str) -> None:
    """Write a file beside its place and move it there whole.

    Raises: BuildError, when the folder or the file cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}; choose a folder that can be written") from error
