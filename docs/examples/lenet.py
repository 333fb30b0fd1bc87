"""LeNet-5 on MNIST: trained, pruned to 10 % of its weights in plain PyTorch, then compiled to hardware as it is.

    python docs/examples/lenet.py --data data/mnist

The first run trains for about 3 minutes on one core and keeps the weights beside the build; later runs only compile.
"""

import argparse
from pathlib import Path

import torch
from images import DATA, read_images
from pruning import accuracy, share_kept, train, trained
from torch import Tensor, nn

import netgen

MEAN, STD = 0.1307, 0.3081
KEEP = {"conv1": 0.24, "conv2": 0.12, "fc1": 0.09, "fc2": 0.10, "fc3": 0.30}
"""Share of weights that each layer keeps, together 10 %. A convolution's weight is a wire at each of its positions."""


class LeNet5(nn.Module):
    """Two convolutions and three linear layers, for images of 28x28 pixels without a border."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(256, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of ten classes, (n, 10), of standardized images (n, 1, 28, 28)."""
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x))).flatten(1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        scores: Tensor = self.fc3(x)
        return scores


def shifted(x: Tensor) -> Tensor:
    """A batch moved by up to 2 pixels, the same way for all its images."""
    dy, dx = (int(d) for d in torch.randint(-2, 3, (2,)))
    return torch.roll(x, (dy, dx), (2, 3))


def main() -> None:
    """Train if needed, compile, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA / "mnist", help="folder of the four idx files")
    parser.add_argument("--out", type=Path, default=Path("hdl_out"), help="folder of the build and of the weights")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--keep", type=float, default=0.1, help="share of all weights that are kept, up to 0.3")
    parser.add_argument("--samples", type=int, default=10_000, help="test images that the hardware computes")
    parser.add_argument("--quick", action="store_true", help="place in few moves, and prove no lower bound")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    images, labels, test_images, test_labels = read_images(options.data)
    x, tested = ((torch.from_numpy(part / 255).float() - MEAN) / STD for part in (images, test_images))
    y, wanted = (torch.from_numpy(part).long() for part in (labels, test_labels))
    model = LeNet5()
    keep = {name: share * options.keep / 0.1 for name, share in KEEP.items()}
    trained(
        model,
        keep,
        options.out / "lenet.pt",
        lambda: train(model, x, y, keep=keep, epochs=options.epochs, loss=nn.functional.cross_entropy, augment=shifted),
    )
    print(
        f"PyTorch: {accuracy(model, tested, wanted):.2%} with {share_kept(model, keep):.1%} of the weights", flush=True
    )
    build = netgen.compile(
        model,
        name="lenet",
        inputs=test_images[: options.samples],
        labels=test_labels[: options.samples],
        calibration=images[:1000],
        scale=1 / 255,
        mean=[MEAN],
        std=[STD],
        place={"moves": 20_000, "certificate": False} if options.quick else None,
        out=options.out,
    )
    print(build.report)


if __name__ == "__main__":
    main()
