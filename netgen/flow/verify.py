"""Checking: PyTorch, integers and hardware compute the same samples, and are compared."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netgen.data import Dataset, load_dataset
from netgen.errors import CheckError
from netgen.flow import files
from netgen.flow.design import load_design
from netgen.flow.folder import load_circuit, load_spec_of
from netgen.ir.circuit import trace
from netgen.ir.fixed import Words
from netgen.ir.network import Network
from netgen.operators.design import Design
from netgen.operators.prove import prove
from netgen.progress import Progress, silent

if TYPE_CHECKING:
    from netgen.report import CheckReport


def check(
    network: Network,
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
        samples: how many of the test samples, from the first; or `all`.
    """
    from netgen import quantize, report, train
    from netgen.simulate import choose, simulate

    circuit = design.circuit
    count = len(data.test) if samples == "all" else min(int(samples), len(data.test))
    features, labels = data.test.features[:count], data.test.labels[:count]
    words: Words = circuit.input.encode(features)
    inputs, input_overflows = features.size, circuit.input.overflows(features)
    integers = trace(circuit, words)
    if circuit.thresholds:
        features = circuit.format_into(0).decode(circuit.coded(words)).astype(np.float32)
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
    """Check a build folder as it is on disk, its `top.v` included; nothing in it is changed but the simulator's cache.

    That its operators compute its circuit is proved again before anything is simulated.

    Raises: BuildError, when something in it is missing or damaged; CheckError, when its operators are another's.
    """
    spec = load_spec_of(folder)
    data = load_dataset(spec.data, seed=spec.seed, base=base or folder)
    circuit = load_circuit(folder)
    design = load_design(folder, spec, circuit)
    try:
        prove(design.graph, circuit)
    except CheckError as error:
        what = str(error).partition(";")[0]
        raise CheckError(f"{folder / 'operators.json'}: not those of circuit.json ({what}); build it again") from error
    return check(
        files.read_network(folder / "network.npz"),
        design,
        data,
        simulator=simulator or spec.check.simulator,
        samples=samples or spec.check.samples,
        jobs=jobs or os.cpu_count() or 1,
        cache=folder / "simulator",
        progress=progress,
    )
