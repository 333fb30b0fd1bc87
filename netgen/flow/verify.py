"""Checking a build folder again, as it is on disk: a network that was trained, and one that was read."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from netgen.data import load_dataset
from netgen.errors import CheckError, SimulatorError
from netgen.flow import files, imported
from netgen.flow.array_files import read_arrays
from netgen.flow.design import load_design
from netgen.flow.edits import edits_of, raise_if_unlike
from netgen.flow.folder import load_circuit, load_operators, load_spec_of
from netgen.flow.imported import GIVEN, RANDOM, given_samples, has_float, raw_samples
from netgen.flow.verify_read import check_read
from netgen.flow.verify_trained import check
from netgen.ir.circuit import Circuit
from netgen.ir.network import Network
from netgen.ir.network_file import network_from
from netgen.operators.design import Design
from netgen.operators.prove import prove
from netgen.progress import Progress, silent
from netgen.spec.spec import Spec

if TYPE_CHECKING:
    from netgen.report import CheckReport

__all__ = ["recheck"]


@dataclass(frozen=True, eq=False)
class _Subject:
    """What is checked again.

    Attributes:
        edits: as in `CheckReport`.
        samples: as many as there are.
        compare: simulates some of them, and compares.
    """

    design: Design
    edits: dict[str, str]
    samples: int
    compare: "Callable[..., CheckReport]"


def recheck(
    folder: Path,
    *,
    base: Path | None = None,
    simulator: str | None = None,
    samples: int | str | None = None,
    jobs: int | None = None,
    progress: Progress = silent,
) -> "CheckReport":
    """Check a build folder as it is on disk, edited files included; only the simulator's cache in it is changed.

    First it is proved again that the operators compute the circuit. The report's `edits` name every file that is not as
    the build recorded it, even where no value that is compared depends on the file.

    Args:
        base: folder from which the data's path is seen; the build folder by default.
        simulator, samples: those of the spec by default.
        jobs: processes that simulate; all cores by default.
    Raises: BuildError, when something in the folder is missing or damaged; CheckError, when its operators are not those
        of its circuit, its network has another shape, or its Verilog was edited and cannot be simulated;
        SimulatorError, when the simulator is not installed or fails.
    """
    from netgen.simulate import SIMULATORS, choose

    spec, circuit = load_spec_of(folder), load_circuit(folder)
    subject = (_read if spec.network.reads_graph else _trained)(folder, spec, circuit, base or folder)
    cache, simulator, count = folder / "simulator", simulator or spec.check.simulator, samples or spec.check.samples
    if simulator == "auto":
        tested = subject.samples if count == "all" else min(int(count), subject.samples)
        simulator = choose(subject.design, tested, cache=cache)
    verilog = subject.edits.get("top.v")
    if verilog is not None and simulator == "amaranth":
        raise CheckError(f"{verilog}, and amaranth does not read it; use --simulator icarus, or build it again")
    if simulator in SIMULATORS:  # `simulate` refuses others
        SIMULATORS[simulator].is_built(subject.design, cache)  # raises when a tool is missing, no fault of the Verilog
    jobs = jobs or os.cpu_count() or 1
    try:
        report = subject.compare(simulator=simulator, count=count, jobs=jobs, cache=cache, progress=progress)
    except SimulatorError as error:
        if verilog is None:
            raise
        what = str(error).rpartition("; ")[0]
        raise CheckError(f"{verilog}: {what}; undo the edit, or build it again") from error
    return replace(report, edits=subject.edits)


def _trained(folder: Path, spec: Spec, circuit: Circuit, base: Path) -> _Subject:
    data, network = load_dataset(spec.data, seed=spec.seed, base=base), files.read_network(folder / "network.npz")
    raise_if_unlike(folder / "network.npz", network, circuit)
    _prove(folder, circuit)  # before hardware is made of operators that may be absurd
    design = load_design(folder, spec, circuit)
    edits = edits_of(folder, spec, design, data, network)
    return _Subject(design, edits, len(data.test), partial(check, network, design, data))


def _read(folder: Path, spec: Spec, circuit: Circuit, base: Path) -> _Subject:
    network = read_arrays(folder / "network.npz", "network", network_from) if has_float(spec) else None
    data = None if spec.data.source == GIVEN else load_dataset(spec.data, seed=spec.seed, base=base)
    samples = given_samples(folder) if data is None else raw_samples(data, spec, circuit.features)
    _prove(folder, circuit)
    design = load_design(folder, spec, circuit)
    before = None
    if spec.network.prunes_graph:
        path = folder / imported.first_file(spec)
        before = read_arrays(path, "network", network_from)
        _raise_if_other(path, before, circuit)
    compare = partial(check_read, network, design, samples, seed=spec.seed, before=before, own=not spec.network.layers)
    return _Subject(design, edits_of(folder, spec, design, data), len(samples.test) or RANDOM, compare)


def _raise_if_other(path: Path, network: Network, circuit: Circuit) -> None:
    """Check that a network has the inputs and outputs of a circuit, so that both can be compared.

    Raises: CheckError, when it does not.
    """
    found, wanted = (
        f"{one.features} inputs and {sum(head.neuron.size for head in heads)} outputs"
        for one, heads in ((network, network.outputs), (circuit, circuit.heads))
    )
    if found != wanted:
        raise CheckError(f"{path}: {found}, where circuit.json has {wanted}; undo the edit, or build it again")


def _prove(folder: Path, circuit: Circuit) -> None:
    """Prove that a folder's operators compute its circuit, as the files of both may have been edited.

    Raises: CheckError, when they do not.
    """
    try:
        prove(load_operators(folder), circuit)
    except CheckError as error:
        what = str(error).removeprefix("operator graph: ").partition("; this is a bug")[0]
        raise CheckError(f"{folder / 'operators.json'}: not those of circuit.json ({what}); build it again") from error
