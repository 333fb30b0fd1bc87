"""One trial: a network on its way from a few ten thousand wires to a few hundred, looked at now and then.

Every look trains a copy of the network to its end and, if asked, rounds it to a circuit and places it. So one way down
gives a whole curve of accuracy against wire length.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from netgen.data import Dataset, Split, load_dataset
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.grid import wire_lengths
from netgen.ir.netlist import Netlist, netlist_between, netlist_of
from netgen.learn.learner import Learner
from netgen.spec.board import board_of
from netgen.spec.hardware import PlaceSpec
from netgen.spec.sections import AugmentSpec, DataSpec, PruneSpec, QuantizeSpec
from netgen.spec.spec import Spec, parse_spec

if TYPE_CHECKING:
    from netgen.train import Mlp, View

LOOK_EVERY = 2
"""Rounds from one look to the next."""

Look = Literal["circuit", "float", "reinit"]
"""What a look does: a placed circuit; float accuracy only; float accuracy before, after a new start, retrained."""


@dataclass(frozen=True)
class Trial:
    """What is tried.

    Attributes:
        data: name of the data set, for tables.
        what: the techniques by name, for tables.
        spec: everything else; its `prune` section leads from the trunk to the fewest wires.
        placers: methods by which each look's circuit is placed.
        looks: the rounds after which it is looked at, the last of which ends it; by default every second, and the last.
        dense: whether it begins with the dense network, rather than with what magnitude has left to be placed.
    """

    data: str
    what: tuple[str, ...]
    spec: Spec
    look: Look = "circuit"
    placers: tuple[str, ...] = ("auto",)
    looks: tuple[int, ...] = ()
    dense: bool = False

    @property
    def key(self) -> str:
        """What the trial's result depends on, as text."""
        kept: dict[str, object] = {
            "look": self.look,
            "placers": self.placers,
            "spec": known_by(self.spec),
        }
        kept |= {"looks": self.looks} if self.looks else {}
        kept |= {"dense": True} if self.dense else {}
        return json.dumps(kept, sort_keys=True)

    @property
    def begins(self) -> bool:
        """Whether it begins with a trunk, as all do that prune."""
        return self.spec.prune.rule != "none"

    @property
    def trunk(self) -> Spec:
        """What trials of one data set and seed begin with: the dense network, by default pruned to what is placed."""
        prune = self.spec.prune
        rounds = max(round(prune.rounds / 2), 1)
        plain = {
            "rule": "magnitude",
            "wires": prune.place_at,
            "wire_length": None,
            "rounds": rounds,
            "average_at": None,
            "regrow": 0.0,
            "place_share": None,
            "distill": 0.0,
        }
        train = {
            "regularizer": "none",
            "strength": 0.0,
            "strength_schedule": "steady",
            "reweight_at": None,
            "distance_power": 1.0,
        }
        update = {
            "prune": PruneSpec(rule="none") if self.dense else prune.model_copy(update=plain),
            "train": self.spec.train.model_copy(update=train),
            "place": PlaceSpec(),
            "quantize": QuantizeSpec(),
        }
        return self.spec.model_copy(update=update)


@dataclass(frozen=True)
class Point:
    """What one look has seen.

    Attributes:
        weights: left before quantization.
        wires: left in the circuit, or in the float network where there is no circuit.
        validation, test: accuracies of the circuit, or of the float network where there is none.
        lengths: wire length by placer.
        fresh, retrained: test accuracies after a new random start of the same wires, and after training it.
    """

    weights: int
    wires: int
    validation: float
    test: float
    lengths: dict[str, int] = field(default_factory=dict)
    fresh: float | None = None
    retrained: float | None = None


def known_by(spec: Spec) -> dict[str, object]:
    """What of a spec a trial depends on: not how circuits are written and checked."""
    return spec.model_dump(mode="json", exclude={"name", "emit", "check", "search"})


@lru_cache(maxsize=1)
def _data_of(data: DataSpec, augment: AugmentSpec, seed: int, base: Path) -> "tuple[Dataset, tuple[View, ...]]":
    """A data set and its distorted copies; a process works on one at a time."""
    from netgen.train import distort

    found = load_dataset(data, seed=seed, base=base)
    return found, tuple(distort(found.train, augment, seed=seed))


def _learner(spec: Spec, base: Path) -> Learner:
    data, copies = _data_of(spec.data, spec.augment, spec.seed, base)
    return Learner(spec, data, copies=copies)


def make_trunk(spec: Spec, base: Path, path: Path) -> None:
    """Train a dense network, prune it if the spec does, and keep it in a file."""
    from netgen.train import save_mlp

    learner = _learner(spec, base)
    mlp, _ = learner.dense()
    if spec.prune.rule != "none" and mlp.weights_total > spec.prune.place_at:
        pruning = learner.pruning(mlp)
        for number in range(1, spec.prune.rounds + 1):
            pruning.round(number)
    save_mlp(path, mlp)


def run_trial(trial: Trial, trunk: Path, base: Path) -> list[Point]:
    """Go down from the trunk; one point for each look, the network with the most wires first."""
    return list(_points(trial, trunk, base))


def _points(trial: Trial, trunk: Path, base: Path) -> Iterator[Point]:
    from netgen.train import load_mlp

    learner = _learner(trial.spec, base)
    if not trial.begins:
        yield _look(trial, learner, learner.dense()[0])
        return
    pruning = learner.pruning(load_mlp(trunk, batch_norm=trial.spec.network.batch_norm))
    rounds = trial.spec.prune.rounds
    looks = trial.looks or (*range(LOOK_EVERY, rounds, LOOK_EVERY), rounds)
    for number in range(1, max(looks) + 1):
        pruning.round(number)
        if number in looks:
            yield _look(trial, learner, copy.deepcopy(pruning.mlp))


def _look(trial: Trial, learner: Learner, mlp: "Mlp") -> Point:
    from netgen.train import accuracy_of, retrain

    spec, data, seen = trial.spec, learner.data, learner.seen
    samples, recipe = learner.samples(), learner.recipe()
    network, validation = retrain(mlp, seen, samples, recipe, epochs=spec.prune.retrain, seed=spec.seed + 1)
    if trial.look == "circuit":
        _, circuit = learner.quantized(network)
        netlist = netlist_of(circuit)
        lengths = {method: place_length(spec, netlist, method) for method in trial.placers}
        validation, test = accuracy(circuit, data.validation), accuracy(circuit, data.test)
        return Point(network.weights_left, netlist.wires, validation, test, lengths)
    netlist = netlist_between([layer.mask for layer in network.layers])
    lengths = {method: place_length(spec, netlist, method) for method in trial.placers}
    test = accuracy_of(mlp, seen.test)
    if trial.look == "float":
        return Point(network.weights_left, netlist.wires, validation, test, lengths)
    mlp.reinitialize(spec.seed + 7)
    fresh = accuracy_of(mlp, seen.test)
    retrain(mlp, seen, samples, recipe, epochs=3 * spec.prune.retrain, seed=spec.seed + 2)
    return Point(network.weights_left, netlist.wires, validation, test, lengths, fresh, accuracy_of(mlp, seen.test))


def accuracy(circuit: Circuit, split: Split) -> float:
    """Share of a split's samples that the circuit, in integers, gets right."""
    classes = evaluate(circuit, circuit.input.encode(split.features)).argmax(axis=1)
    return float((classes == split.labels).mean())


def place_length(spec: Spec, netlist: Netlist, method: str) -> int:
    """Wire length of a netlist placed by a method, with the spec's effort."""
    from netgen.place import place

    grid, regions = board_of(spec.place, netlist)
    placement = place(netlist, grid, regions, method=method, moves=spec.place.moves, seed=spec.seed)
    return int(wire_lengths(netlist, placement).sum())


def to_json(points: list[Point]) -> str:
    """Points as JSON text, one a line."""
    return "".join(json.dumps(asdict(point)) + "\n" for point in points)


def from_json(text: str) -> list[Point]:
    """What `to_json` wrote.

    Raises: ValueError or TypeError, when it is something else.
    """
    return [Point(**json.loads(line)) for line in text.splitlines()]


def spec_of(text: str, **sections: object) -> Spec:
    """A spec from YAML text, with keys of its sections replaced: `spec_of(text, prune={"rule": "obd"})`."""
    spec = parse_spec(text)
    changed = {}
    for name, keys in sections.items():
        part = getattr(spec, name)
        changed[name] = part.model_copy(update=keys) if isinstance(keys, Mapping) else keys
    return parse_spec(spec.model_copy(update=changed).to_yaml())
