"""Training and pruning: data in, a float, sparse network out.

`pipeline` is the order of the steps; `pruning` is a round of pruning. A pruning rule is a function in `prune`.
"""

from netgen.train.augment import distort
from netgen.train.fit import Descent, Quality, Recipe, accuracy_of, device_of, fit, fit_by, seconds_of
from netgen.train.gates import weigh_blocks
from netgen.train.penalty import Penalty
from netgen.train.perceptron import curvature_in, dense_network_of, perceptron_of, perceptron_of_state, predict
from netgen.train.pipeline import prune_and_retrain, retrain, train_dense
from netgen.train.prune import RULES
from netgen.train.pruning import NORMALIZED_SAMPLES, Pruning, Sites, netlist_of_module
from netgen.train.reinitialize import reinitialize
from netgen.train.reproduce import Reproduction
from netgen.train.samples import Samples, View, coded
from netgen.train.saved import load_trained, save_trained
from netgen.train.shaped import Shaped
from netgen.train.tables import BitSamples, TableRecipe, fit_tables

__all__ = [
    "NORMALIZED_SAMPLES",
    "RULES",
    "BitSamples",
    "Descent",
    "Penalty",
    "Pruning",
    "Quality",
    "Recipe",
    "Reproduction",
    "Samples",
    "Shaped",
    "Sites",
    "TableRecipe",
    "View",
    "accuracy_of",
    "coded",
    "curvature_in",
    "dense_network_of",
    "device_of",
    "distort",
    "fit",
    "fit_by",
    "fit_tables",
    "load_trained",
    "netlist_of_module",
    "perceptron_of",
    "perceptron_of_state",
    "predict",
    "prune_and_retrain",
    "reinitialize",
    "retrain",
    "save_trained",
    "seconds_of",
    "train_dense",
    "weigh_blocks",
]
