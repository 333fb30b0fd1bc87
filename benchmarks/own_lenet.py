"""A user's trained LeNet-5, pruned by netgen and by `torch.nn.utils.prune`, as a Markdown table of wire lengths.

Usage: python benchmarks/own_lenet.py [--data FOLDER] [--out OUT] [--only WAY ...] [--images N] [--seed N]
The user's network is the LeNet-5 of docs/examples, trained there by plain PyTorch on 54,000 images of MNIST. Both sides
begin with its weights, see the same distorted copies, and end with words of 8 bits, placed by the same placer.

- netgen: `netgen.compile(…, prune=…)` to several wire lengths, one run each.
- the others: plain PyTorch, pruned further and further. At each number of wires a copy is fine-tuned with a falling
  rate, and read, quantized and placed as it is, until accuracy is below what is asked for. `magnitude` is global;
  `by layer` keeps the relative shares of docs/examples; `channels first` removes whole channels and neurons before it.

Networks are compared at equal accuracy on 6,000 validation images that neither side trains on, in integers; test
accuracy stands beside it. Each run keeps its rows in OUT, so that a stopped benchmark continues: 5 to 8 minutes of one
core a run.
"""

import argparse
import copy
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

import netgen
from netgen.data import DATA_VARIABLE, Split
from netgen.experiment.curve import crossing, crossing_size, length_by, test_accuracy, validation_accuracy
from netgen.experiment.trial import Point, place_length
from netgen.importer.inputs import of_raw_features
from netgen.ir.circuit import Circuit, classify, evaluate
from netgen.ir.netlist import netlist_of
from netgen.quantize import quantize_read
from netgen.spec.hardware import PlaceSpec
from netgen.spec.sections import AugmentSpec, QuantizeSpec
from netgen.spec.spec import Spec
from netgen.train import distort

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
MEAN, STD = 0.1307, 0.3081
VALIDATION = 6_000
"""Images, the last of the training file, by which networks are compared."""
CALIBRATION = 1_000
"""Images by which the formats of words are chosen."""
WIDTHS = QuantizeSpec(weight_width=8, activation_width=8)
TARGETS = (0.99, 0.985)
COPIES = {"copies": 6, "shift": 0.8, "rotate": 5.0, "zoom": 0.05, "shear": 0.05, "warp": 0.4}
PLACE = {"slack": 3.0, "moves": 3_000_000, "certificate": False}
LENGTHS = {20_000: 0.01, 9_000: 0.02}
"""Strength of the distance regularizer, by the wire length that netgen prunes to."""
WIRES = (40_000, 28_000, 20_000, 14_000, 10_000)
"""Wires, without those of maxima, at which the others are measured."""
USES = {"conv1": 576, "conv2": 64, "fc1": 1, "fc2": 1, "fc3": 1}
"""Wires of one weight of each layer: the positions of its kernel."""
KEEP = {"conv1": 0.24, "conv2": 0.12, "fc1": 0.09, "fc2": 0.10, "fc3": 0.30}
"""Relative shares of its weights that each layer keeps, those of docs/examples."""
CHANNELS = {"conv1": 2, "conv2": 6, "fc1": 60, "fc2": 42}
"""Channels and neurons that `channels first` removes."""
BATCH, RATE = 256, 2e-3
PRUNING, TUNING = 2, 8
"""Epochs of pruning before each measurement, and of fine-tuning the copy that is measured."""
UNDISTORTED = 0.2
"""Share of the epochs of fine-tuning, the last ones, that see the images as they are."""
RIVALS = ("magnitude", "by layer", "channels first")

Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Images:
    """Raw images (n, 1, 28, 28) and their classes (n,): to train on, to compare by, and to test on."""

    x: Bytes
    y: Labels
    validation: tuple[Bytes, Labels]
    test: tuple[Bytes, Labels]

    def first(self, count: int) -> "Images":
        """The same with fewer images to train on."""
        return replace(self, x=self.x[:count], y=self.y[:count])

    @classmethod
    def read(cls, folder: Path) -> "Images":
        """The four files of MNIST."""
        from images import read_images

        x, y, test_x, test_y = read_images(folder)
        cut = len(x) - min(VALIDATION, len(x) // 5)
        return cls(x[:cut], y[:cut], (x[cut:], y[cut:]), (test_x, test_y))


def standardized(raw: Tensor) -> Tensor:
    """Images as the user's network reads them."""
    return (raw.float() / 255 - MEAN) / STD


def user(images: Images, out: Path, *, epochs: int) -> nn.Module:
    """The user's trained network; its weights are kept in a file."""
    from lenet import LeNet5, shifted
    from pruning import accuracy, train, trained

    torch.manual_seed(1)
    model = LeNet5()
    x, y = standardized(torch.from_numpy(images.x)), torch.from_numpy(images.y).long()
    loss = nn.functional.cross_entropy
    keep = dict.fromkeys(USES, 1.0)
    file = out / "own_lenet.pt"
    trained(model, keep, file, lambda: train(model, x, y, keep=keep, epochs=epochs, loss=loss, augment=shifted))
    for name in USES:
        prune.remove(model.get_submodule(name), "weight")  # type: ignore[no-untyped-call]  # so is PyTorch's
    tested, wanted = (torch.from_numpy(part) for part in images.test)
    print(f"the user's network: {accuracy(model, standardized(tested), wanted):.2%} on test images", file=sys.stderr)
    return model


def measured(circuit: Circuit, images: Images, seed: int) -> Point:
    """Place a circuit, and classify validation and test images in integers."""
    netlist = netlist_of(circuit)
    validation, test = (_accuracy(circuit, *part) for part in (images.validation, images.test))
    length = place_length(Spec(place=PlaceSpec.model_validate(PLACE), seed=seed), netlist, "auto")
    return Point(circuit.wires, netlist.wires, validation, test, {"auto": length})


def as_it_is(model: nn.Module, images: Images, seed: int) -> Point:
    """Read, quantize and place a trained module, as `netgen.compile` does before it writes Verilog."""
    network = netgen.read(model.eval(), example=standardized(torch.from_numpy(images.test[0][:2])))
    network = of_raw_features(network, scale=1 / 255, mean=(MEAN,), std=(STD,))
    calibration = images.x[:CALIBRATION].reshape(-1, 784).astype(np.float64)
    return measured(quantize_read(network, calibration, WIDTHS).circuit, images, seed)


def _accuracy(circuit: Circuit, x: Bytes, y: Labels) -> float:
    parts = [
        evaluate(circuit, circuit.encode(part.reshape(len(part), -1).astype(np.float64)))
        for part in np.array_split(x, 10)
    ]
    return float((classify(np.concatenate(parts)) == y).mean())


def ours(model: nn.Module, images: Images, out: Path, length: int, *, epochs: int, seed: int) -> list[Point]:
    """Prune by netgen, from the user's weights, and build the hardware."""
    build = netgen.compile(
        model.eval(),
        name=f"own_lenet_{length}",
        inputs=images.test[0],
        labels=images.test[1],
        training=(images.x, images.y),
        calibration=images.x[:CALIBRATION],
        scale=1 / 255,
        mean=[MEAN],
        std=[STD],
        augment=COPIES,
        train={
            "batch_size": BATCH,
            "learning_rate": 0.004,
            "weight_decay": 0.0,
            "label_smoothing": 0.0,
            "regularizer": "distance",
            "strength": LENGTHS[length],
            "distance_power": 0.5,
            "reweight_at": 5_000,
        },
        prune={
            "rule": "obs_distance",
            "schedule": "gradual",
            "sparsity": None,
            "wire_length": length,
            "rounds": round(1.5 * epochs),
            "retrain": 2 * epochs,
            "place_share": 0.3,
            "average_at": 5_000,
        },
        place=PLACE,
        check={"samples": 100},
        out=out,
        seed=seed,
        progress=told,
    )
    assert build.report.check.agreement == "exact"
    point = measured(build.circuit, images, seed)
    assert point.lengths["auto"] == build.report.wires.total
    return [point]


def told(text: str, share: float) -> None:
    """Print the end of each stage, of each round and of each epoch."""
    if share == 1.0 or text.startswith(("prune round", "retrain")):
        print(f"{time.process_time():.0f} s  {text}", file=sys.stderr, flush=True)


def theirs(model: nn.Module, images: Images, way: str, *, epochs: int, seed: int) -> list[Point]:
    """Prune by PyTorch to fewer and fewer wires, and place a fine-tuned copy at each."""
    torch.manual_seed(seed)
    split = Split((images.x.reshape(len(images.x), -1) / 256).astype(np.float32), images.y.astype(np.int64))
    views = [torch.tensor(images.x), *distort(split, AugmentSpec.model_validate(COPIES), seed=seed)]
    views, y = [view.reshape(-1, 1, 28, 28) for view in views], torch.tensor(split.labels)
    tested, wanted = standardized(torch.from_numpy(images.validation[0])), torch.from_numpy(images.validation[1])
    for name in USES:
        prune.identity(model.get_submodule(name), "weight")  # type: ignore[no-untyped-call]  # so is PyTorch's
    optimizer, found = torch.optim.Adam(model.parameters(), RATE), []
    for number, wires in enumerate(WIRES):
        before = unrolled(model)
        for step, share in enumerate(epochs_of(model, optimizer, views, y, PRUNING), 1):
            if step % 50 == 0 or share == 1:
                if way == "channels first" and number == 0:
                    remove_channels(model, share)
                (remove if way == "magnitude" else remove_by_layer)(model, round(before * (wires / before) ** share))
        with torch.no_grad():
            model(tested[:1])  # the product of weights and masks is then no result of a gradient, and can be copied
        tuned = copy.deepcopy(model)
        rates = torch.optim.Adam(tuned.parameters(), RATE)
        for share in epochs_of(tuned, rates, views, y, epochs, falls=True):
            rates.param_groups[0]["lr"] = RATE * (1 - 0.999 * share)
        with torch.no_grad():
            accuracy = float((tuned.eval()(tested).argmax(1) == wanted).double().mean())
        told = f"{way}: {unrolled(tuned):,} wires, {accuracy:.2%} of validation in PyTorch"
        print(f"{time.process_time():.0f} s  {told}", file=sys.stderr, flush=True)
        found.append(as_it_is(tuned, images, seed))
        if accuracy < min(TARGETS):
            break
    return found


def epochs_of(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    views: Sequence[Tensor],
    y: Tensor,
    epochs: int,
    *,
    falls: bool = False,
) -> Iterator[float]:
    """Train, one view an epoch, with undistorted images in the end if the rate falls; yields the share that is done."""
    model.train()
    batches = len(y) // BATCH
    for epoch in range(epochs):
        plain = falls and epoch >= (1 - UNDISTORTED) * epochs
        view = views[0 if plain else int(torch.randint(len(views), ()))]
        for number, rows in enumerate(torch.split(torch.randperm(len(y))[: batches * BATCH], BATCH), 1):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(standardized(view[rows])), y[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            yield (epoch + number / batches) / epochs


def unrolled(model: nn.Module) -> int:
    """Wires of the weights that are left."""
    return sum(int(mask_of(model, name).sum()) * uses for name, uses in USES.items())


def mask_of(model: nn.Module, name: str) -> Tensor:
    """What is left of the weights of a layer, 1 or 0."""
    return model.get_submodule(name).get_buffer("weight_mask")


def remove(model: nn.Module, wires: int) -> None:
    """Prune the smallest weights of all layers together, to at most `wires` wires."""
    layers = {name: model.get_submodule(name) for name in USES}
    masks = {name: mask_of(model, name).flatten() > 0 for name in USES}
    weights = [layer.get_parameter("weight_orig").detach().flatten().abs()[masks[n]] for n, layer in layers.items()]
    uses = [torch.full((int(mask.sum()),), USES[name]) for name, mask in masks.items()]
    saved = torch.cat(uses)[torch.cat(weights).argsort()].cumsum(0)
    amount = int(torch.searchsorted(saved, unrolled(model) - wires))
    chosen = [(layer, "weight") for layer in layers.values()]
    prune.global_unstructured(chosen, prune.L1Unstructured, amount=amount)


def remove_by_layer(model: nn.Module, wires: int) -> None:
    """Prune the smallest weights of each layer to `wires` wires; the shares of the layers stay those of `KEEP`."""
    most = sum(KEEP[name] * mask_of(model, name).numel() * uses for name, uses in USES.items())
    for name, share in KEEP.items():
        mask = mask_of(model, name)
        gone = int(mask.sum()) - round(min(share * wires / most, 1.0) * mask.numel())
        if gone > 0:
            prune.l1_unstructured(model.get_submodule(name), "weight", amount=gone)  # type: ignore[no-untyped-call]


def remove_channels(model: nn.Module, share: float) -> None:
    """Prune a share, 0 to 1, of the channels and neurons that go."""
    for name, count in CHANNELS.items():
        layer, mask = model.get_submodule(name), mask_of(model, name)
        gone = int((mask.flatten(1).sum(1) == 0).sum())
        if (more := round(share * count) - gone) > 0:
            prune.ln_structured(layer, "weight", amount=more, n=1, dim=0)  # type: ignore[no-untyped-call]


def table(found: dict[str, list[Point]]) -> str:
    """All networks, then the wire length of each way at each accuracy."""
    lines = ["| way | wires | wire length | validation | test |", "| --- | --- | --- | --- | --- |"]
    for way, points in found.items():
        lines += [
            f"| {way} | {p.wires:,} | {p.lengths['auto']:,} | {p.validation:.2%} | {p.test:.2%} |" for p in points
        ]
    lines += ["", "| way | wire length at 99.0 % of validation | test there | at 98.5 % | test there |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    length = length_by("auto")
    for way, points in found.items():
        cells = []
        for target in TARGETS:
            size = crossing_size(points, target, validation_accuracy, length)
            test = crossing(points, target, test_accuracy, validation_accuracy, length)
            cells += ["-" if size is None else f"{size:,.0f}", "-" if test is None else f"{test:.2%}"]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Run what has no rows yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help=f"folder of data sets, instead of {DATA_VARIABLE}")
    parser.add_argument("--out", type=Path, default=Path("hdl_out"))
    parser.add_argument("--epochs", type=int, default=12, help="epochs of the user's training; others in proportion")
    parser.add_argument("--images", type=int, default=54_000, help="training images that both sides prune on")
    parser.add_argument("--seed", type=int, default=1)
    runs = [*RIVALS, *(f"netgen {length}" for length in LENGTHS)]
    parser.add_argument("--only", nargs="+", choices=runs, default=runs)
    options = parser.parse_args()
    sys.path.insert(0, str(EXAMPLES))
    torch.set_num_threads(1)
    folder = options.data or Path(os.environ.get(DATA_VARIABLE, "."))
    images, epochs, found = Images.read(folder / "mnist"), options.epochs, dict[str, list[Point]]()
    for run in options.only:
        kept = options.out / f"own_lenet_{run.replace(' ', '_')}_{options.images}_{options.seed}.json"
        if not kept.is_file():
            model, began = user(images, options.out, epochs=epochs), time.process_time()
            seen = images.first(options.images)
            points = (
                theirs(model, seen, run, epochs=epochs * TUNING // 12, seed=options.seed)
                if run in RIVALS
                else ours(model, seen, options.out, int(run.split()[1]), epochs=epochs, seed=options.seed)
            )
            print(f"{run}: {time.process_time() - began:.0f} processor seconds", file=sys.stderr, flush=True)
            kept.write_text(json.dumps([asdict(point) for point in points]) + "\n")
        points = [Point(**row) for row in json.loads(kept.read_text())]
        found.setdefault(run.split()[0] if run not in RIVALS else run, []).extend(points)
    print(table(found))


if __name__ == "__main__":
    main()
