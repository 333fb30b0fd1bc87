"""An autoencoder of the digits of scikit-learn: its outputs are real numbers, 64 pixels made of 8 neurons.

    python docs/examples/autoencoder.py

There are no classes, so the hardware is compared with the model by worst error, mean error and signal to noise. Pixels
have 17 levels, so words of 6 bits are enough; a tanh or sigmoid of 6 bits compares its sum with up to 63 thresholds.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from pruning import share_kept, train, trained
from sklearn.datasets import load_digits
from torch import nn

import netgen

KEEP = {"0": 0.3, "2": 0.5, "4": 0.5, "6": 0.3}
"""Share of weights that each layer keeps, together 32 %."""


def main() -> None:
    """Train if needed, compile, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("hdl_out"), help="folder of the build and of the weights")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--keep", type=float, default=0.32, help="share of all weights that are kept, up to 0.6")
    parser.add_argument("--bits", type=int, default=6, help="of each neuron's word")
    parser.add_argument("--samples", type=int, default=497, help="test images that the hardware computes, at most 497")
    parser.add_argument("--quick", action="store_true", help="place in few moves, and prove no lower bound")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    images, test_images = np.split(load_digits().data.astype(np.uint8), [1300])
    x, tested = (torch.from_numpy(one / 16).float() for one in (images, test_images))
    model = nn.Sequential(
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Linear(32, 8),
        nn.Tanh(),
        nn.Linear(8, 32),
        nn.ReLU(),
        nn.Linear(32, 64),
        nn.Sigmoid(),
    )
    keep = {name: share * options.keep / 0.32 for name, share in KEEP.items()}
    trained(
        model,
        keep,
        options.out / "autoencoder.pt",
        lambda: train(model, x, x, keep=keep, epochs=options.epochs, loss=nn.functional.mse_loss, rate=1e-2),
    )
    with torch.no_grad():
        error = float((model(tested) - tested).square().mean().sqrt())
    share = share_kept(model, keep)
    print(f"PyTorch: pixels off by {error:.3f} of white (root mean square) with {share:.1%} of the weights", flush=True)
    build = netgen.compile(
        model,
        name="autoencoder",
        inputs=test_images[: options.samples],
        calibration=images,
        scale=1 / 16,
        quantize={"activation_width": options.bits},
        place={"moves": 20_000, "certificate": False} if options.quick else None,
        out=options.out,
    )
    print(build.report)


if __name__ == "__main__":
    main()
