"""The energy of a build: its folder is measured as it is, also one that an earlier version of netgen built."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from netgen.data import load_dataset
from netgen.energy import EnergySettings, SampleOrder, Workload, activity_of, energy_of
from netgen.errors import BuildError, DataError
from netgen.flow import files, imported
from netgen.flow.array_files import read_arrays
from netgen.flow.design import timing_of
from netgen.flow.folder import load_circuit, load_operators
from netgen.flow.gating import gating_of
from netgen.flow.imported import GIVEN, given_samples, raw_samples, words_of
from netgen.flow.routing import load_lengths
from netgen.ir.dense import network_of
from netgen.ir.fixed import Words
from netgen.ir.gating import EnergyReport
from netgen.ir.netlist import netlist_of
from netgen.ir.network import Network
from netgen.ir.network_file import network_from
from netgen.operators.graph import OperatorGraph
from netgen.operators.prove import misfit_of
from netgen.operators.schedule import Schedule
from netgen.spec.board import board_of
from netgen.spec.spec import Spec, load_spec, parse_spec

__all__ = [
    "FPGA",
    "ORDERS",
    "LabelledWords",
    "StreamOrder",
    "energy_in",
    "load_words",
    "measured_by",
    "networks_in",
    "samples_within",
    "spec_in",
    "words_origin",
]

StreamOrder = Literal["test", "shuffle", "worst"]
ORDERS: Mapping[str, SampleOrder] = MappingProxyType({"test": "given", "shuffle": "shuffle", "worst": "worst"})
"""The order of `activity_of` for each that a user can ask for."""

FPGA = "fpga"
"""The model that needs a routed design."""
WRITTEN = ("data", "network", "train", "quantize", "place", "emit", "check")
"""Sections that every build has written to its spec, whatever the version of netgen."""
SAMPLES = 1000
"""Samples that are measured unless the user says how many."""
MOST_VALUES = 300_000_000
"""Values of operators that are computed then at most, about a minute: large circuits are measured on fewer samples."""


@dataclass(frozen=True, eq=False)
class LabelledWords:
    """The test samples of a build.

    Attributes:
        words: (n, features) int64 input words.
        labels: (n,) int64; None where there are none.
        origin: what they are, in words.
    """

    words: Words
    labels: Words | None
    origin: str


def energy_in(
    folder: Path,
    models: Sequence[str],
    *,
    settings: EnergySettings | None = None,
    board: str | None = None,
    samples: int | None = None,
    order: StreamOrder = "test",
    base: Path | None = None,
) -> EnergyReport:
    """Compute what one sample costs on the circuit of a build folder, and what its gates save.

    Args:
        models: `wires`, `eyeriss`, `fpga`.
        settings: what the models are told, such as the pitch.
        board: of `fpga`, the one that the build is routed for; by default the only one.
        samples: test samples whose toggles are counted; by default 1,000, or fewer for a circuit of many operators.
        order: of the samples: of the test set, shuffled with the spec's seed, or the worst.
        base: folder from which the data's path is seen; the build folder by default.
    Raises: BuildError, when something in the folder is missing or damaged; DataError, for samples or settings that do
        not fit.
    """
    spec = spec_in(folder)
    routed = load_lengths(folder, board) if FPGA in models else None
    circuit, graph = load_circuit(folder), load_operators(folder)
    if misfit := misfit_of(graph, circuit):
        raise BuildError(f"{folder / 'operators.json'}: not those of circuit.json ({misfit}); build it again")
    netlist = netlist_of(circuit)
    placement = files.read_placement(folder / "placement.csv", netlist, board_of(spec.place, netlist)[0])
    network, before = networks_in(folder, spec)

    def timed(operators: OperatorGraph) -> Schedule:
        return timing_of(operators, spec, netlist, placement)

    work = Workload(circuit, placement, graph, timed(graph), None, network, before, routed)
    name = folder.resolve().name
    if not {"wires", FPGA} & set(models):
        return measured_by(name, models, work, settings)
    found = load_words(folder, base=base)
    return measured_by(
        name, models, work, settings, words=found, timed=timed, samples=samples, order=order, seed=spec.seed
    )


def measured_by(
    name: str,
    models: Sequence[str],
    work: Workload,
    settings: EnergySettings | None = None,
    *,
    words: LabelledWords | None = None,
    timed: Callable[[OperatorGraph], Schedule] | None = None,
    samples: int | None = None,
    order: StreamOrder = "test",
    seed: int = 0,
) -> EnergyReport:
    """Compute the energy of a placed circuit by several models, and what its gates save by that of wires.

    Args:
        name: of the circuit.
        words: the samples whose toggles are counted; None where no model needs toggles.
        timed: schedules operators; None where gates are not measured.
        samples: how many of them; see `energy_in`.
    """
    lines: dict[str, str] = {}
    count = 0
    if words is not None:
        count = samples_within(work.graph, len(words.words)) if samples is None else samples
        if count < 2:
            raise DataError(f"{count} samples; bits toggle between two, give at least 2")
        some = words.words[:count]
        activity = activity_of(work.circuit, work.graph, some, timing=work.timing, order=ORDERS[order], seed=seed)
        work = replace(work, activity=activity)
        lines["wires"] = lines[FPGA] = f"the first {len(some):,} of {len(words.words):,} {words.origin}"
    found = [energy_of(model, work, settings) for model in models]
    energies = tuple(
        replace(one, conditions=(lines[one.model], *one.conditions)) if one.model in lines else one for one in found
    )
    if words is None or timed is None:
        return EnergyReport(name, energies)
    return EnergyReport(
        name,
        energies,
        gating_of(
            work,
            words.words,
            words.labels,
            words.origin,
            retimed=timed,
            held=next((one for one in energies if one.model == "wires"), None),
            settings=settings,
            samples=count,
            order=ORDERS[order],
            seed=seed,
        ),
    )


def samples_within(graph: OperatorGraph, available: int) -> int:
    """How many samples are measured unless the user says so."""
    return min(SAMPLES, available, max(MOST_VALUES // max(len(graph.operators), 1), 2))


def load_words(folder: Path, *, base: Path | None = None) -> LabelledWords:
    """Read the test samples of a build folder.

    Args:
        base: folder from which the data's path is seen; the build folder by default.
    Raises: BuildError, when the folder has none that can be read; DataError, when the data set cannot be read.
    """
    spec, circuit = spec_in(folder), load_circuit(folder)
    if spec.network.reads_graph:
        if spec.data.source == GIVEN:
            raw = given_samples(folder)
        else:
            data = load_dataset(spec.data, seed=spec.seed, base=base or folder)
            raw = raw_samples(data, spec, circuit.features)
        labels = raw.labels if len(raw.test) else None
        return LabelledWords(words_of(circuit, raw.test, spec.seed), labels, words_origin(len(raw.test)))
    data = load_dataset(spec.data, seed=spec.seed, base=base or folder)
    return LabelledWords(circuit.input.encode(data.test.features), data.test.labels, words_origin(len(data.test)))


def words_origin(samples: int) -> str:
    """What input words are, of so many test samples."""
    return "test samples" if samples else "random input words, as there are no samples"


def spec_in(folder: Path) -> Spec:
    """The spec of a build folder; keys that its version of netgen did not know have their defaults.

    Raises: BuildError, when there is no build.
    """
    path = folder / "spec.yaml"
    if not path.exists():
        raise BuildError(f"{folder}: no finished build here; run netgen build first")
    spec = load_spec(path)
    written = parse_spec(files.read_text(path)).model_fields_set
    if missing := [key for key in ("name", *WRITTEN) if key not in written]:
        raise BuildError(f"{path}: has no {missing[0]}, which every build writes; build it again")
    return spec


def networks_in(folder: Path, spec: Spec) -> tuple[Network | None, Network | None]:
    """The float network of a build, and that before it was pruned; None where there is none."""
    if not imported.has_float(spec):
        return None, None
    path = folder / "network.npz"
    if not spec.network.reads_graph:
        return network_of(files.read_network(path)), None
    before = folder / imported.first_file(spec)
    network = read_arrays(path, "network", network_from)
    return network, read_arrays(before, "network", network_from) if before != path else network
