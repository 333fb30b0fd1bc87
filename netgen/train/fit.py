"""Gradient descent, for any module that maps features to scores: step by step, or a whole phase at once."""

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from netgen.data import Dataset, Split
from netgen.errors import TrainError
from netgen.progress import Progress, silent
from netgen.train.mlp import Mlp
from netgen.train.samples import Batch, Samples

SETTLED = 0.2
"""Share of the epochs, of a rate that falls to nothing, that show the samples as they are: batch normalization and
biases then settle on what is to be classified, not on distortions of it."""


@dataclass(frozen=True)
class Recipe:
    """How to descend: Adam; cross entropy with label smoothing, mixed with what a teacher answers.

    Attributes:
        distill: share of the loss that compares with the teacher, where the samples have one.
        temperature: by which the teacher's answers were softened, and ours are to compare them.
    """

    batch_size: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    distill: float = 0.0
    temperature: float = 2.0

    def loss(self, scores: Tensor, batch: Batch) -> Tensor:
        """The mean loss of a batch, a scalar."""
        loss = nn.functional.cross_entropy(scores, batch.labels, label_smoothing=self.label_smoothing)
        if batch.taught is None or not self.distill:
            return loss
        ours = torch.log_softmax(scores / self.temperature, dim=1)
        apart = nn.functional.kl_div(ours, batch.taught.to(ours.dtype), reduction="batchmean")
        return (1 - self.distill) * loss + self.distill * self.temperature**2 * apart


def device_of(wanted: str) -> str:
    """The device that a spec's `auto`, `cpu` or `cuda` means on this machine.

    Raises: TrainError, when a GPU is asked for and there is none.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise TrainError("train.device: cuda, but PyTorch finds no GPU on this machine; set it to auto")
    return "cuda" if there and wanted != "cpu" else "cpu"


def _dtype_of(module: nn.Module) -> torch.dtype:
    """The precision in which a module computes: its `dtype` where it has one, otherwise its parameters'."""
    own = getattr(module, "dtype", None)
    return own if isinstance(own, torch.dtype) else next(module.parameters()).dtype


def accuracy_of(module: nn.Module, split: Split) -> float:
    """Share of a split's samples whose greatest score is at their label; the lowest index wins a tie."""
    module.eval()
    device = next(module.parameters()).device
    with torch.no_grad():
        features, labels = torch.tensor(split.features).to(device, _dtype_of(module)), torch.tensor(split.labels)
        right = int((module(features).argmax(dim=1).cpu() == labels).sum())
    return right / len(split)


class Descent:
    """A module on its way down: Adam, which remembers, and batches without end.

    Runs on one torch thread, the fastest for networks this small, and repeatable.

    Args:
        turns: the view of the samples that each pass shows; one after the other when None.
    """

    def __init__(
        self, module: nn.Module, samples: Samples, recipe: Recipe, *, seed: int, turns: Iterable[int] | None = None
    ) -> None:
        torch.set_num_threads(1)
        self.module, self.recipe = module, recipe
        self.optimizer = torch.optim.Adam(
            module.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        self.per_epoch = max(len(samples) // recipe.batch_size, 1)
        columns = (lambda: module.kept[0]) if isinstance(module, Mlp) else None
        self._stream = samples.stream(recipe.batch_size, seed, columns, turns)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    @rate.setter
    def rate(self, value: float) -> None:
        self.optimizer.param_groups[0]["lr"] = value

    def run(self, steps: int, after: Callable[[], None] | None = None) -> None:
        """Take so many steps, one batch each; `after` is called behind each."""
        self.module.train()
        dtype = _dtype_of(self.module)
        for _ in range(steps):
            batch = next(self._stream)
            loss = self.recipe.loss(self.module(batch.features.to(dtype)), batch)
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            if after is not None:
                after()


def _settling(epochs: int, views: int) -> Iterator[int]:
    """The view for each epoch: all in turn, then only the first, the samples as they are."""
    plain = math.ceil(SETTLED * epochs)
    yield from (epoch % views for epoch in range(epochs - plain))
    yield from itertools.repeat(0)


def fit(
    module: nn.Module,
    data: Dataset,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    samples: Samples | None = None,
    decay: bool = True,
    progress: Progress = silent,
    what: str = "train",
) -> float:
    """Train a module in place and leave it at the epoch that is best on validation data, the latest on a tie.

    With `decay` the rate falls linearly to a thousandth, and the last epochs show the samples undistorted; otherwise
    the rate stays, and the views take turns, so that training can go on.

    Args:
        samples: what to learn from; the training split as it is when None.
    Returns: validation accuracy; with no epochs, of the module as it is.
    """
    if epochs == 0:
        return accuracy_of(module, data.validation)
    samples = samples or Samples.of(data.train)
    turns = _settling(epochs, len(samples.views)) if decay else None
    descent = Descent(module, samples, recipe, seed=seed, turns=turns)
    best, best_state, taken = -1.0, module.state_dict(), 0
    most = epochs * descent.per_epoch

    def slow_down() -> None:
        nonlocal taken
        taken += 1
        descent.rate = recipe.learning_rate * (1 - (1 - 1e-3) * taken / most)

    for epoch in range(epochs):
        descent.run(descent.per_epoch, slow_down if decay else None)
        accuracy = accuracy_of(module, data.validation)
        if accuracy >= best:
            best, best_state = accuracy, copy.deepcopy(module.state_dict())
        progress(f"{what}: epoch {epoch + 1} of {epochs}, validation accuracy {accuracy:.2%}", (epoch + 1) / epochs)
    module.load_state_dict(best_state)
    return best
