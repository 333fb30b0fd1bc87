"""Quantize a perceptron that was trained: formats, fine-tuning under them, bit allocation, rounding."""

from typing import TYPE_CHECKING

import numpy as np

from netgen.data import Dataset
from netgen.ir.circuit import Circuit
from netgen.ir.dense import DenseNetwork
from netgen.learn.allocate import allocate
from netgen.learn.follow import Follower

if TYPE_CHECKING:
    from netgen.learn.learner import Learner
    from netgen.quantize import QuantizedMlp

__all__ = ["quantize_perceptron"]

OBSERVED = 5_000
"""Training samples on which the formats of hidden results are calibrated."""


def quantize_perceptron(learner: "Learner", network: DenseNetwork) -> tuple[DenseNetwork, Circuit]:
    """Choose formats, fine-tune under them and round; returns the fine-tuned float network and the circuit."""
    from netgen import quantize, train

    spec = learner.spec
    observed = learner.seen.train.features[:OBSERVED].astype(np.float64)
    formats = quantize.calibrate(
        network,
        observed,
        input_format=learner.word,
        weight_widths=spec.weight_widths,
        activation_widths=spec.activation_widths,
        thresholds=learner.thresholds,
        activations=learner.rounding,
        curvature=train.curvature_in(network, observed, rounding=learner.rounding),
    )
    module = quantize.QuantizedMlp(network, formats, spec.weight_digits)
    rounded = learner.seen if learner.thresholds else learner.data.rounded_to(learner.word)
    train.fit(
        module,
        rounded,
        learner.recipe(spec.quantize.learning_rate),
        epochs=spec.quantize.epochs,
        seed=spec.seed + 2,
        samples=train.Samples.of(rounded.train, more=learner.copies),
        progress=learner.progress,
        what="quantization-aware fine-tuning",
    )
    if spec.quantize.accuracy is not None:
        _allocate(learner, module, rounded)
    tuned = module.network()
    return tuned, quantize.quantize(tuned, formats, learner.data.scale)


def _allocate(learner: "Learner", module: "QuantizedMlp", rounded: Dataset) -> None:
    """Remove signed digits of weights as long as the spec's accuracy holds, then fine-tune again."""
    from netgen import train

    spec = learner.spec
    recipe = learner.recipe(spec.quantize.learning_rate / 2)
    samples = train.Samples.of(rounded.train, more=learner.copies)
    allocate(
        module,
        rounded,
        samples,
        recipe,
        Follower(spec.place, moves=spec.prune.place_moves, seed=spec.seed),
        accuracy=spec.quantize.accuracy or 0.0,
        rounds=spec.quantize.rounds,
        tables=spec.emit.tables,
        seed=spec.seed + 3,
        progress=learner.progress,
    )
    train.fit(
        module,
        rounded,
        recipe,
        epochs=spec.quantize.epochs,
        seed=spec.seed + 4,
        samples=samples,
        progress=learner.progress,
        what="fine-tuning after bit allocation",
    )
