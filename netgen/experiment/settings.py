"""The data sets of the experiments, and the spec that all trials on one of them share."""

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

BASES = {
    "digits": _DIGITS,
    "mnist": _IMAGES.replace("NAME", "mnist"),
    "fashion-mnist": _IMAGES.replace("NAME", "fashion-mnist").replace(
        "copies: 4", "copies: 4, mirror: true, warp: 0.4"
    ),
}
"""YAML by name of the data set."""

_LONG: dict[str, dict[str, object]] = {
    "augment": {"copies": 12},
    "train": {"batch_size": 256, "learning_rate": 0.002},
    "prune": {"place_at": 20_000, "rounds": 34, "retrain": 40},
    "quantize": {"epochs": 20, "learning_rate": 0.0005},
    "place": {"moves": 30_000_000},
}
WHOLE: dict[str, dict[str, dict[str, object]]] = {
    "digits": {"prune": {"place_at": 1500, "rounds": 16}},
    "mnist": _LONG,
    "fashion-mnist": _LONG,
}
"""Keys that the whole recipe changes for every way, by data set and section."""

MILD = {"shift": 0.8, "rotate": 5.0, "zoom": 0.05, "shear": 0.05, "warp": 0.4}
"""Distortions half as large as the defaults: better for the smallest networks, worse for larger ones."""

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
    """

    rule: str
    place: Mapping[str, object]
    train: Mapping[str, object]
    target: Mapping[str, object]
    rounds: tuple[int, ...]
    augment: Mapping[str, object] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """Method of placement."""
        return str(self.place["method"])


ROOMY: Mapping[str, object] = MappingProxyType({"method": "auto", "slack": 3.0})
"""Our placer, in a box with three times as many sites as neurons; matching uses the smallest box."""

_PLAIN: Mapping[str, object] = MappingProxyType({"regularizer": "l2", "strength": DECAY, "learning_rate": 0.001})

WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "plain magnitude, no copies": Way(
            "magnitude", ROOMY, _PLAIN, {"wires": 4_000}, (22, 24, 26, 28, 30), {"copies": 0}
        ),
        "plain magnitude": Way("magnitude", ROOMY, _PLAIN, {"wires": 3_000}, (30, 31, 32, 33, 34)),
        "best of the paper": Way(
            "magnitude",
            {"method": "matching"},
            {"regularizer": "distance", "strength": STRENGTH},
            {"wires": 1_900},
            (30, 32, 34),
        ),
        "netgen": Way(
            "obs_distance",
            ROOMY,
            {
                "regularizer": "distance",
                "strength": 0.045,
                "distance_power": 0.5,
                "reweight_at": 5_000,
                "learning_rate": 0.004,
            },
            {"wires": None, "wire_length": 2_700, "place_share": 0.3, "average_at": 5_000},
            (31, 32, 33, 34),
            MILD,
        ),
    }
)
"""Ways by name, as the recipe compares them."""

IMAGES = ("mnist", "fashion-mnist")
"""Data sets of 28 x 28 pixels, for the network 784-300-100-10."""

ACCURACIES = {
    "digits": (0.98, 0.97, 0.95, 0.90),
    "mnist": (0.98, 0.97, 0.95, 0.90),
    "fashion-mnist": (0.88, 0.86, 0.84, 0.80),
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
    """The spec that all trials on a data set share."""
    spec = spec_of(BASES[data], seed=seed)
    return spec_of(spec.to_yaml(), **QUICK) if quick else spec
