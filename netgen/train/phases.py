"""The standard pipeline: train, prune, retrain, in rounds (Han et al. 2015; cubic schedule, Zhu and Gupta 2017)."""

import copy

import torch

from netgen.data import Dataset
from netgen.errors import TrainError
from netgen.network import Network, remove_dead
from netgen.progress import Progress, silent
from netgen.spec import PruneSpec
from netgen.train.fit import Recipe, accuracy_of, fit
from netgen.train.mlp import Mlp
from netgen.train.prune import RULES, prune

KEPT_PER_ROUND = 0.75
"""When accuracy decides, every round keeps this share of the weights that are left."""


def train_dense(
    mlp: Mlp, data: Dataset, recipe: Recipe, *, epochs: int, seed: int, progress: Progress = silent
) -> float:
    """Train a dense network in place; returns its validation accuracy."""
    return fit(mlp, data, recipe, epochs=epochs, seed=seed, decay=False, progress=progress)


def prune_and_retrain(
    mlp: Mlp, data: Dataset, recipe: Recipe, spec: PruneSpec, *, seed: int, progress: Progress = silent
) -> tuple[Network, float]:
    """Prune a trained network round by round, retraining after each, then once more.

    With a target sparsity the rounds follow the cubic schedule; with a target accuracy each round removes a quarter of
    what is left, until validation accuracy falls short, and the last network that held it is retrained.

    Returns: the network, batch normalization folded and dead neurons cut, and its validation accuracy.
    Raises: TrainError, when already the dense network falls short of the target accuracy, or nothing is left.
    """
    if spec.rule != "none":
        _rounds(mlp, data, recipe, spec, seed=seed, progress=progress)
    held, accuracy = copy.deepcopy(mlp.state_dict()), accuracy_of(mlp, data.validation)
    retrained = fit(mlp, data, recipe, epochs=spec.retrain, seed=seed + 1, progress=progress, what="retrain")
    if retrained < accuracy:
        mlp.load_state_dict(held)
    network = remove_dead(mlp.network())
    if network.weights_left == 0:
        raise TrainError("prune: no path from an input to an output is left; lower prune.sparsity or set scope: layer")
    return network, max(retrained, accuracy)


def _rounds(mlp: Mlp, data: Dataset, recipe: Recipe, spec: PruneSpec, *, seed: int, progress: Progress) -> None:
    held, accuracy = copy.deepcopy(mlp.state_dict()), accuracy_of(mlp, data.validation)
    if spec.accuracy is not None and accuracy < spec.accuracy:
        raise TrainError(
            f"prune.accuracy: {spec.accuracy} is above the dense network's validation accuracy {accuracy:.4f}; "
            "lower it or train longer"
        )
    for number in range(1, spec.rounds + 1):
        if spec.sparsity is not None:
            sparsity = spec.sparsity * (1 - (1 - number / spec.rounds) ** 3)
        else:
            sparsity = 1 - KEPT_PER_ROUND**number
        apply_rule(mlp, spec, sparsity)
        what = f"prune round {number} of {spec.rounds}, {1 - sparsity:.1%} left"
        accuracy = fit(
            mlp, data, recipe, epochs=spec.epochs, seed=seed + 1000 + number, decay=False, progress=progress, what=what
        )
        if spec.accuracy is not None and accuracy < spec.accuracy:
            mlp.load_state_dict(held)
            return
        held = copy.deepcopy(mlp.state_dict())


def apply_rule(mlp: Mlp, spec: PruneSpec, sparsity: float) -> None:
    """Prune a network's masks in place, to a sparsity, by the rule and scope of a spec."""
    score = RULES[spec.rule]
    layers = mlp.masked
    masks = prune(
        [score(layer.weight.detach().numpy()) for layer in layers],
        [layer.mask.numpy() > 0 for layer in layers],
        sparsity=sparsity,
        scope=spec.scope,
    )
    for layer, mask in zip(layers, masks, strict=True):
        layer.mask.copy_(torch.from_numpy(mask))
