"""One epoch side by side: netgen, and PyTorch's usual loop over a DataLoader, as a Markdown table.

Usage: python benchmarks/training.py [--data FOLDER] [--batch N] [--network perceptron|lenet]
           [--activation relu|piecewise]
Both train the same network on the same 54,000 MNIST images by Adam on one thread; processor seconds of this process,
the least of three epochs. Then netgen alone, at several numbers of wires left. `lenet` is LeNet-5 with ReLU and maxima:
its shared weights are trained as convolutions by both before pruning, and wire by wire by netgen afterwards, shared and
then untied. `piecewise` trains the shape of the functions too, in netgen's networks of untied wires.
"""

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import netgen
from netgen.data import DATA_VARIABLE, Dataset, load_dataset
from netgen.nn.trainable import TrainableNetwork
from netgen.spec.sections import DataSpec, PruneSpec
from netgen.train import Descent, Pruning, Recipe, Samples, Shaped, perceptron_of
from netgen.train.schedule import PruningTarget

SIZES = (784, 300, 100, 10)
WIRES = (20_000, 5_000, 1_500)
EPOCHS = 3


def seconds(run: Callable[[], None]) -> float:
    """Processor seconds of one run."""
    began = time.process_time()
    run()
    return time.process_time() - began


def perceptron() -> nn.Sequential:
    """784-300-100-10 with batch normalization."""
    torch.manual_seed(1)
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(SIZES):
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-2])


def lenet() -> nn.Sequential:
    """LeNet-5 with ReLU and maxima, 412,960 wires unrolled."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def usual(model: nn.Module, data: Dataset, batch: int) -> float:
    """The loop of every tutorial: shuffled DataLoader, zero_grad, backward, step."""
    loader = DataLoader(
        TensorDataset(torch.tensor(data.train.features), torch.tensor(data.train.labels)), batch, shuffle=True
    )
    optimizer = torch.optim.Adam(model.parameters(), 0.001)

    def epoch() -> None:
        for features, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(features), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return min(seconds(epoch) for _ in range(EPOCHS))


def ours_before_pruning(model: nn.Module, data: Dataset, batch: int) -> float:
    """Processor seconds of an epoch before pruning, when PyTorch computes layers by its own kernels."""
    descent = Descent(model, Samples.of(data.train), Recipe(batch, 0.001, 0.0, 0.0), seed=1)
    return min(seconds(partial(descent.run, descent.per_epoch)) for _ in range(EPOCHS))


def ours_of_wires(model: nn.Module, data: Dataset, batch: int, *, functions: bool) -> list[tuple[int, float]]:
    """Wires left and processor seconds of an epoch of a network of wires: with shared weights, then untied."""
    if isinstance(model, Shaped):
        network = perceptron_of(model)
    else:
        network = TrainableNetwork(netgen.read(model.eval(), example=torch.rand(2, 784)))
    spec = PruneSpec(untie_at=WIRES[0], scope="layer")
    pruning = Pruning(
        network, Samples.of(data.train), Recipe(batch, 0.001, 0.0, 0.0), spec, seed=1, functions=functions
    )
    found = []
    for wires in (None, *WIRES):
        if wires is not None:
            pruning.keep(PruningTarget(count=wires))
        pruning.descent.run(1)  # compiles
        epoch = partial(pruning.descent.run, pruning.descent.per_epoch)
        found.append((pruning.module.wires, min(seconds(epoch) for _ in range(EPOCHS))))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help=f"folder of data sets, instead of {DATA_VARIABLE}")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--network", choices=["perceptron", "lenet"], default="perceptron")
    parser.add_argument("--activation", choices=["relu", "piecewise"], default="relu")
    options = parser.parse_args()
    folder = options.data or Path(os.environ.get(DATA_VARIABLE, "."))
    if not (folder / "mnist").is_dir():
        sys.exit(f"no folder mnist in {folder}; name the folder of data sets with --data or {DATA_VARIABLE}")
    torch.set_num_threads(1)  # for the loop of PyTorch too
    data = load_dataset(DataSpec(source="idx", path="mnist"), seed=1, base=folder)
    model, wires = lenet(), 412_960
    ours: nn.Module = lenet()
    if options.network == "perceptron":
        model, wires, ours = perceptron(), 266_200, Shaped.perceptron(SIZES, batch_norm=True, seed=1)
    found = ours_of_wires(ours, data, options.batch, functions=options.activation == "piecewise")
    found.insert(0, (wires, ours_before_pruning(ours.train(), data, options.batch)))
    reference = usual(model.train(), data, options.batch)
    print("| loop | wires | processor s an epoch | times faster |\n| --- | --- | --- | --- |")
    print(f"| PyTorch, DataLoader | {wires:,} | {reference:.2f} | 1.0 |")
    for wires, cost in found:
        print(f"| netgen | {wires:,} | {cost:.2f} | {reference / cost:.1f} |")


if __name__ == "__main__":
    main()
