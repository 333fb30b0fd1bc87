"""One phase of gradient descent, for any module that maps features to scores."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from netgen.data import Dataset, Split
from netgen.progress import Progress, silent


@dataclass(frozen=True)
class Recipe:
    """How to descend: Adam; cross entropy with label smoothing."""

    batch_size: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float


def _tensors(split: Split, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """A split as tensors that share memory with it where the types allow."""
    features, labels = torch.tensor(split.features), torch.tensor(split.labels)
    return features.to(dtype), labels


def _dtype_of(module: nn.Module) -> torch.dtype:
    """The precision in which a module computes: its `dtype` where it has one, otherwise its parameters'."""
    own = getattr(module, "dtype", None)
    return own if isinstance(own, torch.dtype) else next(module.parameters()).dtype


def accuracy_of(module: nn.Module, split: Split) -> float:
    """Share of a split's samples whose greatest score is at their label; the lowest index wins a tie."""
    dtype = _dtype_of(module)
    module.eval()
    with torch.no_grad():
        features, labels = _tensors(split, dtype)
        right = int((module(features).argmax(dim=1) == labels).sum())
    return right / len(split)


def fit(
    module: nn.Module,
    data: Dataset,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    decay: bool = True,
    progress: Progress = silent,
    what: str = "train",
) -> float:
    """Train a module in place and leave it at the epoch that is best on validation data, the latest on a tie.

    With `decay` the rate falls linearly to a thousandth; otherwise it stays, so that training can go on.
    Runs on one torch thread, the fastest for networks this small, and repeatable.

    Returns: validation accuracy; with no epochs, of the module as it is.
    """
    torch.set_num_threads(1)
    if epochs == 0:
        return accuracy_of(module, data.validation)
    generator = torch.Generator().manual_seed(seed)
    features, labels = _tensors(data.train, _dtype_of(module))
    optimizer = torch.optim.Adam(
        module.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    batches = max(len(labels) // recipe.batch_size, 1)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-3 if decay else 1.0, total_iters=epochs * batches)
    best, best_state = -1.0, module.state_dict()
    for epoch in range(epochs):
        module.train()
        order = torch.randperm(len(labels), generator=generator)
        for batch in torch.split(order[: batches * recipe.batch_size], recipe.batch_size):
            loss = nn.functional.cross_entropy(
                module(features[batch]), labels[batch], label_smoothing=recipe.label_smoothing
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        accuracy = accuracy_of(module, data.validation)
        if accuracy >= best:
            best, best_state = accuracy, copy.deepcopy(module.state_dict())
        progress(f"{what}: epoch {epoch + 1} of {epochs}, validation accuracy {accuracy:.2%}", (epoch + 1) / epochs)
    module.load_state_dict(best_state)
    return best
