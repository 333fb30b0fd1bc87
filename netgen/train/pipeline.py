"""The training pipeline: train a dense network, prune it in rounds, and retrain it."""

import copy
from typing import Protocol, TypeVar

from torch import nn

from netgen.data import Dataset
from netgen.errors import TrainError
from netgen.ir.dense import DenseNetwork, remove_dead
from netgen.ir.network import Network
from netgen.nn.defaults import torch_defaults
from netgen.nn.trainable import TrainableNetwork
from netgen.progress import Progress, silent
from netgen.spec.sections import PruneSpec
from netgen.train.fit import Recipe, accuracy_of, fit
from netgen.train.joint import Pruning
from netgen.train.mlp import Mlp
from netgen.train.network_pruning import NetworkPruning
from netgen.train.removal import remove_zeros
from netgen.train.samples import Samples

Module_co = TypeVar("Module_co", Mlp, TrainableNetwork, covariant=True)


class Rounds(Protocol[Module_co]):
    """Rounds of pruning, of a multilayer perceptron or of any network."""

    spec: PruneSpec

    @property
    def module(self) -> Module_co:
        """The network."""
        ...

    @property
    def wires(self) -> int:
        """Wires that are left."""
        ...

    @property
    def length(self) -> float:
        """Their length under the current placement."""
        ...

    @property
    def placed(self) -> bool:
        """Whether there is a placement."""
        ...

    def round(self, number: int) -> None:
        """Run one round, from 1."""
        ...


def train_dense(
    mlp: nn.Module,
    data: Dataset,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    samples: Samples | None = None,
    progress: Progress = silent,
) -> float:
    """Train a network in place; returns its validation accuracy, 0 to 1."""
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
    mlp = pruning.module if pruning.spec.rule == "none" else _rounds(pruning, data, progress)
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


def prune_and_retrain_network(
    pruning: NetworkPruning, data: Dataset, *, epochs: int, progress: Progress = silent
) -> tuple[Network, float]:
    """Do with any network what `prune_and_retrain` does with a multilayer perceptron.

    Returns: the network of the neurons that are left, and its validation accuracy.
    Raises: TrainError, as `prune_and_retrain`.
    """
    module = pruning.module if pruning.spec.rule == "none" else _rounds(pruning, data, progress)
    held, accuracy = copy.deepcopy(module.state_dict()), accuracy_of(module, data.validation)
    retrained = fit(
        module,
        data,
        pruning.recipe,
        epochs=epochs,
        seed=pruning.seed + 1,
        samples=pruning.samples,
        progress=progress,
        what="retrain",
    )
    if retrained < accuracy:
        module.load_state_dict(held)
    with torch_defaults():
        remove_zeros(module)
    return module.network(), max(retrained, accuracy)


@torch_defaults()
def _rounds(pruning: Rounds[Module_co], data: Dataset, progress: Progress) -> Module_co:
    """Run all rounds; returns the network that they end with."""
    spec, mlp = pruning.spec, pruning.module
    held, accuracy = copy.deepcopy(mlp), accuracy_of(mlp, data.validation)
    if spec.accuracy is not None and accuracy < spec.accuracy:
        raise TrainError(
            f"prune.accuracy: {spec.accuracy} is above the dense network's validation accuracy {accuracy:.4f}; "
            "lower it or train longer"
        )
    for number in range(1, spec.rounds + 1):
        pruning.round(number)
        accuracy = accuracy_of(mlp, data.validation)
        length = f", wire length {pruning.length:,.0f}" if pruning.placed else ""
        what = f"prune round {number} of {spec.rounds}: {pruning.wires:,} wires{length}"
        progress(f"{what}, validation accuracy {accuracy:.2%}", number / spec.rounds)
        if spec.accuracy is not None:
            if accuracy < spec.accuracy:
                return held
            held = copy.deepcopy(mlp)
    return mlp
