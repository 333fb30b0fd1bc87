"""Small data sets in the files of MNIST and Fashion-MNIST."""

import gzip
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def write_images(folder: Path) -> Path:
    """Write the digits of scikit-learn, 24x24 pixels in a border of 2, as the four idx files of MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    large = np.pad(np.kron(digits.images * 15, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    for part, chosen in (("train", slice(0, 1000)), ("t10k", slice(1000, 1050))):
        _write(folder / f"{part}-images-idx3-ubyte.gz", large[chosen])
        _write(folder / f"{part}-labels-idx1-ubyte.gz", digits.target[chosen].astype(np.uint8))
    return folder


def _write(file: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    file.write_bytes(gzip.compress(header + array.tobytes()))
