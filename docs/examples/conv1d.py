"""A 1-D convolution on sequences: each row of an image of a digit is one time step, each column a channel.

python docs/examples/conv1d.py                       # the digits of scikit-learn, 8 steps of 8 channels
python docs/examples/conv1d.py --data data/mnist     # MNIST, 28 steps of 28 channels
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from images import read_images
from pruning import accuracy, share_kept, train, trained
from sklearn.datasets import load_digits
from torch import Tensor, nn

import netgen

LAYERS = ("first", "second", "scores")


class Sequences(nn.Module):
    """Two convolutions over time, a pool after the first, the second one dilated, and one linear layer."""

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, 32, 3)
        self.second = nn.Conv1d(32, 32, 2, dilation=2)
        self.scores = nn.Linear(32 * ((steps - 2) // 2 - 2), 10)
        self.pool = nn.MaxPool1d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of ten classes, (n, 10), of sequences (n, channels, steps)."""
        x = self.pool(torch.relu(self.first(x)))
        x = torch.relu(self.second(x))
        scores: Tensor = self.scores(x.flatten(1))
        return scores


def main() -> None:
    """Train if needed, compile, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of MNIST's four idx files")
    parser.add_argument("--out", type=Path, default=Path("hdl_out"), help="folder of the build and of the weights")
    parser.add_argument("--epochs", type=int, help="60 for digits, 8 for MNIST")
    parser.add_argument("--keep", type=float, default=0.15, help="share of each layer's weights that are kept")
    parser.add_argument("--samples", type=int, default=10_000, help="test sequences that the hardware computes")
    parser.add_argument("--quick", action="store_true", help="place in few moves, and prove no lower bound")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    if options.data:
        images, labels, test_images, test_labels = (part.squeeze() for part in read_images(options.data))
        most = 255
    else:
        digits = load_digits()
        images, test_images = np.split(digits.images.astype(np.uint8), [1300])
        labels, test_labels = np.split(digits.target, [1300])
        most = 16
    raw, test_raw = (one.transpose(0, 2, 1) for one in (images, test_images))
    x, tested = (torch.from_numpy(one / most).float() for one in (raw, test_raw))
    y, wanted = (torch.from_numpy(one).long() for one in (labels, test_labels))
    model = Sequences(*x.shape[1:])
    keep = dict.fromkeys(LAYERS, options.keep)
    epochs = options.epochs or (8 if options.data else 60)
    trained(
        model,
        keep,
        options.out / "conv1d.pt",
        lambda: train(model, x, y, keep=keep, epochs=epochs, loss=nn.functional.cross_entropy),
    )
    print(f"PyTorch: {accuracy(model, tested, wanted):.2%} with {share_kept(model, keep):.1%} of the weights")
    build = netgen.compile(
        model,
        name="conv1d",
        inputs=test_raw[: options.samples],
        labels=test_labels[: options.samples],
        calibration=raw[:1000],
        scale=1 / most,
        place={"moves": 20_000, "certificate": False} if options.quick else None,
        out=options.out,
    )
    print(build.report)


if __name__ == "__main__":
    main()
