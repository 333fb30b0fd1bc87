"""The data sets of the experiments, and the spec that all trials on one share."""

from netgen.experiment.trial import spec_of
from netgen.spec import Spec

_IMAGES = """
data: {source: idx, path: NAME}
network: {hidden: [300, 100]}
augment: {copies: 4}
train: {epochs: 4, batch_size: 512, learning_rate: 0.002, weight_decay: 0, label_smoothing: 0}
prune: {sparsity: null, wires: 350, schedule: gradual, rounds: 12, retrain: 4, place_at: 10000}
quantize: {epochs: 2, learning_rate: 0.001}
place: {moves: 2000000, certificate: false}
"""
_DIGITS = """
network: {hidden: [32, 16]}
augment: {copies: 6, shift: 0.7, warp: 0.3}
train: {epochs: 20, batch_size: 64, weight_decay: 0, label_smoothing: 0, learning_rate: 0.002}
prune: {sparsity: null, wires: 80, schedule: gradual, rounds: 12, epochs: 4, retrain: 20, place_at: 1500,
        place_moves: 100000}
quantize: {epochs: 8}
place: {moves: 500000, certificate: false}
"""

BASES = {
    "digits": _DIGITS,
    "mnist": _IMAGES.replace("NAME", "mnist"),
    "fashion-mnist": _IMAGES.replace("NAME", "fashion-mnist")
    .replace("copies: 4", "copies: 4, mirror: true, warp: 0.4")
    .replace("rounds: 12", "rounds: 8"),
}
"""YAML by name of the data set."""

WHOLE: dict[str, dict[str, dict[str, object]]] = {
    "digits": {"prune": {"place_at": 1500, "rounds": 16}},
    "mnist": {
        "augment": {"copies": 6},
        "train": {"batch_size": 256, "learning_rate": 0.001},
        "prune": {"place_at": 20_000, "wires": 2_000, "rounds": 16, "retrain": 12},
        "quantize": {"epochs": 8, "learning_rate": 0.0005},
        "place": {"moves": 10_000_000},
    },
}
WHOLE["fashion-mnist"] = WHOLE["mnist"]
"""What the whole recipe changes, by data set and section: as in specs/mnist_98.yaml."""

ACCURACIES = {
    "digits": (0.98, 0.97, 0.95, 0.90),
    "mnist": (0.98, 0.97, 0.95, 0.90),
    "fashion-mnist": (0.88, 0.86, 0.84, 0.80),
}
"""Where curves are read off."""

STRENGTH = 0.03
"""Of the distance regularizer; 0.01 to 0.05 were tried on MNIST, see docs/experiments."""
DECAY = 0.01
"""Of the plain L2 regularizer, as AdamW's default."""

QUICK = {"rounds": 8, "epochs": 2, "retrain": 6}
"""What `--quick` changes in the prune section."""


def base_of(data: str, *, seed: int, quick: bool) -> Spec:
    """The spec that all trials on a data set share."""
    spec = spec_of(BASES[data], seed=seed)
    return spec_of(spec.to_yaml(), prune=QUICK) if quick else spec
