"""Training and pruning: data in, a float, sparse `Network` out."""

from netgen.train.augment import distort
from netgen.train.charge import Charge
from netgen.train.fit import Descent, Recipe, accuracy_of, device_of, fit
from netgen.train.joint import Distances, Pruning
from netgen.train.mlp import Mlp, load_mlp, load_state, predict, save_mlp
from netgen.train.phases import prune_and_retrain, retrain, train_dense
from netgen.train.prune import RULES
from netgen.train.saliency import curvature_in
from netgen.train.samples import Samples, View, coded

__all__ = [
    "RULES",
    "Charge",
    "Descent",
    "Distances",
    "Mlp",
    "Pruning",
    "Recipe",
    "Samples",
    "View",
    "accuracy_of",
    "coded",
    "curvature_in",
    "device_of",
    "distort",
    "fit",
    "load_mlp",
    "load_state",
    "predict",
    "prune_and_retrain",
    "retrain",
    "save_mlp",
    "train_dense",
]
