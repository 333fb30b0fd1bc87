"""The scripts of docs/examples train a small network each, compile it, and find hardware and integers equal."""

from pathlib import Path

import pytest
from commands import run_script
from small_images import write_images

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
SCRIPTS = {
    "autoencoder": ("--epochs", "20", "--keep", "0.1", "--bits", "3"),
    "conv1d": ("--epochs", "3", "--keep", "0.02"),
    "lenet": ("--epochs", "2", "--keep", "0.005", "--data", "IMAGES"),
    "resnet_fashion": ("--epochs", "1", "--width", "1", "--data", "IMAGES"),
}
"""The smallest version of each script; the folder of images stands for MNIST and Fashion-MNIST."""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images"))


def _run(name: str, images: Path, out: Path) -> str:
    options = [str(images) if option == "IMAGES" else option for option in SCRIPTS[name]]
    words = (*options, "--quick", "--samples", "20", "--out", str(out))
    done = run_script(EXAMPLES / f"{name}.py", *words, cwd=out)
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
