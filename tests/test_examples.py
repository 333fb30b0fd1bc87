"""The scripts of docs/examples train a small network each, compile it, and find hardware and integers equal."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
SCRIPTS = {
    "autoencoder": ("--epochs", "20", "--keep", "0.1", "--bits", "3"),
    "conv1d": ("--epochs", "5", "--keep", "0.05"),
    "lenet": ("--epochs", "2", "--keep", "0.005", "--data", "IMAGES"),
    "resnet_fashion": ("--epochs", "2", "--width", "2", "--data", "IMAGES"),
}
"""The smallest version of each script; the folder of images stands for MNIST and Fashion-MNIST."""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits of scikit-learn, 24x24 pixels in a border of 2, as the four idx files of MNIST."""
    folder = tmp_path_factory.mktemp("images")
    digits = load_digits()
    large = np.pad(np.kron(digits.images * 15, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    for part, chosen in (("train", slice(0, 1000)), ("t10k", slice(1000, 1050))):
        _write(folder / f"{part}-images-idx3-ubyte.gz", large[chosen])
        _write(folder / f"{part}-labels-idx1-ubyte.gz", digits.target[chosen].astype(np.uint8))
    return folder


def _write(file: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    file.write_bytes(gzip.compress(header + array.tobytes()))


def _run(name: str, images: Path, out: Path) -> str:
    options = [str(images) if option == "IMAGES" else option for option in SCRIPTS[name]]
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *options, "--quick", "--samples", "20", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name != "autoencoder"])
def test_an_example_trains_compiles_and_agrees_with_its_hardware(name: str, images: Path, tmp_path: Path) -> None:
    assert "agreement: exact (20 samples, " in _run(name, images, tmp_path)


def test_an_example_that_runs_again_only_compiles(images: Path, tmp_path: Path) -> None:
    first, second = (_run("autoencoder", images, tmp_path) for _ in range(2))
    assert "agreement: exact (20 samples, " in first
    assert "epoch 1 of 20" in first
    assert "epoch" not in second
    assert first.endswith(second)
