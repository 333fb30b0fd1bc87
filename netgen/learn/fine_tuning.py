"""Fine-tune a network that was read under the formats of its calibration, against labels or its own outputs."""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from netgen.data import Examples, Split
from netgen.errors import QuantizeError
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Network
from netgen.progress import Progress, silent
from netgen.spec.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from netgen.data import Floats
    from netgen.quantize import Quantized
    from netgen.quantize.network_module import QuantizedNetwork
    from netgen.train import Quality, Recipe, Samples

__all__ = ["fine_tune"]

COMPARED = 200
"""Samples on which the module and the circuit are compared in the end, bit for bit."""


def fine_tune(
    network: Network,
    calibration: Reals,
    training: Examples,
    validation: Examples,
    spec: Spec,
    *,
    progress: Progress = silent,
) -> "Quantized":
    """Calibrate a network, train its weights and biases under these formats, and round them.

    Weights that are shared stay shared, and none is added. The formats stay those of the calibration. The weights after
    the epoch that is best on the validation samples are kept; those of the calibration, if no epoch is better.

    Args:
        calibration: (n, features) raw samples on which formats are chosen.
        training, validation: to learn from, and to choose the best weights by.
        spec: its section `quantize` says what to train against.
    Raises: QuantizeError, for a network that keeps its integers, labels that are missing, or formats in which sums
        cannot be exact; TrainError, when the weights diverge.
    """
    from netgen import quantize, train
    from netgen.quantize.calibrate_graph import circuit_of
    from netgen.quantize.layer_rounding import round_layers
    from netgen.quantize.network_module import QuantizedNetwork
    from netgen.quantize.read_networks import round_read

    section, notes = spec.quantize, list[str]()
    if section.requantize == "exact" and quantize.is_quantized(network):
        raise QuantizeError(
            "quantize.fine_tune: the network arrives quantized and keeps its integers; set quantize.requantize to "
            "shift, or fine_tune to none"
        )
    rounded = round_read(network, calibration, section, warnings=notes)
    by_labels = section.fine_tune == "labels"
    scores = _class_scores(rounded.corrected) if by_labels else None
    module = QuantizedNetwork(rounded.corrected, rounded.formats, scores)
    task = (_by_labels if by_labels else _by_outputs)(module, network, training, validation, spec)
    if section.epochs:
        seconds = train.seconds_of(module, task.samples, task.recipe, epochs=section.epochs)
        what = f"{section.epochs} epochs of {len(training.raw):,} samples through {module.wires:,} wires"
        progress(f"quantize: fine-tuning: {what}, about {seconds:,.0f} s", 0.0)
    before, state = task.quality.measure(), copy.deepcopy(module.state_dict())
    after = before
    if section.epochs:
        after = train.fit_by(
            module,
            task.samples,
            task.recipe,
            task.quality,
            epochs=section.epochs,
            seed=spec.seed + 2,
            progress=progress,
            what="quantize: fine-tuning",
        )
    if after <= before:
        module.load_state_dict(state)
        after = before
    tuned = round_layers(module.network(), rounded.formats)
    circuit = circuit_of(tuned)
    _compare(QuantizedNetwork(tuned.network, rounded.formats), circuit, validation.raw[:COMPARED])
    notes.insert(0, _told(task, spec, len(training.raw), len(validation.raw), before, after))
    return quantize.Quantized(circuit, tuple(notes))


@dataclass(frozen=True)
class _Task:
    """What a module is trained on, and what its quality is.

    Attributes:
        measure: computes the quality, more is better; `name` and `number` say what it is, and one value of it.
        source: that of the float network.
    """

    samples: "Samples"
    recipe: "Recipe"
    measure: "Callable[[], float]"
    name: str
    number: "Callable[[float], str]"
    source: float

    @property
    def quality(self) -> "Quality":
        """The same, as training asks for it."""
        from netgen.train import Quality

        return Quality(self.measure, lambda value: f"{self.name} {self.number(value)}")


def _by_labels(
    module: "QuantizedNetwork", network: Network, training: Examples, validation: Examples, spec: Spec
) -> _Task:
    """Train against labels: cross entropy, and accuracy on the validation samples."""
    from netgen import train

    if training.labels is None or validation.labels is None:
        raise QuantizeError("quantize.fine_tune: no labels; give labels, or set fine_tune to outputs")
    entered = _entering(module)
    split = Split(entered(validation.raw), validation.labels)
    section = spec.train
    recipe = train.Recipe(
        section.batch_size, spec.quantize.learning_rate, section.weight_decay, section.label_smoothing
    )
    samples = train.Samples.of(Split(entered(training.raw), training.labels))
    right = network.head_values(validation.raw)[:, _class_columns(network)].argmax(axis=1) == validation.labels
    return _Task(
        samples,
        recipe,
        measure=lambda: train.accuracy_of(module, split),
        name="validation accuracy",
        number=lambda share: f"{share:.2%}",
        source=float(right.mean()),
    )


def _by_outputs(
    module: "QuantizedNetwork", network: Network, training: Examples, validation: Examples, spec: Spec
) -> _Task:
    """Train against the outputs of the float network: the squared error of each over its variance."""
    from netgen import train

    wanted, aims, entered = network.head_values(training.raw), network.head_values(validation.raw), _entering(module)
    first, weights = 0, list[float]()
    for head in network.outputs:
        own = wanted[:, first : first + head.neuron.size]
        weights += [1 / (float(own.var()) or 1.0)] * head.neuron.size
        first += head.neuron.size
    recipe = train.Reproduction(
        spec.train.batch_size, spec.quantize.learning_rate, spec.train.weight_decay, 0.0, weights=tuple(weights)
    )
    features = entered(validation.raw)
    return _Task(
        train.Samples.of_outputs(entered(training.raw), wanted),
        recipe,
        measure=lambda: -recipe.error_of(module, features, aims),
        name="mean squared error, as a share of the outputs' variance, on validation samples",
        number=lambda value: f"{abs(value):.2%}",
        source=0.0,
    )


def _entering(module: "QuantizedNetwork") -> "Callable[[Reals], Floats]":
    """What turns raw samples into the values of the circuit's input words, in single precision."""
    from netgen.quantize.network_module import entering_values

    return lambda raw: entering_values(module.formats, module.like, raw).astype(np.float32)


def _class_columns(network: Network) -> slice:
    """The values of all outputs among which the greatest is the class: those of the first output of at least two.

    Raises: QuantizeError, where there is none.
    """
    first = 0
    for head in network.outputs:
        if head.neuron.size > 1:
            return slice(first, first + head.neuron.size)
        first += head.neuron.size
    raise QuantizeError("quantize.fine_tune: labels need an output of at least two values; set fine_tune to outputs")


def _class_scores(network: Network) -> Words:
    """The numbers of the neurons that give them."""
    return np.concatenate([head.neuron.reshape(-1) for head in network.outputs])[_class_columns(network)]


def _compare(module: "QuantizedNetwork", circuit: Circuit, raw: Reals) -> None:
    """Compare the module with its circuit on some samples."""
    from netgen.quantize.network_module import words_of_module

    assert np.array_equal(words_of_module(module, circuit, raw), evaluate(circuit, circuit.encode(raw)))


def _told(task: _Task, spec: Spec, trained: int, chosen: int, before: float, after: float) -> str:
    """What fine-tuning did, on one line."""
    section = spec.quantize
    source = "the pruned network" if spec.network.prunes_graph else "your model"
    against = "labels" if section.fine_tune == "labels" else f"the outputs of {source}"
    seen = f"{section.epochs} epochs of {trained:,} samples, the best epoch by {chosen:,} others"
    if after == before:
        return f"quantize: fine-tuning against {against} found nothing better: weights stay as calibrated ({seen})"
    return (
        f"quantize: weights and biases were fine-tuned against {against} and are not those of {source}: "
        f"{task.name}: {task.number(before)} calibrated, {task.number(after)} fine-tuned, "
        f"{task.number(task.source)} in float ({seen})"
    )
