"""Images in the idx format of MNIST and of Fashion-MNIST, read by numpy, for the examples."""

import gzip
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

DATA = Path(os.environ.get("NETGEN_DATA", "data"))
"""The folder that holds the folders `mnist` and `fashion-mnist`."""


def read_images(folder: Path) -> tuple[Bytes, Bytes, Bytes, Bytes]:
    """Training images (n, 1, 28, 28) and labels (n,), then those of the test, of the four files of a folder."""
    if not folder.is_dir():
        raise SystemExit(f"{folder}: no such folder; give the folder of the four idx files as --data")
    images = [_read(folder / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28) for part in ("train", "t10k")]
    labels = [_read(folder / f"{part}-labels-idx1-ubyte.gz", 8) for part in ("train", "t10k")]
    return images[0], labels[0], images[1], labels[1]


def _read(file: Path, header: int) -> Bytes:
    return np.frombuffer(bytearray(gzip.decompress(file.read_bytes())), np.uint8, offset=header)
