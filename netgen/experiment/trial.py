"""One trial: a network is pruned from tens of thousands of wires to a few hundred, and measured after some rounds.

To measure the network, a copy of it is trained to the end and, where the trial asks for it, rounded to a circuit and
placed. So one trial gives a whole curve of accuracy against wire length.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from netgen.data import Dataset, load_dataset
from netgen.flow.learning import device_here
from netgen.ir.grid import wire_lengths
from netgen.ir.netlist import Netlist, netlist_of
from netgen.learn.learner import Learner
from netgen.spec.board import board_of
from netgen.spec.hardware import PlaceSpec
from netgen.spec.sections import AugmentSpec, DataSpec, PruneSpec, QuantizeSpec
from netgen.spec.spec import Spec, parse_spec

if TYPE_CHECKING:
    from netgen.nn.trainable import TrainableNetwork
    from netgen.train import View

MEASURE_EVERY = 2
"""Rounds of pruning between two measurements."""

Measured = Literal["circuit", "float", "reinit"]
"""What is measured: a placed circuit; the float network only; the float network, reinitialized, and then retrained."""


@dataclass(frozen=True)
class Trial:
    """The settings of one trial.

    Attributes:
        data: name of the data set, for tables.
        what: names of the techniques, for tables.
        spec: everything else; its `prune` section leads from the trunk to the fewest wires.
        measured: what is measured after a round.
        placers: methods by which each measured circuit is placed.
        rounds: the rounds after which the network is measured; the last one ends the trial. By default every
            second round, and the last.
        dense: whether the trial begins with the dense network, not with one pruned by magnitude to `place_at` wires.
    """

    data: str
    what: tuple[str, ...]
    spec: Spec
    measured: Measured = "circuit"
    placers: tuple[str, ...] = ("auto",)
    rounds: tuple[int, ...] = ()
    dense: bool = False

    @property
    def key(self) -> str:
        """Everything that the trial's result depends on, as text."""
        kept: dict[str, object] = {
            "look": self.measured,
            "placers": self.placers,
            "spec": known_by(self.spec),
        }
        kept |= {"looks": self.rounds} if self.rounds else {}
        kept |= {"dense": True} if self.dense else {}
        return json.dumps(kept, sort_keys=True)

    @property
    def begins(self) -> bool:
        """Whether the trial begins with a trunk; all that prune do."""
        return self.spec.prune.rule != "none"

    @property
    def trunk(self) -> Spec:
        """The spec of the network that all trials of a data set and seed begin with: dense, or pruned by magnitude."""
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
    """One measurement.

    Attributes:
        weights: number of non-zero weights before quantization.
        wires: number of wires of the circuit, or of the float network where there is no circuit.
        validation, test: accuracies of the circuit, or of the float network where there is none, 0 to 1.
        lengths: wire length by placer, in units of the pitch.
        fresh, retrained: test accuracies with new random weights on the same wires, before and after training, 0 to 1.
    """

    weights: int
    wires: int
    validation: float
    test: float
    lengths: dict[str, int] = field(default_factory=dict)
    fresh: float | None = None
    retrained: float | None = None


def known_by(spec: Spec) -> dict[str, object]:
    """The keys of a spec that a trial depends on: all but those for writing and checking hardware.

    `train.device` is the device that trains on this machine. The CPU is written as `auto`, as in results that are kept
    from earlier versions.
    """
    keys = spec.model_dump(mode="json", exclude={"name", "emit", "check", "search"})
    device = device_here(spec.train.device)
    keys["train"]["device"] = "auto" if device == "cpu" else device
    return keys if spec.quantize.accuracy is None else keys | {"tables": spec.emit.tables}  # bit allocation reads it


@lru_cache(maxsize=1)
def _data_of(data: DataSpec, augment: AugmentSpec, seed: int, base: Path) -> "tuple[Dataset, tuple[View, ...]]":
    """Load a data set and make its distorted copies; a process keeps one at a time."""
    from netgen.train import distort

    found = load_dataset(data, seed=seed, base=base)
    return found, tuple(distort(found.train, augment, seed=seed))


def _learner(spec: Spec, base: Path) -> Learner:
    data, copies = _data_of(spec.data, spec.augment, spec.seed, base)
    return Learner(spec, data, copies=copies)


def make_trunk(spec: Spec, base: Path, path: Path) -> None:
    """Train a dense network, prune it if the spec does, and save it."""
    from netgen.train import save_trained

    learner = _learner(spec, base)
    network, _ = learner.dense()
    if spec.prune.rule != "none" and network.like.wires > spec.prune.place_at:
        pruning = learner.pruning(network)
        for number in range(1, spec.prune.rounds + 1):
            pruning.round(number)
    save_trained(path, network)


def run_trial(trial: Trial, trunk: Path, base: Path) -> list[Point]:
    """Prune from the trunk downwards; returns one point per measurement, the network with the most wires first."""
    return list(_points(trial, trunk, base))


def _points(trial: Trial, trunk: Path, base: Path) -> Iterator[Point]:
    from netgen.train import device_of, load_trained

    learner = _learner(trial.spec, base)
    if not trial.begins:
        yield _measure(trial, learner, learner.dense()[0])
        return
    pruning = learner.pruning(load_trained(trunk).to(device_of(trial.spec.train.device)))
    rounds = trial.spec.prune.rounds
    chosen = trial.rounds or (*range(MEASURE_EVERY, rounds, MEASURE_EVERY), rounds)
    for number in range(1, max(chosen) + 1):
        pruning.round(number)
        if number in chosen:
            yield _measure(trial, learner, copy.deepcopy(pruning.module))


def _measure(trial: Trial, learner: Learner, network: "TrainableNetwork") -> Point:
    from netgen.train import accuracy_of, netlist_of_module, reinitialize, retrain

    spec, data, seen = trial.spec, learner.data, learner.seen
    samples, recipe = learner.samples(), learner.recipe()
    validation = retrain(network, seen, samples, recipe, epochs=spec.prune.retrain, seed=spec.seed + 1)
    weights = sum(len(layer.source) for layer in network.sums)
    if trial.measured == "circuit":
        circuit = learner.circuit(network)
        netlist = netlist_of(circuit)
        lengths = {method: place_length(spec, netlist, method) for method in trial.placers}
        validation, test = (learner.accuracy(circuit, split) for split in (data.validation, data.test))
        return Point(weights, netlist.wires, validation, test, lengths)
    netlist = netlist_of_module(network)
    lengths = {method: place_length(spec, netlist, method) for method in trial.placers}
    test = accuracy_of(network, seen.test)
    if trial.measured == "float":
        return Point(weights, netlist.wires, validation, test, lengths)
    reinitialize(network, spec.seed + 7)
    fresh = accuracy_of(network, seen.test)
    retrain(network, seen, samples, recipe, epochs=3 * spec.prune.retrain, seed=spec.seed + 2)
    return Point(weights, netlist.wires, validation, test, lengths, fresh, accuracy_of(network, seen.test))


def place_length(spec: Spec, netlist: Netlist, method: str) -> int:
    """Place a netlist by a method with the spec's number of moves; returns its wire length in units of the pitch."""
    from netgen.place import place

    grid, regions = board_of(spec.place, netlist)
    placement = place(netlist, grid, regions, method=method, moves=spec.place.moves, seed=spec.seed)
    return int(wire_lengths(netlist, placement).sum())


def to_json(points: list[Point]) -> str:
    """Write points as JSON text, one per line."""
    return "".join(json.dumps(asdict(point)) + "\n" for point in points)


def from_json(text: str) -> list[Point]:
    """Read what `to_json` wrote.

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
