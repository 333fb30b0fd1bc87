"""The pipeline of training: a dense network, pruned in rounds, then trained once more as it has become."""

import copy

from netgen.data import Dataset
from netgen.errors import TrainError
from netgen.ir.network import Network, remove_dead
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
    """Train a dense network in place; returns its validation accuracy."""
    return fit(mlp, data, recipe, epochs=epochs, seed=seed, samples=samples, decay=False, progress=progress)


def prune_and_retrain(
    pruning: Pruning, data: Dataset, *, epochs: int, progress: Progress = silent
) -> tuple[Network, float]:
    """Prune a trained network round by round, training in between, and `epochs` more at the end.

    With a target accuracy each round removes a quarter of what is left, until validation accuracy falls short, and the
    last network that held it is retrained; with any other target the rounds lead there.

    Returns: the network, batch normalization folded and dead neurons cut, and its validation accuracy.
    Raises: TrainError, when already the dense network falls short of the target accuracy, or nothing is left.
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
) -> tuple[Network, float]:
    """Train a pruned network, in place, for the last time, its rate falling to nothing.

    Returns: as `prune_and_retrain`; the network as it was, where training made it worse.
    Raises: TrainError, when nothing is left of it.
    """
    held, accuracy = copy.deepcopy(mlp.state_dict()), accuracy_of(mlp, data.validation)
    retrained = fit(mlp, data, recipe, epochs=epochs, seed=seed, samples=samples, progress=progress, what="retrain")
    if retrained < accuracy:
        mlp.load_state_dict(held)
    network = remove_dead(mlp.network())
    if network.weights_left == 0:
        raise TrainError("prune: no path from an input to an output is left; prune less or set scope: layer")
    return network, max(retrained, accuracy)


def _rounds(pruning: Pruning, data: Dataset, progress: Progress) -> Mlp:
    """All rounds; the network that they lead to."""
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
        length = f", {pruning.length:,.0f} long" if pruning.distances is not None else ""
        what = f"prune round {number} of {spec.rounds}: {pruning.wires:,} wires{length}"
        progress(f"{what}, validation accuracy {accuracy:.2%}", number / spec.rounds)
        if spec.accuracy is not None:
            if accuracy < spec.accuracy:
                return held
            held = copy.deepcopy(mlp)
    return mlp
