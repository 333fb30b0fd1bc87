"""Whether PyTorch, the integers and the hardware agree, and how far quantized scores are from float scores."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netgen.errors import CheckError
from netgen.ir.circuit import classify
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.report.fidelity import HeadFidelity

PYTORCH = "PyTorch"
"""Name of the quantized PyTorch forward pass, beside those of the simulators."""

YOURS = "your model"
"""Name of the network that the user has trained, as it was read."""
PRUNED = "the pruned network"
"""Name of what pruning and retraining leave of a network of any layers."""

COMPUTING = ("circuit.json", "operators.json", "placement.csv", "spec.yaml")
"""Files of a build from which both the integers and the hardware are made anew for a check."""


@dataclass(frozen=True)
class Difference:
    """The first word in which two computations of the same sample differ.

    Attributes:
        sample: row of the test set.
        output: index of the score; None when all scores agree and the class does not.
        expected: the word, or class, that `evaluate` gives.
        found: the word, or class, that `by` gives.
        by: what differs from `evaluate`: PyTorch, or a simulator.
    """

    sample: int
    output: int | None
    expected: int
    found: int
    by: str

    def __str__(self) -> str:
        place = "class" if self.output is None else f"output {self.output}"
        return f"sample {self.sample}, {place}: expected {self.expected} (evaluate), found {self.found} ({self.by})"


@dataclass(frozen=True)
class CheckReport:
    """Result of a check.

    Attributes:
        simulator: name of the simulator that ran the hardware.
        model_accuracy: of the user's own model as it was read, in float and before any pruning, 0 to 1; None where
            netgen trained the network, or without labels.
        finetuned_accuracy: of the float network that the circuit was quantized from, 0 to 1. It was fine-tuned with
            rounded weights; computed in float, it is not the network that was trained or pruned. None where a model was
            read.
        quantized_accuracy: of the quantized PyTorch forward pass, 0 to 1; None where a model was read.
        hardware_accuracy: of the simulated hardware, 0 to 1; None without labels.
        error: per output, the greatest distance of hardware and float scores; those of `reference`, where a model was
            read or described by layers.
        bound: per output, an upper limit on that distance for all inputs, proved from the float and integer weights;
            where a model was read, empty unless it is less than the range of every output's float values, and where it
            was pruned.
        mean_error: per output, the mean distance of hardware and float scores.
        noise: per output, the signal-to-noise ratio in decibels: the power of the float scores over that of the error;
            None where nothing differs.
        inputs: input values of all samples.
        input_overflows: how many of them lie a step or more outside the input format, and saturate.
        saturated: per layer, how many words its output format limited.
        words: per layer, how many words it computed.
        difference: the first difference; None when all agree bit for bit.
        heads: the same errors for each output of a model that was read, over all its values; empty where netgen
            trained the network.
        trained_accuracy: of the network that netgen trained by a spec's layers, in float and before pruning, 0 to 1;
            None for any other.
        pruned_accuracy: of the network of layers, or the model that was read, after pruning and retraining, in float, 0
            to 1: rounding begins here. None where a model was kept, or netgen trained a perceptron.
        reference: the float network that the errors and `heads` compare the hardware with: `your model`, as it was
            read, or `the pruned network` where there is no such model.
        edits: for files of the build folder that were edited, by name: where and how they differ.
    """

    samples: int
    simulator: str
    model_accuracy: float | None
    finetuned_accuracy: float | None
    quantized_accuracy: float | None
    hardware_accuracy: float | None
    error: tuple[float, ...]
    mean_error: tuple[float, ...]
    noise: tuple[float | None, ...]
    bound: tuple[float, ...]
    inputs: int
    input_overflows: int
    saturated: tuple[int, ...]
    words: tuple[int, ...]
    difference: Difference | None
    heads: tuple[HeadFidelity, ...] = ()
    trained_accuracy: float | None = None
    pruned_accuracy: float | None = None
    reference: str = YOURS
    edits: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.error or len(self.bound) not in {0, len(self.error)}:
            raise CheckError(f"{len(self.error)} errors and {len(self.bound)} bounds; need one of each per output")
        if not len(self.error) == len(self.mean_error) == len(self.noise):
            raise CheckError(f"{len(self.error)} errors, {len(self.mean_error)} means, {len(self.noise)} noise ratios")
        if len(self.saturated) != len(self.words):
            raise CheckError(f"{len(self.saturated)} layers saturate, of {len(self.words)}; need a number per layer")

    @property
    def rounded(self) -> tuple[str, float | None]:
        """The float network that was quantized, where a model was read or described by layers: name and accuracy."""
        if self.pruned_accuracy is not None:
            return PRUNED, self.pruned_accuracy
        return self.reference, self.model_accuracy

    @property
    def agreement(self) -> str:
        """`exact`, or the first difference, on one line."""
        return "exact" if self.difference is None else str(self.difference)

    @property
    def within_bound(self) -> bool:
        """Whether every output's error stays within its bound."""
        return not self.bound or all(error <= bound for error, bound in zip(self.error, self.bound, strict=True))

    @property
    def worst(self) -> int:
        """The output with the greatest error."""
        return max(range(len(self.error)), key=lambda output: self.error[output])


def check(
    *,
    float_scores: Reals,
    quantized: Words,
    evaluated: Words,
    simulated: Words,
    classes: Words | None,
    labels: Words,
    score: FixedPoint,
    bound: Reals,
    inputs: int,
    input_overflows: int,
    saturated: Sequence[int],
    words: Sequence[int],
    simulator: str,
) -> CheckReport:
    """Compare the words that PyTorch, `evaluate` and a simulator computed from the same samples.

    Args:
        float_scores: (n, n_out) float64, by the PyTorch float model.
        quantized: (n, n_out) int64, by the quantized PyTorch forward pass.
        evaluated: (n, n_out) int64, by `evaluate`: the reference for the other two.
        simulated: (n, n_out) int64, by the hardware.
        classes: (n,) int64, by the hardware; None for hardware without arg-max.
        labels: (n,) int64.
        score: format of the score words.
        bound: (n_out,) float64, from `error_bound`.
        inputs, input_overflows: input values, and how many of them lie outside the input format.
        saturated, words: per layer, words that its format limited and words computed.
        simulator: name of the simulator.
    Raises: CheckError, for no sample at all.
    """
    if not len(labels):
        raise CheckError("0 samples; check at least one")
    decided = classify(simulated) if classes is None else classes
    found = [_first(quantized, evaluated, PYTORCH), _first(simulated, evaluated, simulator)]
    if classes is not None:
        found.append(_first(classes, classify(evaluated), simulator))
    return CheckReport(
        samples=len(labels),
        simulator=simulator,
        model_accuracy=None,
        finetuned_accuracy=float((np.argmax(float_scores, axis=1) == labels).mean()),
        quantized_accuracy=float((classify(quantized) == labels).mean()),
        hardware_accuracy=float((decided == labels).mean()),
        **_distances(score.decode(simulated), float_scores),
        bound=tuple(bound.tolist()),
        inputs=inputs,
        input_overflows=input_overflows,
        saturated=tuple(saturated),
        words=tuple(words),
        difference=min((one for one in found if one), key=lambda one: one.sample, default=None),
    )


def check_model(
    *,
    float_values: Reals,
    values: Reals,
    evaluated: Words,
    simulated: Words,
    classes: Words | None,
    wanted: Words | None,
    model_accuracy: float | None,
    hardware_accuracy: float | None,
    trained_accuracy: float | None = None,
    pruned_accuracy: float | None = None,
    reference: str = YOURS,
    bound: Reals | tuple[()] = (),
    heads: Sequence[HeadFidelity] = (),
    inputs: int,
    input_overflows: int,
    saturated: Sequence[int],
    words: Sequence[int],
    simulator: str,
) -> CheckReport:
    """Compare the words of a simulator with `evaluate`, and the values that they mean with those of a model.

    Args:
        float_values, values: (n, outputs) float64, by the network that `reference` names, and by the hardware.
        evaluated, simulated: (n, outputs) int64.
        classes, wanted: (n,) int64, by the hardware and by `evaluate`; None for hardware without arg-max.
        model_accuracy, hardware_accuracy: 0 to 1; None without labels, and without a model.
        trained_accuracy, pruned_accuracy, reference: as in `CheckReport`.
        bound: (outputs,) upper limits on the distances; empty where none is useful.
        heads: the distances of each of the outputs.
        inputs, input_overflows: input values, and how many of them lie outside the input format.
        saturated, words: per layer, words that its format limited and words computed.
    """
    found = [_first(simulated, evaluated, simulator)]
    if classes is not None and wanted is not None:
        found.append(_first(classes, wanted, simulator))
    return CheckReport(
        samples=len(evaluated),
        simulator=simulator,
        model_accuracy=model_accuracy,
        finetuned_accuracy=None,
        quantized_accuracy=None,
        hardware_accuracy=hardware_accuracy,
        **_distances(values, float_values),
        bound=tuple(float(one) for one in bound),
        inputs=inputs,
        input_overflows=input_overflows,
        saturated=tuple(saturated),
        words=tuple(words),
        heads=tuple(heads),
        trained_accuracy=trained_accuracy,
        pruned_accuracy=pruned_accuracy,
        reference=reference,
        difference=min((one for one in found if one), key=lambda one: one.sample, default=None),
    )


def _distances(values: Reals, float_values: Reals) -> dict[str, Any]:
    """The greatest and the mean distance, and the signal-to-noise ratio, of each output."""
    error = np.abs(values - float_values)
    signal, noise = (float_values**2).sum(axis=0), (error**2).sum(axis=0)
    ratios = [10 * math.log10(s / n) if n and s else None for s, n in zip(signal.tolist(), noise.tolist(), strict=True)]
    return {
        "error": tuple(error.max(axis=0).tolist()),
        "mean_error": tuple(error.mean(axis=0).tolist()),
        "noise": tuple(ratios),
    }


def raise_if_different(report: CheckReport) -> None:
    """Raise the first difference of a failed check as an error.

    Raises: CheckError, with the first difference in one line, and the edit that explains it, if there is one.
    """
    difference = report.difference
    if difference is None:
        return
    first = "network.npz" if difference.by == PYTORCH else "top.v"
    edit = next((report.edits[name] for name in (first, *COMPUTING) if name in report.edits), None)
    if edit is not None:
        raise CheckError(f"{edit}: {difference}; undo the edit, or build it again")
    raise CheckError(f"{difference}; build it again, and report a bug of netgen if it stays")


def _first(found: Words, expected: Words, by: str) -> Difference | None:
    """The first difference of two arrays of equal shape, (n, n_out) scores or (n,) classes."""
    assert found.shape == expected.shape, f"{by}: {found.shape} instead of {expected.shape}"
    places = np.argwhere(found != expected)
    if not len(places):
        return None
    place = tuple(places[0].tolist())
    output = place[1] if len(place) == 2 else None
    return Difference(place[0], output, int(expected[place]), int(found[place]), by)
