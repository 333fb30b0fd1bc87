"""The training pipeline: train a dense network, prune it in rounds, and retrain it."""

import copy

from netgen.data import Dataset
from netgen.errors import TrainError
from netgen.ir.dense import DenseNetwork, remove_dead
from netgen.nn.defaults import torch_defaults
from netgen.progress import Progress, silent
from netgen.train.fit import Recipe, accuracy_of, fit
from netgen.train.joint import Pruning
from netgen.train.mlp import Mlp
from netgen.train.samples import Samples


def train_dense(
    mlp: Mlp,
    data: Dataset,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    samples: Samples | None = None,
    progress: Progress = silent,
) -> float:
    """Train a dense network in place; returns its validation accuracy, 0 to 1."""
    return fit(mlp, data, recipe, epochs=epochs, seed=seed, samples=samples, decay=False, progress=progress)


def prune_and_retrain(
    pruning: Pruning, data: Dataset, *, epochs: int, progress: Progress = silent
) -> tuple[DenseNetwork, float]:
    """Prune a trained network round by round, with training in between, and retrain it for `epochs`.

    With a target accuracy each round removes a quarter of the remaining weights until validation accuracy falls below
    the target; the last network that held it is retrained. Any other target is reached in the last round.

    Returns: the network, batch normalization folded and dead neurons removed, and its validation accuracy.
    Raises: TrainError, when the dense network is already below the target accuracy, or no wire is left.
    """
    mlp = pruning.mlp if pruning.spec.rule == "none" else _rounds(pruning, data, progress)
    return retrain(mlp, data, pruning.samples, pruning.recipe, epochs=epochs, seed=pruning.seed + 1, progress=progress)


def retrain(
    mlp: Mlp,
    data: Dataset,
    samples: Samples,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    progress: Progress = silent,
) -> tuple[DenseNetwork, float]:
    """Train a pruned network in place for the last time, with a learning rate that falls to a thousandth.

    When no epoch reaches the validation accuracy from before, the weights from before are restored.

    Returns: as `prune_and_retrain`.
    Raises: TrainError, when no wire is left.
    """
    held, accuracy = copy.deepcopy(mlp.state_dict()), accuracy_of(mlp, data.validation)
    retrained = fit(mlp, data, recipe, epochs=epochs, seed=seed, samples=samples, progress=progress, what="retrain")
    if retrained < accuracy:
        mlp.load_state_dict(held)
    network = remove_dead(mlp.network())
    if network.weights_left == 0:
        raise TrainError("prune: no path from an input to an output is left; prune less or set scope: layer")
    return network, max(retrained, accuracy)


@torch_defaults()
def _rounds(pruning: Pruning, data: Dataset, progress: Progress) -> Mlp:
    """Run all rounds; returns the network that they end with."""
    spec, mlp = pruning.spec, pruning.mlp
    held, accuracy = copy.deepcopy(mlp), accuracy_of(mlp, data.validation)
    if spec.accuracy is not None and accuracy < spec.accuracy:
        raise TrainError(
            f"prune.accuracy: {spec.accuracy} is above the dense network's validation accuracy {accuracy:.4f}; "
            "lower it or train longer"
        )
    for number in range(1, spec.rounds + 1):
        pruning.round(number)
        accuracy = accuracy_of(mlp, data.validation)
        length = f", wire length {pruning.length:,.0f}" if pruning.distances is not None else ""
        what = f"prune round {number} of {spec.rounds}: {pruning.wires:,} wires{length}"
        progress(f"{what}, validation accuracy {accuracy:.2%}", number / spec.rounds)
        if spec.accuracy is not None:
            if accuracy < spec.accuracy:
                return held
            held = copy.deepcopy(mlp)
    return mlp
