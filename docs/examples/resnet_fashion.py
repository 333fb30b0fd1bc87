"""A residual network on Fashion-MNIST: stride 2, skips, batch norm, a global average pool; pruned to 10 %.

    python docs/examples/resnet_fashion.py --data data/fashion-mnist

The first run trains for about 3 minutes on one core and keeps the weights beside the build; later runs only compile.
"""

import argparse
from pathlib import Path

import torch
from images import DATA, read_images
from pruning import accuracy, share_kept, train, trained
from torch import Tensor, nn

import netgen

MEAN, STD = 0.2860, 0.3530
KEEP = 0.1


class Block(nn.Module):
    """Two convolutions and a skip, which is a convolution of one pixel where the shape changes."""

    def __init__(self, n_in: int, n_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.skip = nn.Conv2d(n_in, n_out, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Channels (n, n_out, height / stride, width / stride)."""
        inner = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(inner)) + self.skip(x))


def resnet(width: int) -> nn.Sequential:
    """A stem, three blocks, and one linear layer; `width` channels in the stem, four times as many at the end."""
    stem = nn.Conv2d(1, width, 3, 2, padding=1, bias=False)
    blocks = Block(width, 2 * width, 2), Block(2 * width, 2 * width), Block(2 * width, 4 * width, 2)
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 10)
    return nn.Sequential(stem, nn.BatchNorm2d(width), nn.ReLU(), *blocks, *head)


def augmented(x: Tensor) -> Tensor:
    """A batch moved by up to 2 pixels, and mirrored half the time."""
    dy, dx = (int(d) for d in torch.randint(-2, 3, (2,)))
    return torch.roll(x.flip(3) if torch.rand(()) < 0.5 else x, (dy, dx), (2, 3))


def main() -> None:
    """Train if needed, compile, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA / "fashion-mnist", help="folder of the four idx files")
    parser.add_argument("--out", type=Path, default=Path("hdl_out"), help="folder of the build and of the weights")
    parser.add_argument("--width", type=int, default=8, help="channels of the first convolution")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--samples", type=int, default=10_000, help="test images that the hardware computes")
    parser.add_argument("--quick", action="store_true", help="place in few moves, and prove no lower bound")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    data = read_images(options.data)
    x, tested = ((torch.from_numpy(images / 255).float() - MEAN) / STD for images in (data[0], data[2]))
    y, wanted = (torch.from_numpy(labels).long() for labels in (data[1], data[3]))
    model = resnet(options.width)
    layers = [name for name, part in model.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    keep = dict.fromkeys(layers, KEEP) | {layers[0]: 0.5, layers[-1]: 0.5}
    trained(
        model,
        keep,
        options.out / "resnet_fashion.pt",
        lambda: train(
            model, x, y, keep=keep, epochs=options.epochs, loss=nn.functional.cross_entropy, augment=augmented
        ),
    )
    print(f"PyTorch: {accuracy(model, tested, wanted):.2%} with {share_kept(model, keep):.1%} of the weights")
    build = netgen.compile(
        model,
        name="resnet_fashion",
        inputs=data[2][: options.samples],
        labels=data[3][: options.samples],
        calibration=data[0][:1000],
        scale=1 / 255,
        mean=[MEAN],
        std=[STD],
        place={"moves": 20_000, "certificate": False} if options.quick else None,
        out=options.out,
    )
    print(build.report)


if __name__ == "__main__":
    main()
