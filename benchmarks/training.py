"""One epoch of 784-300-100-10 side by side: netgen, and PyTorch's usual loop over a DataLoader, as a Markdown table.

Usage: python benchmarks/training.py [--data FOLDER] [--batch N]
Both train the same network on the same 54,000 MNIST images by Adam on one thread; processor seconds of this process,
the least of three epochs. Then netgen alone, at several numbers of wires left.
"""

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from netgen.data import DATA_VARIABLE, Dataset, load_dataset
from netgen.spec.sections import DataSpec, PruneSpec
from netgen.train import Mlp, Pruning, Recipe, Samples
from netgen.train.schedule import PruningTarget

SIZES = (784, 300, 100, 10)
WIRES = (20_000, 5_000, 1_500)
EPOCHS = 3


def seconds(run: Callable[[], None]) -> float:
    """Processor seconds of one run."""
    began = time.process_time()
    run()
    return time.process_time() - began


def usual(data: Dataset, batch: int) -> float:
    """The loop of every tutorial: shuffled DataLoader, zero_grad, backward, step."""
    torch.manual_seed(1)
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(SIZES):
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU()]
    model = nn.Sequential(*layers[:-2])
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


def ours(data: Dataset, batch: int) -> list[tuple[int, float]]:
    """Wires left and processor seconds of an epoch."""
    mlp = Mlp.seeded(SIZES, batch_norm=True, seed=1)
    pruning = Pruning(mlp, Samples.of(data.train), Recipe(batch, 0.001, 0.0, 0.0), PruneSpec(), seed=1)

    def epoch() -> None:
        pruning.descent.run(pruning.descent.per_epoch)

    found = [(pruning.wires, min(seconds(epoch) for _ in range(EPOCHS)))]
    for wires in WIRES:
        pruning.keep(PruningTarget(count=wires))
        pruning.descent.run(1)  # compiles
        found.append((pruning.wires, min(seconds(epoch) for _ in range(EPOCHS))))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help=f"folder of data sets, instead of {DATA_VARIABLE}")
    parser.add_argument("--batch", type=int, default=128)
    options = parser.parse_args()
    folder = options.data or Path(os.environ.get(DATA_VARIABLE, "."))
    if not (folder / "mnist").is_dir():
        sys.exit(f"no folder mnist in {folder}; name the folder of data sets with --data or {DATA_VARIABLE}")
    torch.set_num_threads(1)  # for the loop of PyTorch too
    data = load_dataset(DataSpec(source="idx", path="mnist"), seed=1, base=folder)
    reference = usual(data, options.batch)
    print("| loop | wires | processor s an epoch | times faster |\n| --- | --- | --- | --- |")
    print(f"| PyTorch, DataLoader | 266,200 | {reference:.2f} | 1.0 |")
    for wires, cost in ours(data, options.batch):
        print(f"| netgen | {wires:,} | {cost:.2f} | {reference / cost:.1f} |")


if __name__ == "__main__":
    main()
