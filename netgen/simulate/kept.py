"""Programs that were built before: kept in a cache, each with a digest, so that a damaged one is built again."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from netgen.simulate.recipe import ProgramRecipe

_PROGRAM, _DIGEST = "simulator", "simulator.sha256"


def kept_program(recipe: ProgramRecipe, cache: Path) -> Path | None:
    """Find a recipe's program in a cache; None, when it is not there, or not as it was put there."""
    program = (cache / recipe.digest / _PROGRAM).absolute()
    try:
        written = program.with_name(_DIGEST).read_text(encoding="utf-8")
        whole = written == _digest_of(program) + "\n" and os.access(program, os.X_OK)
    except (OSError, UnicodeDecodeError):
        return None
    return program if whole else None


def keep_program(recipe: ProgramRecipe, cache: Path, program: Path) -> None:
    """Copy a program into a cache, whole or not at all.

    A cache that cannot be written keeps nothing, which costs only time.
    """
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="building-", dir=cache, ignore_cleanup_errors=True) as name:
            beside = Path(name) / "program"
            beside.mkdir()
            shutil.copyfile(program, beside / _PROGRAM)
            (beside / _PROGRAM).chmod(0o755)  # also a program that another one interprets: then one rule holds for all
            (beside / _DIGEST).write_text(_digest_of(program) + "\n", encoding="utf-8")
            if kept_program(recipe, cache) is None:  # otherwise another process was faster, with the same program
                _remove(cache / recipe.digest)
                beside.rename(cache / recipe.digest)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
