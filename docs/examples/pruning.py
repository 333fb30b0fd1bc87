"""Training and gradual pruning in plain PyTorch, shared by the examples; nothing here knows of netgen."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

Augment = Callable[[Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]

BATCH = 100
START, END = 1 / 6, 2 / 3
"""Shares of the steps between which weights are pruned; the rest fine-tunes."""
EVERY = 25
"""Steps from one pruning to the next."""


def train(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    keep: Mapping[str, float],
    epochs: int,
    loss: Loss,
    rate: float = 3e-3,
    augment: Augment = lambda x: x,
) -> None:
    """Train a model, prune the smallest weights of its layers step by step, and fine-tune what is left.

    Args:
        keep: by the name of a layer, the share of weights that it keeps.
        rate: highest learning rate, of Adam.
    Source: the cubic pruning schedule of Zhu and Gupta 2017; one cycle of learning rates after Smith 2018.
    """
    batches = len(x) // BATCH
    steps = epochs * batches
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=1e-2)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.15)
    model.train()
    for step in range(steps):
        if step % batches == 0:
            order = torch.randperm(len(x))
            print(f"epoch {step // batches + 1} of {epochs}: {share_kept(model, keep):.1%} of the weights", flush=True)
        if step % EVERY == 0 or step == steps - 1:
            done = min(max((step / steps - START) / (END - START), 0), 1)
            prune_to(model, keep, 1 - (1 - done) ** 3)
        batch = order[step % batches * BATCH :][:BATCH]
        optimizer.zero_grad()
        loss(model(augment(x[batch])), y[batch]).backward()  # type: ignore[no-untyped-call]  # so is PyTorch's
        optimizer.step()
        rates.step()
    model.eval()


def prune_to(model: nn.Module, keep: Mapping[str, float], done: float = 1.0) -> None:
    """Prune the smallest weights of each layer; `done` is 0 for none, 1 for all that are not kept at the end."""
    for name, share in keep.items():
        layer = model.get_submodule(name)
        masked = isinstance(getattr(layer, "weight_mask", None), Tensor)
        size = layer.get_parameter("weight_orig" if masked else "weight").numel()
        now = int(layer.get_buffer("weight_mask").sum()) if masked else size
        left = round(size * (1 - done * (1 - share)))
        if now > left or not masked:
            prune.l1_unstructured(layer, "weight", amount=now - left)  # type: ignore[no-untyped-call]  # so is PyTorch's


def share_kept(model: nn.Module, keep: Mapping[str, float]) -> float:
    """Share of the layers' weights that are not zero, 0 to 1."""
    weights = [getattr(model.get_submodule(name), "weight") for name in keep]  # noqa: B009 - pruned weights: attributes
    return float(sum((w != 0).sum() for w in weights) / sum(w.numel() for w in weights))


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of samples of which the greatest score is the label's, 0 to 1."""
    with torch.no_grad():
        classes = torch.cat([model(part).argmax(1) for part in torch.split(x, 1000)])
    return float((classes == y).double().mean())


def trained(model: nn.Module, keep: Mapping[str, float], file: Path, train: Callable[[], None]) -> None:
    """Load the weights of an earlier run, or train, and keep the weights in a file."""
    if file.is_file():
        prune_to(model, keep)
        model.load_state_dict(torch.load(file, weights_only=True))
        model.eval()
        return
    train()
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), file)
