"""What the experiments run on: data sets and networks, and the spec that all trials on one of them share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from netgen.experiment.trial import spec_of
from netgen.spec.spec import Spec

_IMAGES = """
data: {source: idx, path: NAME}
network: {hidden: [300, 100]}
augment: {copies: 4}
train: {epochs: 4, batch_size: 512, learning_rate: 0.002, weight_decay: 0, label_smoothing: 0}
prune: {sparsity: null, wires: 350, schedule: gradual, rounds: 14, retrain: 4, place_at: 20000}
quantize: {epochs: 2, learning_rate: 0.001}
place: {moves: 2000000, certificate: false}
"""
_DIGITS = """
network: {hidden: [32, 16]}
augment: {copies: 6, shift: 0.7, warp: 0.3}
train: {epochs: 20, batch_size: 64, weight_decay: 0, label_smoothing: 0, learning_rate: 0.002}
prune: {sparsity: null, wires: 80, schedule: gradual, rounds: 12, epochs: 4, retrain: 20, place_at: 2200,
        place_moves: 100000}
quantize: {epochs: 8}
place: {moves: 500000, certificate: false}
"""

_CONV_IMAGES = """
data: {source: idx, path: NAME}
network: {layers: [conv 8 5x5 stride 2, conv 16 3x3 stride 2, dense 32]}
augment: {copies: 4}
train: {epochs: 4, batch_size: 512, learning_rate: 0.002, weight_decay: 0, label_smoothing: 0}
prune: {sparsity: null, wires: 700, schedule: gradual, rounds: 14, retrain: 4, place_at: 20000}
quantize: {fine_tune: labels, epochs: 2, learning_rate: 0.001}
place: {moves: 2000000, certificate: false}
"""
_CONV_DIGITS = """
network: {layers: [conv 6 3x3, conv 8 3x3 stride 2, dense 16]}
augment: {copies: 6, shift: 0.7, warp: 0.3}
train: {epochs: 20, batch_size: 64, weight_decay: 0, label_smoothing: 0, learning_rate: 0.002}
prune: {sparsity: null, wires: 150, schedule: gradual, rounds: 12, epochs: 4, retrain: 20, place_at: 3000,
        place_moves: 100000}
quantize: {fine_tune: labels, epochs: 8}
place: {moves: 500000, certificate: false}
"""
_FASHION = {"copies: 4": "copies: 4, mirror: true, warp: 0.4", "NAME": "fashion-mnist"}


def _replaced(text: str, by: Mapping[str, str]) -> str:
    for old, new in by.items():
        text = text.replace(old, new)
    return text


NETWORKS = ("perceptron", "conv")
"""Kinds of networks: `network.hidden`, or convolutions by `network.layers`."""


def name_of(data: str, network: str) -> str:
    """The name, in tables and of files, of a data set with a kind of network."""
    return data if network == NETWORKS[0] else f"{data}-{network}"


BASES = {
    "digits": _DIGITS,
    "mnist": _IMAGES.replace("NAME", "mnist"),
    "fashion-mnist": _replaced(_IMAGES, _FASHION),
    "digits-conv": _CONV_DIGITS,
    "mnist-conv": _CONV_IMAGES.replace("NAME", "mnist"),
    "fashion-mnist-conv": _replaced(_CONV_IMAGES, _FASHION),
}
"""YAML by name of the data set and the network."""
DATA_SETS = tuple(name for name in BASES if not name.endswith("-conv"))

_LONG: dict[str, dict[str, object]] = {
    "augment": {"copies": 12},
    "train": {"batch_size": 256, "learning_rate": 0.002},
    "prune": {"place_at": 20_000, "rounds": 34, "retrain": 40},
    "quantize": {"epochs": 20, "learning_rate": 0.0005},
    "place": {"moves": 30_000_000},
}
_LONG_CONV: dict[str, dict[str, object]] = {
    "augment": {"copies": 12},
    "train": {"epochs": 12, "batch_size": 256, "learning_rate": 0.002},
    "prune": {"place_at": 20_000, "rounds": 24, "retrain": 24},
    "quantize": {"epochs": 6},
    "place": {"moves": 3_000_000},
}
WHOLE: dict[str, dict[str, dict[str, object]]] = {
    "digits": {"prune": {"place_at": 1500, "rounds": 16}},
    "mnist": _LONG,
    "fashion-mnist": _LONG,
    "digits-conv": {"prune": {"place_at": 2000, "rounds": 16}},
    "mnist-conv": _LONG_CONV,
    "fashion-mnist-conv": _LONG_CONV,
}
"""Keys that the whole recipe changes for every way, by base and section."""

MILD = {"shift": 0.8, "rotate": 5.0, "zoom": 0.05, "shear": 0.05, "warp": 0.4}
"""Distortions half as large as the defaults: better for the smallest networks, worse for larger ones."""

MIDDLE = {"shift": 1.2, "rotate": 7.5, "zoom": 0.075, "shear": 0.075, "warp": 0.6}
"""Three quarters of the defaults: best where the functions of neurons are trained."""

STRENGTH = 0.03
"""Strength of the distance regularizer; 0.01 to 0.06 were tried on MNIST, see docs/experiments."""
DECAY = 0.01
"""Strength of the plain L2 regularizer, the default of AdamW."""


@dataclass(frozen=True)
class Way:
    """One way to short wires: its regularizer, pruning rule and placer, and the keys that differ from other ways.

    Attributes:
        train, augment: keys of these sections.
        rule: of pruning.
        place: keys of the place section, its method among them.
        target: keys of the prune section, for images.
        rounds: rounds after which networks for images are measured, near the end of the highest accuracy.
        prune: keys of the prune section, for all data sets.
        trained: whether every neuron trains a function of its own.
    """

    rule: str
    place: Mapping[str, object]
    train: Mapping[str, object]
    target: Mapping[str, object]
    rounds: tuple[int, ...]
    augment: Mapping[str, object] = field(default_factory=dict)
    prune: Mapping[str, object] = field(default_factory=dict)
    trained: bool = False

    @property
    def method(self) -> str:
        """Method of placement."""
        return str(self.place["method"])


ROOMY: Mapping[str, object] = MappingProxyType({"method": "auto", "slack": 3.0})
"""Our placer, in a box with three times as many sites as neurons; matching uses the smallest box."""

_PLAIN: Mapping[str, object] = MappingProxyType({"regularizer": "l2", "strength": DECAY, "learning_rate": 0.001})

_PAPER: Mapping[str, object] = MappingProxyType({"regularizer": "distance", "strength": STRENGTH})
_OURS: Mapping[str, object] = MappingProxyType(
    {
        "regularizer": "distance",
        "strength": 0.045,
        "distance_power": 0.5,
        "reweight_at": 5_000,
        "learning_rate": 0.004,
    }
)

WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "plain magnitude, no copies": Way(
            "magnitude", ROOMY, _PLAIN, {"wires": 4_000}, (22, 24, 26, 28, 30), {"copies": 0}
        ),
        "plain magnitude": Way("magnitude", ROOMY, _PLAIN, {"wires": 3_000}, (30, 31, 32, 33, 34)),
        "best of the paper": Way("magnitude", {"method": "matching"}, _PAPER, {"wires": 1_900}, (30, 32, 34)),
        "netgen": Way(
            "obs_distance",
            ROOMY,
            _OURS,
            {"wires": None, "wire_length": 2_700, "place_share": 0.3, "average_at": 5_000},
            (31, 32, 33, 34),
            MILD,
        ),
        "netgen, trained functions": Way(
            "obs_distance",
            ROOMY,
            _OURS,
            {"wires": None, "wire_length": 2_400, "place_share": 0.3, "average_at": 5_000},
            (31, 32, 33, 34),
            MIDDLE,
            trained=True,
        ),
    }
)
"""Ways by name, as the recipe compares them."""

_SHARED: Mapping[str, object] = MappingProxyType({"untie_at": 1, "scope": "layer", "wires": 600})
"""Few kernel entries stand for most wires: one threshold for all layers soon removes a whole convolution."""
CONV_WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "plain magnitude, no copies": Way("magnitude", ROOMY, _PLAIN, {"wires": 3_000}, (6, 10, 14, 18), {"copies": 0}),
        "plain magnitude": Way("magnitude", ROOMY, _PLAIN, {"wires": 3_000}, (8, 10, 12, 14, 17)),
        "plain magnitude, shared weights": Way(
            "magnitude", ROOMY, _PLAIN, {"wires": 5_000}, (9, 13, 17, 21, 24), prune=_SHARED
        ),
        "best of the paper": Way("magnitude", {"method": "matching"}, _PAPER, {"wires": 2_500}, (8, 10, 12, 14, 17)),
        "netgen": Way(
            "obs_distance",
            ROOMY,
            {**_OURS, "strength": 0.02},
            {"wires": None, "wire_length": 4_000, "place_share": 0.3, "average_at": 5_000},
            (14, 16, 18, 20, 22),
            MILD,
        ),
        "netgen, trained functions": Way(
            "obs_distance",
            ROOMY,
            {**_OURS, "strength": 0.02},
            {"wires": None, "wire_length": 4_000, "place_share": 0.3, "average_at": 5_000},
            (20, 21, 22, 23, 24),
            MIDDLE,
            trained=True,
        ),
    }
)
"""The same for convolutions, whose weights are untied at once unless the name says that they stay shared."""


def ways_of(data: str) -> Mapping[str, Way]:
    """The ways that the recipe compares on a base."""
    return CONV_WAYS if data.endswith("-conv") else WAYS


IMAGES = tuple(name for name in BASES if not name.startswith("digits"))
"""Bases of 28 x 28 pixels, for which the ways have targets and rounds of their own."""

ACCURACIES = {
    "digits": (0.98, 0.97, 0.95, 0.90),
    "mnist": (0.98, 0.97, 0.95, 0.90),
    "fashion-mnist": (0.88, 0.86, 0.84, 0.80),
    "digits-conv": (0.98, 0.97, 0.95, 0.90),
    "mnist-conv": (0.985, 0.98, 0.97, 0.95),
    "fashion-mnist-conv": (0.89, 0.88, 0.86, 0.84),
}
"""Accuracies at which the curves are read."""

QUICK: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "augment": {"copies": 2},
        "train": {"epochs": 6},
        "prune": {"rounds": 6, "epochs": 1, "retrain": 3},
        "quantize": {"epochs": 2},
    }
)
"""Keys that `--quick` changes, by section."""


def base_of(data: str, *, seed: int, quick: bool) -> Spec:
    """The spec that all trials on a data set with a kind of network share."""
    spec = spec_of(BASES[data], seed=seed)
    return spec_of(spec.to_yaml(), **QUICK) if quick else spec
