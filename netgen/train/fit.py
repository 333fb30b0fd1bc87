"""Gradient descent for any module that maps features to scores: step by step, or for a number of epochs."""

import copy
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from netgen.data import Dataset, Split
from netgen.errors import TrainError
from netgen.nn.defaults import torch_defaults
from netgen.nn.trainable import TrainableNetwork
from netgen.progress import Progress, silent
from netgen.train.gates import gate_pull, hold_share, ranking_pull
from netgen.train.samples import Batch, Samples, undistorted_at_the_end


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of training: Adam; cross entropy with label smoothing, mixed with distillation.

    Attributes:
        distill: share of the distillation loss, 0 to 1, where the samples have a teacher's soft labels.
        temperature: divides the scores of teacher and student before the softmax.
        gate_strength: what computing all wires for every sample adds to the loss, where gates decide about it.
        gate_exploration: share of the samples for which a gate decides the other way than its sum says, 0 to 1.
        gate_share: share of the samples for which a gate shall be on, 0 to 1, in place of `gate_strength`.
    """

    batch_size: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    distill: float = 0.0
    temperature: float = 2.0
    gate_strength: float = 0.0
    gate_exploration: float = 0.0
    gate_share: float | None = None

    def loss(self, scores: Tensor, batch: Batch) -> Tensor:
        """The mean loss of a batch, a scalar."""
        return self._loss(scores, batch, "mean")

    def losses(self, scores: Tensor, batch: Batch) -> Tensor:
        """The loss of each sample of a batch, (n,)."""
        return self._loss(scores, batch, "none")

    def _loss(self, scores: Tensor, batch: Batch, reduction: str) -> Tensor:
        loss = nn.functional.cross_entropy(
            scores, batch.labels, label_smoothing=self.label_smoothing, reduction=reduction
        )
        if batch.soft_labels is None or not self.distill:
            return loss
        student, teacher = torch.log_softmax(scores / self.temperature, dim=1), batch.soft_labels.to(scores.dtype)
        if reduction == "mean":
            divergence = nn.functional.kl_div(student, teacher, reduction="batchmean")
        else:
            divergence = nn.functional.kl_div(student, teacher, reduction="none").sum(dim=1)
        return (1 - self.distill) * loss + self.distill * self.temperature**2 * divergence

    def loss_of(
        self, module: nn.Module, x: Tensor, batch: Batch, random: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """The mean loss of a module for a batch with features x; with gates, also what these gain and cost.

        Args:
            random: draws the samples for which a gate decides the other way.
        Returns: the loss, and the sums of the gates, (gates, samples), where there are any.
        """
        if not isinstance(module, TrainableNetwork) or not len(module.gates):
            return self.loss(module(x), batch), None
        signs = None
        if self.gate_exploration:
            drawn = torch.rand(len(module.gates), len(x), generator=random).to(x)
            signs = torch.where(drawn < self.gate_exploration, -1.0, 1.0).to(x)
        scores, sums = module.gated(x, signs)
        with torch.no_grad():
            own = self.losses(scores, batch)
            others = torch.stack([self.losses(module.flipped(x, k, signs), batch) for k in range(len(sums))])
            taken = sums if signs is None else sums * signs
            gains = torch.where(taken > 0, own - others, others - own)
        if self.gate_share is None:
            return self.loss(scores, batch) + gate_pull(module, sums, gains, self.gate_strength), sums
        return self.loss(scores, batch) + ranking_pull(sums, gains), sums


def device_of(wanted: str) -> str:
    """The device that a spec's `auto`, `cpu` or `cuda` means on this machine.

    Raises: TrainError, when a GPU is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise TrainError("train.device: cuda, but PyTorch finds no GPU on this machine; set it to auto")
    return "cuda" if available and wanted != "cpu" else "cpu"


def dtype_of(module: nn.Module) -> torch.dtype:
    """The precision in which a module computes: its `dtype` where it has one, otherwise its parameters'."""
    own = getattr(module, "dtype", None)
    return own if isinstance(own, torch.dtype) else next(module.parameters()).dtype


@torch_defaults()
def accuracy_of(module: nn.Module, split: Split) -> float:
    """Share of a split's samples, 0 to 1, whose greatest score is at their label; the lowest index wins a tie."""
    module.eval()
    device = next(module.parameters()).device
    with torch.no_grad():
        features, labels = torch.tensor(split.features).to(device, dtype_of(module)), torch.tensor(split.labels)
        right = int((module(features).argmax(dim=1).cpu() == labels).sum())
    return right / len(split)


class Descent:
    """Gradient descent under way: a module, the state of its optimizer and an endless stream of batches.

    Args:
        view_order: the view of the samples that each pass shows; all in turn when None.
    Raises: TrainError, for batches of one sample where sums are normalized by the batch.
    """

    def __init__(
        self, module: nn.Module, samples: Samples, recipe: Recipe, *, seed: int, view_order: Iterable[int] | None = None
    ) -> None:
        normalizes = any(isinstance(part, nn.BatchNorm1d) for part in module.modules())
        if normalizes and min(recipe.batch_size, len(samples)) == 1:
            raise TrainError(
                f"train.batch_size: {recipe.batch_size} with {len(samples):,} samples, but batch normalization needs "
                "batches of at least 2; raise it"
            )
        self.module, self.recipe = module, recipe
        self.optimizer = torch.optim.Adam(
            module.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        self.per_epoch = max(len(samples) // recipe.batch_size, 1)
        columns = (lambda: module.columns) if isinstance(module, TrainableNetwork) else None
        self._random = torch.Generator().manual_seed(seed)
        self._stream = samples.stream(recipe.batch_size, seed, columns, view_order)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    @rate.setter
    def rate(self, value: float) -> None:
        self.optimizer.param_groups[0]["lr"] = value

    @torch_defaults()
    def run(self, steps: int, after: Callable[[], None] | None = None) -> None:
        """Take a number of steps, one batch each; `after` is called after each step.

        Raises: TrainError, when weights are no longer finite.
        """
        self.module.train()
        dtype = dtype_of(self.module)
        for _ in range(steps):
            batch = next(self._stream)
            loss, sums = self.recipe.loss_of(self.module, batch.features.to(dtype), batch, self._random)
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            if sums is not None and self.recipe.gate_share is not None:
                hold_share(self.module, sums, self.recipe.gate_share)
            if after is not None:
                after()
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.module.parameters()):
            raise TrainError(
                f"train: diverged at learning rate {self.rate:g}: weights are no longer finite; lower "
                "train.learning_rate, weight_decay or strength, or raise prune.temperature"
            )


@torch_defaults()
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
    """Train a module in place and keep its state after the epoch with the best validation accuracy, the last if equal.

    Args:
        samples: training samples; the training split when None.
        decay: whether the rate falls linearly to a thousandth and the last epochs show the samples undistorted;
            otherwise the rate is constant and the views alternate, so that training can continue.
    Returns: validation accuracy, 0 to 1, of the restored state; with 0 epochs, of the module unchanged.
    """
    quality = Quality(lambda: accuracy_of(module, data.validation), lambda value: f"validation accuracy {value:.2%}")
    if epochs == 0:
        return quality.measure()
    samples = samples or Samples.of(data.train)
    return fit_by(module, samples, recipe, quality, epochs=epochs, seed=seed, decay=decay, progress=progress, what=what)


@torch_defaults()
def seconds_of(module: nn.Module, samples: Samples, recipe: Recipe, *, epochs: int) -> float:
    """Estimate how long training will take, by the forward and backward pass of one batch, which change nothing."""
    batch, seconds = next(samples.stream(recipe.batch_size, 0)), 0.0
    for _ in range(2):  # the first pass compiles
        start = time.perf_counter()
        recipe.loss(module(batch.features.to(dtype_of(module))), batch).backward()  # type: ignore[no-untyped-call]
        seconds = time.perf_counter() - start
    module.zero_grad()
    return epochs * max(len(samples) // recipe.batch_size, 1) * seconds


@dataclass(frozen=True)
class Quality:
    """How good the current weights of a module are.

    Attributes:
        measure: computes it, as one number; more is better.
        text: says it.
    """

    measure: Callable[[], float]
    text: Callable[[float], str]


@torch_defaults()
def fit_by(
    module: nn.Module,
    samples: Samples,
    recipe: Recipe,
    quality: Quality,
    *,
    epochs: int,
    seed: int,
    decay: bool = True,
    progress: Progress = silent,
    what: str = "train",
) -> float:
    """Train a module in place and keep its state after the epoch with the best quality, the last if equal.

    Args:
        epochs: at least 1.
        decay: as for `fit`.
    Returns: the quality of the restored state.
    """
    view_order = undistorted_at_the_end(epochs, len(samples.views)) if decay else None
    descent = Descent(module, samples, recipe, seed=seed, view_order=view_order)
    best, best_state, steps = -math.inf, module.state_dict(), 0
    most = epochs * descent.per_epoch

    def slow_down() -> None:
        nonlocal steps
        steps += 1
        descent.rate = recipe.learning_rate * (1 - (1 - 1e-3) * steps / most)

    for epoch in range(epochs):
        descent.run(descent.per_epoch, slow_down if decay else None)
        found = quality.measure()
        if found >= best:
            best, best_state = found, copy.deepcopy(module.state_dict())
        progress(f"{what}: epoch {epoch + 1} of {epochs}, {quality.text(found)}", (epoch + 1) / epochs)
    module.load_state_dict(best_state)
    return best
