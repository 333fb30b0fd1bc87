"""Checking a network that was read: the model, the integers and the hardware compute the same samples."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netgen.flow.classes import classes_of, decoded, middle_of
from netgen.flow.imported import RawSamples, words_of
from netgen.ir.circuit import Circuit, classify, tested
from netgen.ir.encoding import input_overflows, raw_of
from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Network
from netgen.ir.ranked import ranked
from netgen.operators.design import Design
from netgen.progress import Progress, silent

if TYPE_CHECKING:
    from netgen.report import CheckReport, HeadFidelity

__all__ = ["check_read"]


def check_read(
    network: Network | None,
    design: Design,
    samples: RawSamples,
    *,
    seed: int,
    before: Network | None = None,
    own: bool = True,
    simulator: str = "auto",
    count: int | str = "all",
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress = silent,
) -> "CheckReport":
    """Compute samples by the float network, in integers and in hardware, and compare.

    The hardware of a user's model is compared with the model as it was read, so that what pruning changed counts. That
    of a network that netgen trained is compared with the pruned network.

    Args:
        network: the float network that the design's circuit was made of; None for a circuit of the user's own.
        samples: their test samples are used; where there are none, random input words.
        seed: of random input words.
        before: the float network before it was pruned and retrained; None where it was not.
        own: whether the user has trained that network; False where netgen trained it by a spec's layers.
        simulator, jobs, cache: as for `simulate`.
        count: number of test samples, from the first; or `all`.
    Raises: SimulatorError, when the simulator is not installed or fails.
    """
    from netgen import report
    from netgen.report import agreement
    from netgen.simulate import choose, estimate, simulate

    circuit = design.circuit
    words = words_of(circuit, samples.test, seed)
    words = words if count == "all" else words[: int(count)]
    raw = _raw_of(design, samples, words)
    evaluated, limited = tested(circuit, words)
    simulator = choose(design, len(words), cache=cache) if simulator == "auto" else simulator
    progress(estimate(design, len(words), simulator), 0.0)
    simulated = simulate(design, words, simulator=simulator, jobs=jobs, cache=cache, progress=progress)
    found = decoded(circuit, simulated.scores)
    rounded = decoded(circuit, evaluated) if network is None else network.head_values(raw)
    first = rounded if before is None else before.head_values(raw)
    real = first if own else rounded
    middle = middle_of(design.circuit if network is None else network)
    labels, overflows = samples.labels, input_overflows(design.circuit, raw)

    def accuracy(values: Reals, *, known: bool = True) -> float | None:
        return _accuracy(values, design, labels, middle) if known and labels is not None else None

    return report.check_model(
        float_values=real,
        values=found,
        evaluated=evaluated,
        simulated=simulated.scores,
        classes=simulated.classes,
        wanted=None if simulated.classes is None else classify(evaluated[:, ranked(circuit)]),
        model_accuracy=accuracy(first, known=own and network is not None),
        trained_accuracy=accuracy(first, known=not own),
        pruned_accuracy=accuracy(rounded, known=before is not None),
        reference=agreement.YOURS if own else agreement.PRUNED,
        hardware_accuracy=accuracy(found),
        bound=() if network is None or real is not rounded else _useful_bound(network, circuit, raw, real),
        heads=() if network is None else _heads(network, real, found, overflows / max(words.size, 1), labels),
        inputs=words.size,
        input_overflows=overflows,
        saturated=limited,
        words=[len(words) * len(layer) for layer in circuit.layers],
        simulator=simulator,
    )


def _useful_bound(network: Network, circuit: Circuit, raw: Reals, real: Reals) -> Reals | tuple[()]:
    """The proved bound of each output's error, (outputs,), over all inputs that the input word can hold.

    Returns: nothing, where no bound is known, a sample lies outside the input word, or an output's bound exceeds the
        range of the values that the float network gives there, as it does where words may saturate.
    """
    from netgen.quantize.prepare import prepare
    from netgen.report import graph_error_bound

    half, scaled = circuit.input.step / 2, raw * circuit.input_scale
    least, most = (word * circuit.input.step for word in (circuit.input.lo, circuit.input.hi))
    if scaled.min() < least - half or scaled.max() > most + half:
        return ()
    bounds = graph_error_bound(prepare(network), circuit)
    if bounds is None:
        return ()
    bound = np.concatenate([one.ravel() for one in bounds])
    return bound if (bound < np.ptp(real, axis=0)).all() else ()


def _raw_of(design: Design, samples: RawSamples, words: Words) -> Reals:
    """Raw features of the samples that are checked; those that random words mean, where there are none."""
    if len(samples.test):
        return samples.test[: len(words)].reshape(len(words), -1).astype(np.float64)
    return raw_of(design.circuit, words)


def _heads(
    network: Network, real: Reals, found: Reals, saturated: float, labels: Words | None
) -> "tuple[HeadFidelity, ...]":
    """The distances of hardware and model, head by head."""
    from netgen.report import head_fidelity

    ends = np.cumsum([head.neuron.size for head in network.outputs])[:-1]
    parts = zip(network.outputs, np.split(real, ends, axis=1), np.split(found, ends, axis=1), strict=True)
    return tuple(
        head_fidelity(
            head,
            *(values.reshape(-1, *head.neuron.shape) for values in (right, own)),
            saturated=saturated,
            labels=None if labels is None else labels[: len(real)],
            alone=len(network.outputs) == 1,
        )
        for head, right, own in parts
    )


def _accuracy(values: Reals, design: Design, labels: Words, middle: float) -> float:
    return float((classes_of(values, design.circuit.heads, middle) == labels[: len(values)]).mean())
