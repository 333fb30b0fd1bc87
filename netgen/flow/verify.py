"""Checking: PyTorch, integers and hardware compute the same samples, and are compared."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netgen.data import Dataset, load_dataset
from netgen.errors import CheckError, SimulatorError
from netgen.flow import files
from netgen.flow.design import load_design
from netgen.flow.edits import edits_of, raise_if_unlike
from netgen.flow.folder import load_circuit, load_spec_of
from netgen.flow.verify_read import prove_again, recheck_read
from netgen.ir.circuit import trace
from netgen.ir.dense import DenseNetwork
from netgen.ir.fixed import Words
from netgen.operators.design import Design
from netgen.progress import Progress, silent

if TYPE_CHECKING:
    from netgen.report import CheckReport


def check(
    network: DenseNetwork,
    design: Design,
    data: Dataset,
    *,
    simulator: str = "auto",
    samples: int | str = "all",
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress = silent,
) -> "CheckReport":
    """Compute test samples in PyTorch, float and quantized, in integers and in hardware, and compare.

    Args:
        network: the float network that the design's circuit was quantized from.
        simulator: as for `simulate`.
        samples: number of test samples, from the first; or `all`.
        jobs, cache: as for `simulate`.
    Raises: SimulatorError, when the simulator is not installed or fails.
    """
    from netgen import quantize, report, train
    from netgen.simulate import choose, simulate

    circuit = design.circuit
    count = _count(data, samples)
    features, labels = data.test.features[:count], data.test.labels[:count]
    words: Words = circuit.input.encode(features)
    inputs, input_overflows = features.size, circuit.input.overflows(features)
    integers = trace(circuit, words)
    if circuit.thresholds:
        features = circuit.entering.decode(circuit.coded(words)).astype(np.float32)
    simulator = choose(design, count, cache=cache) if simulator == "auto" else simulator
    simulated = simulate(design, words, simulator=simulator, jobs=jobs, cache=cache, progress=progress)
    return report.check(
        float_scores=train.predict(network, features),
        quantized=quantize.predict_words(quantize.QuantizedMlp(network, quantize.formats_of(circuit)), words),
        evaluated=integers.outputs[-1],
        simulated=simulated.scores,
        classes=simulated.classes,
        labels=labels,
        score=design.score,
        bound=report.error_bound(network, circuit, features.astype(np.float64)),
        inputs=inputs,
        input_overflows=input_overflows,
        saturated=integers.saturated,
        words=[output.size for output in integers.outputs],
        simulator=simulator,
    )


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

    spec = load_spec_of(folder)
    if spec.network.source is not None:
        return recheck_read(folder, spec, base=base, simulator=simulator, samples=samples, jobs=jobs, progress=progress)
    data = load_dataset(spec.data, seed=spec.seed, base=base or folder)
    circuit, network = load_circuit(folder), files.read_network(folder / "network.npz")
    raise_if_unlike(folder / "network.npz", network, circuit)
    prove_again(folder, circuit)  # before hardware is made of operators that may be absurd
    design = load_design(folder, spec, circuit)
    edits = edits_of(folder, spec, network, design, data)
    cache, samples = folder / "simulator", samples or spec.check.samples
    simulator = simulator or spec.check.simulator
    if simulator == "auto":
        simulator = choose(design, _count(data, samples), cache=cache)
    verilog = edits.get("top.v")
    if verilog is not None and simulator == "amaranth":
        raise CheckError(f"{verilog}, and amaranth does not read it; use --simulator icarus, or build it again")
    if simulator in SIMULATORS:  # `simulate` refuses others
        SIMULATORS[simulator].is_built(design, cache)  # raises when a tool is missing, which is not the Verilog's fault
    try:
        report = check(
            network,
            design,
            data,
            simulator=simulator,
            samples=samples,
            jobs=jobs or os.cpu_count() or 1,
            cache=cache,
            progress=progress,
        )
    except SimulatorError as error:
        if verilog is None:
            raise
        what = str(error).rpartition("; ")[0]
        raise CheckError(f"{verilog}: {what}; undo the edit, or build it again") from error
    return replace(report, edits=edits)


def _count(data: Dataset, samples: int | str) -> int:
    return len(data.test) if samples == "all" else min(int(samples), len(data.test))
