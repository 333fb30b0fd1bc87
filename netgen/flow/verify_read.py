"""Checking a build of a network that was read: the model, the integers and the hardware compute the same samples."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netgen.errors import CheckError
from netgen.flow.array_files import read_arrays
from netgen.flow.design import load_design
from netgen.flow.edits import changed_files
from netgen.flow.folder import load_circuit, load_operators
from netgen.flow.imported import Samples, raw_samples, words_of
from netgen.flow.store import recorded_files
from netgen.ir.circuit import Circuit, classify, trace
from netgen.ir.encoding import input_overflows, raw_of
from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Network
from netgen.ir.network_file import network_from
from netgen.operators.design import Design
from netgen.operators.prove import prove
from netgen.progress import Progress, silent
from netgen.spec.spec import Spec

if TYPE_CHECKING:
    from netgen.report import CheckReport

__all__ = ["check_read", "classes_of", "prove_again", "recheck_read"]


def check_read(
    network: Network,
    design: Design,
    samples: Samples,
    *,
    seed: int,
    simulator: str = "auto",
    count: int | str = "all",
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress = silent,
) -> "CheckReport":
    """Compute samples by the float network, in integers and in hardware, and compare.

    Args:
        network: the float network that the design's circuit was made of.
        samples: their test samples are used; where there are none, random input words.
        seed: of random input words.
        simulator, jobs, cache: as for `simulate`.
        count: number of test samples, from the first; or `all`.
    Raises: SimulatorError, when the simulator is not installed or fails.
    """
    from netgen import report
    from netgen.simulate import choose, simulate

    circuit = design.circuit
    words = words_of(circuit, samples.test, seed)
    words = words if count == "all" else words[: int(count)]
    raw = _raw_of(design, samples, words)
    integers = trace(circuit, words)
    evaluated = np.concatenate([words_ for _, words_ in _by_head(design, integers.outputs, words)], axis=1)
    simulator = choose(design, len(words), cache=cache) if simulator == "auto" else simulator
    simulated = simulate(design, words, simulator=simulator, jobs=jobs, cache=cache, progress=progress)
    real = _values(network, raw)
    return report.check_model(
        float_values=real,
        values=_decoded(design, simulated.scores),
        evaluated=evaluated,
        simulated=simulated.scores,
        classes=simulated.classes,
        wanted=None if simulated.classes is None else classify(evaluated),
        accuracies=_accuracies(network, design, real, simulated.scores, samples.labels),
        inputs=words.size,
        input_overflows=input_overflows(design.circuit, raw),
        saturated=integers.saturated,
        words=[output.size for output in integers.outputs],
        simulator=simulator,
    )


def _raw_of(design: Design, samples: Samples, words: Words) -> Reals:
    """Raw features of the samples that are checked; those that random words mean, where there are none."""
    if len(samples.test):
        return samples.test[: len(words)].reshape(len(words), -1).astype(np.float64)
    return raw_of(design.circuit, words)


def _by_head(design: Design, outputs: tuple[Words, ...], words: Words) -> list[tuple[str, Words]]:
    """The words of each head, (n, values of the head)."""
    circuit = design.circuit
    everything = np.concatenate([circuit.coded(words), *outputs], axis=1)
    return [(head.name, everything[:, head.neuron.ravel()]) for head in circuit.heads]


def _decoded(design: Design, scores: Words) -> Reals:
    """The values that the words of all heads mean, side by side."""
    parts, first = [], 0
    for head in design.circuit.heads:
        size = head.neuron.size
        parts.append(head.decode(scores[:, first : first + size]).reshape(len(scores), size))
        first += size
    return np.concatenate(parts, axis=1)


def _values(network: Network, raw: Reals) -> Reals:
    """The values of all heads before what they compute of them, side by side."""
    columns = np.concatenate([head.neuron.ravel() for head in network.outputs])
    sizes = [port.size for port in network.inputs]
    ports = tuple(np.split(raw, np.cumsum(sizes)[:-1], axis=1))
    return np.concatenate([values[:, columns] for values in network.values(ports)])


def classes_of(values: Reals | Words, network: Network) -> Words:
    """The class of each sample by the first head of at least two values, (n,)."""
    first = 0
    for head in network.outputs:
        if head.neuron.size > 1:
            return classify(values[:, first : first + head.neuron.size])  # type: ignore[arg-type]  # reals, too
        first += head.neuron.size
    return (values[:, 0] > 0).astype(np.int64)


def _accuracies(
    network: Network, design: Design, real: Reals, scores: Words, labels: Words | None
) -> tuple[float, float] | None:
    if labels is None:
        return None
    wanted = labels[: len(real)]
    values = _decoded(design, scores)
    return tuple(float((classes_of(one, network) == wanted).mean()) for one in (real, values))  # type: ignore[return-value]


def recheck_read(
    folder: Path,
    spec: Spec,
    *,
    base: Path | None = None,
    simulator: str | None = None,
    samples: int | str | None = None,
    jobs: int | None = None,
    progress: Progress = silent,
) -> "CheckReport":
    """Check the build folder of a network that was read, as `recheck` does."""
    network = read_arrays(folder / "network.npz", "network", network_from)
    circuit = load_circuit(folder)
    prove_again(folder, circuit)
    found = check_read(
        network,
        load_design(folder, spec, circuit),
        raw_samples(spec, folder, base or folder, network.features),
        seed=spec.seed,
        simulator=simulator or spec.check.simulator,
        count=samples or spec.check.samples,
        jobs=jobs or os.cpu_count() or 1,
        cache=folder / "simulator",
        progress=progress,
    )
    recorded = recorded_files(folder)
    return replace(found, edits=changed_files(folder, recorded))


def prove_again(folder: Path, circuit: Circuit) -> None:
    """Prove that a folder's operators compute its circuit, as the files of both may have been edited.

    Raises: CheckError, when they do not.
    """
    try:
        prove(load_operators(folder), circuit)
    except CheckError as error:
        what = str(error).removeprefix("operator graph: ").partition("; this is a bug")[0]
        raise CheckError(f"{folder / 'operators.json'}: not those of circuit.json ({what}); build it again") from error
