"""Training and pruning: data in, a float, sparse `Network` out."""

from netgen.train.fit import Recipe, accuracy_of, fit
from netgen.train.mlp import Mlp, load_mlp, load_state, predict, save_mlp
from netgen.train.phases import prune_and_retrain, train_dense
from netgen.train.prune import RULES, prune

__all__ = [
    "RULES",
    "Mlp",
    "Recipe",
    "accuracy_of",
    "fit",
    "load_mlp",
    "load_state",
    "predict",
    "prune",
    "prune_and_retrain",
    "save_mlp",
    "train_dense",
]
