"""Training and pruning: data in, a float, sparse `Network` out.

`pipeline` is the order of the steps; `joint` is a round of pruning. A pruning rule is a function in `prune`.
"""

from netgen.train.augment import distort
from netgen.train.derivatives import curvature_in
from netgen.train.fit import Descent, Quality, Recipe, accuracy_of, device_of, fit, fit_by, seconds_of
from netgen.train.joint import Distances, Pruning
from netgen.train.mlp import Mlp, load_mlp, predict, save_mlp
from netgen.train.network_pruning import NetworkPruning
from netgen.train.penalty import Penalty
from netgen.train.pipeline import prune_and_retrain, prune_and_retrain_network, retrain, train_dense
from netgen.train.prune import RULES
from netgen.train.reproduce import Reproduction
from netgen.train.samples import Samples, View, coded
from netgen.train.shaped import Shaped
from netgen.train.weights import load_state

__all__ = [
    "RULES",
    "Descent",
    "Distances",
    "Mlp",
    "NetworkPruning",
    "Penalty",
    "Pruning",
    "Quality",
    "Recipe",
    "Reproduction",
    "Samples",
    "Shaped",
    "View",
    "accuracy_of",
    "coded",
    "curvature_in",
    "device_of",
    "distort",
    "fit",
    "fit_by",
    "load_mlp",
    "load_state",
    "predict",
    "prune_and_retrain",
    "prune_and_retrain_network",
    "retrain",
    "save_mlp",
    "seconds_of",
    "train_dense",
]
