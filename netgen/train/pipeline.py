"""The training pipeline: train a dense network, prune it in rounds, and retrain it."""

import copy

from torch import nn

from netgen.data import Dataset
from netgen.errors import TrainError
from netgen.nn.defaults import torch_defaults
from netgen.nn.trainable import TrainableNetwork
from netgen.progress import Progress, silent
from netgen.train.fit import Recipe, accuracy_of, fit
from netgen.train.pruning import Pruning
from netgen.train.removal import remove_zeros
from netgen.train.samples import Samples

__all__ = ["prune_and_retrain", "retrain", "train_dense"]


def train_dense(
    module: nn.Module,
    data: Dataset,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    samples: Samples | None = None,
    progress: Progress = silent,
) -> float:
    """Train a network in place; returns its validation accuracy, 0 to 1."""
    return fit(module, data, recipe, epochs=epochs, seed=seed, samples=samples, decay=False, progress=progress)


def prune_and_retrain(
    pruning: Pruning, data: Dataset, *, epochs: int, progress: Progress = silent
) -> tuple[TrainableNetwork, float]:
    """Prune a trained network round by round, with training in between, and retrain it for `epochs`.

    With a target accuracy each round removes a quarter of the remaining weights until validation accuracy falls below
    the target; the last network that held it is retrained. Any other target is reached in the last round.

    Returns: the network, without wires of weight 0 and dead neurons, and its validation accuracy.
    Raises: TrainError, when the dense network is already below the target accuracy, or no path from an input to an
        output is left.
    """
    module = pruning.module if pruning.spec.rule == "none" else _rounds(pruning, data, progress)
    samples, recipe, seed = pruning.samples, pruning.recipe, pruning.seed + 1
    return module, retrain(module, data, samples, recipe, epochs=epochs, seed=seed, progress=progress)


@torch_defaults()
def retrain(
    module: TrainableNetwork,
    data: Dataset,
    samples: Samples,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    progress: Progress = silent,
) -> float:
    """Train a pruned network in place for the last time, with a learning rate that falls to a thousandth.

    When no epoch reaches the validation accuracy from before, the weights from before are restored. Wires of weight 0
    and dead neurons are removed in the end.

    Returns: validation accuracy, 0 to 1.
    Raises: TrainError, when no path from an input to an output is left.
    """
    held, accuracy = copy.deepcopy(module.state_dict()), accuracy_of(module, data.validation)
    retrained = fit(module, data, recipe, epochs=epochs, seed=seed, samples=samples, progress=progress, what="retrain")
    if retrained < accuracy:
        module.load_state_dict(held)
    remove_zeros(module)
    return max(retrained, accuracy)


@torch_defaults()
def _rounds(pruning: Pruning, data: Dataset, progress: Progress) -> TrainableNetwork:
    """Run all rounds; returns the network that they end with."""
    spec, module = pruning.spec, pruning.module
    held, accuracy = copy.deepcopy(module), accuracy_of(module, data.validation)
    if spec.accuracy is not None and accuracy < spec.accuracy:
        raise TrainError(
            f"prune.accuracy: {spec.accuracy} is above the dense network's validation accuracy {accuracy:.4f}; "
            "lower it or train longer"
        )
    for number in range(1, spec.rounds + 1):
        pruning.round(number)
        accuracy = accuracy_of(module, data.validation)
        length = f", wire length {pruning.length:,.0f}" if pruning.placed else ""
        what = f"prune round {number} of {spec.rounds}: {pruning.wires:,} wires{length}"
        progress(f"{what}, validation accuracy {accuracy:.2%}", number / spec.rounds)
        if spec.accuracy is not None:
            if accuracy < spec.accuracy:
                return held
            held = copy.deepcopy(module)
    return module
