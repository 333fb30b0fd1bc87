"""Checking a network that netgen trained: PyTorch, integers and hardware compute the same samples."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netgen.data import Dataset
from netgen.ir.circuit import trace
from netgen.ir.dense import DenseNetwork
from netgen.ir.fixed import Words
from netgen.operators.design import Design
from netgen.progress import Progress, silent

if TYPE_CHECKING:
    from netgen.report import CheckReport

__all__ = ["check"]


def check(
    network: DenseNetwork,
    design: Design,
    data: Dataset,
    *,
    simulator: str = "auto",
    count: int | str = "all",
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress = silent,
) -> "CheckReport":
    """Compute test samples in PyTorch, float and quantized, in integers and in hardware, and compare.

    Args:
        network: the float network that the design's circuit was quantized from.
        simulator: as for `simulate`.
        count: number of test samples, from the first; or `all`.
        jobs, cache: as for `simulate`.
    Raises: SimulatorError, when the simulator is not installed or fails.
    """
    from netgen import quantize, report, train
    from netgen.simulate import choose, estimate, simulate

    circuit = design.circuit
    count = len(data.test) if count == "all" else min(int(count), len(data.test))
    features, labels = data.test.features[:count], data.test.labels[:count]
    words: Words = circuit.input.encode(features)
    inputs, input_overflows = features.size, circuit.input.overflows(features)
    integers = trace(circuit, words)
    if circuit.thresholds:
        features = circuit.entering.decode(circuit.coded(words)).astype(np.float32)
    simulator = choose(design, count, cache=cache) if simulator == "auto" else simulator
    progress(estimate(design, count, simulator), 0.0)
    simulated = simulate(design, words, simulator=simulator, jobs=jobs, cache=cache, progress=progress)
    return report.check(
        float_scores=train.predict(network, features.astype(np.float64)),
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
