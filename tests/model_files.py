"""Where trained networks by others lie, for tests of what reads them."""

import os
from pathlib import Path

import pytest

__all__ = ["model_file"]


def model_file(name: str) -> Path:
    """A file of the folder NETGEN_MODELS, or of `models` beside NETGEN_DATA; skips the test where it is absent."""
    data = os.environ.get("NETGEN_DATA")
    folder = os.environ.get("NETGEN_MODELS") or (str(Path(data).absolute().parent / "models") if data else None)
    if folder is None:
        pytest.skip("set NETGEN_MODELS to the folder of trained networks by others")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path
