"""From data to a circuit by one spec: the steps that builds, searches and experiments share."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netgen.data import Dataset
from netgen.errors import WeightsError
from netgen.importer.checkpoint import read_perceptron
from netgen.ir.circuit import Circuit
from netgen.ir.dense import DenseNetwork
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.thermometer import BIT, thresholds_in
from netgen.learn.allocate import allocate
from netgen.learn.follow import Follower
from netgen.learn.memory import check_file, check_memory
from netgen.progress import Progress, silent
from netgen.spec.spec import Spec

if TYPE_CHECKING:
    from netgen.quantize import QuantizedMlp
    from netgen.train import Mlp, Pruning, Recipe, Samples, View

OBSERVED = 5_000
"""Training samples on which the formats of hidden results are calibrated."""


class Learner:
    """One spec and its data. Every method is one step: repeatable, and heavy libraries are loaded on its first call.

    Args:
        base: folder that `network.weights` is relative to.
        copies: distorted copies of the training data; made on first use when None.

    Attributes:
        sizes: number of inputs, then of neurons in each layer.

    Raises: TrainError, when the machine has too little memory.
    """

    def __init__(
        self,
        spec: Spec,
        data: Dataset,
        *,
        base: Path | None = None,
        copies: "Sequence[View] | None" = None,
        progress: Progress = silent,
    ) -> None:
        self.spec, self.data, self.base, self.progress = spec, data, base or Path(), progress
        inputs, classes, samples = data.train.features.shape[1], data.classes, len(data.train)
        inputs *= len(spec.data.thresholds) or 1
        check_memory(spec, features=inputs, classes=classes, samples=samples)
        self.sizes = (inputs, *spec.network.hidden, classes)
        self._given = copies

    @property
    def weights(self) -> Path | None:
        """Path of the state_dict to start from, if the spec names one.

        Raises: WeightsError, when the file is far larger than the network.
        """
        if not self.spec.network.weights:
            return None
        path = self.base / self.spec.network.weights
        check_file(path, self.sizes)
        return path

    @property
    def follows(self) -> bool:
        """Whether pruning uses wire lengths, so that the network is placed in every round."""
        return self.spec.prune.joint or "distance" in self.spec.train.regularizer

    def mlp(self) -> "Mlp":
        """The network before training, on the spec's device."""
        from netgen.train import Mlp, device_of

        batch_norm = self.spec.network.batch_norm
        mlp = Mlp.seeded(self.sizes, batch_norm=batch_norm, seed=self.spec.seed, rounding=self.rounding)
        return mlp.to(device_of(self.spec.train.device))

    def dense(self) -> tuple["Mlp", float]:
        """Train the dense network; returns it and its validation accuracy, 0 to 1."""
        from netgen import train

        mlp = self.mlp()
        if self.weights:
            state = read_perceptron(self.weights, self.sizes, batch_norm=self.spec.network.batch_norm)
            try:
                train.load_state(state, mlp, self.input_scale)
            except WeightsError as error:
                raise WeightsError(f"{self.weights}: {error}") from error
        accuracy = train.train_dense(
            mlp,
            self.seen,
            self.recipe(),
            epochs=self.spec.train.epochs,
            seed=self.spec.seed,
            samples=self.samples(),
            progress=self.progress,
        )
        return mlp, accuracy

    def pruning(self, dense: "Mlp") -> "Pruning":
        """Prepare the pruning of a dense network, with a placer where wire lengths are used."""
        from netgen import train

        spec = self.spec
        return train.Pruning(
            dense,
            self.samples(dense),
            self.recipe(),
            spec.prune,
            train.Penalty.of(spec.train),
            seed=spec.seed,
            distances=Follower(spec.place, moves=spec.prune.place_moves, seed=spec.seed) if self.follows else None,
        )

    def pruned(self, dense: "Mlp") -> tuple[DenseNetwork, float]:
        """Prune and retrain; returns the network and its validation accuracy, 0 to 1."""
        from netgen import train

        pruning = self.pruning(dense)
        return train.prune_and_retrain(pruning, self.seen, epochs=self.spec.prune.retrain, progress=self.progress)

    def quantized(self, network: DenseNetwork) -> tuple[DenseNetwork, Circuit]:
        """Choose formats, fine-tune under them and round; returns the fine-tuned float network and the circuit."""
        from netgen import quantize, train

        spec = self.spec
        observed = self.seen.train.features[:OBSERVED]
        formats = quantize.calibrate(
            network,
            observed.astype(np.float64),
            input_format=self.word,
            weight_widths=spec.weight_widths,
            activation_widths=spec.activation_widths,
            thresholds=self.thresholds,
            activations=self.rounding,
            curvature=train.curvature_in(network, observed, rounding=self.rounding),
        )
        module = quantize.QuantizedMlp(network, formats, spec.weight_digits)
        rounded = self.seen if self.thresholds else self.data.rounded_to(self.word)
        train.fit(
            module,
            rounded,
            self.recipe(spec.quantize.learning_rate),
            epochs=spec.quantize.epochs,
            seed=spec.seed + 2,
            samples=train.Samples.of(rounded.train, more=self._copies),
            progress=self.progress,
            what="quantization-aware fine-tuning",
        )
        if spec.quantize.accuracy is not None:
            self._allocate(module, rounded)
        network = module.network()
        return network, quantize.quantize(network, formats, self.data.scale)

    def _allocate(self, module: "QuantizedMlp", rounded: Dataset) -> None:
        """Remove signed digits of weights as long as the spec's accuracy holds, then fine-tune again."""
        from netgen import train

        spec = self.spec
        recipe = self.recipe(spec.quantize.learning_rate / 2)
        samples = train.Samples.of(rounded.train, more=self._copies)
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
            progress=self.progress,
        )
        what = "fine-tuning after bit allocation"
        train.fit(
            module,
            rounded,
            recipe,
            epochs=spec.quantize.epochs,
            seed=spec.seed + 4,
            samples=samples,
            progress=self.progress,
            what=what,
        )

    def samples(self, teacher: "Mlp | None" = None) -> "Samples":
        """The training split, its distorted copies and, where there is a teacher, its soft labels."""
        from netgen import train

        samples = train.Samples.of(self.seen.train, train.device_of(self.spec.train.device), self._copies)
        if teacher is None or not self.spec.prune.distill:
            return samples
        return samples.with_teacher(teacher.eval(), self.spec.prune.temperature)

    def recipe(self, learning_rate: float | None = None) -> "Recipe":
        """Hyperparameters of training, at the spec's learning rate unless another is given."""
        from netgen.train import Recipe

        train, prune = self.spec.train, self.spec.prune
        return Recipe(
            train.batch_size,
            learning_rate or train.learning_rate,
            train.weight_decay,
            train.label_smoothing,
            prune.distill,
            prune.temperature,
        )

    @cached_property
    def word(self) -> FixedPoint:
        """The format of the circuit's input words."""
        return self.data.input_format(self.spec.quantize.input_width)

    @cached_property
    def thresholds(self) -> tuple[int, ...]:
        """Thresholds among the input words at which they become bits; empty when inputs are words."""
        return thresholds_in(self.word, self.spec.data.thresholds)

    @property
    def rounding(self) -> tuple[FixedPoint, ...]:
        """Formats that hidden results are rounded to in all training; empty without `quantize.from_start`.

        Batch normalization gives sums mean 0 and variance 1, so the formats cover 0 to 2.
        """
        widths = self.spec.activation_widths if self.spec.quantize.from_start else ()
        return tuple(FixedPoint(width, width - 1, signed=False) for width in widths)

    @property
    def input_scale(self) -> Reals:
        """(n_in,) factor between what a network trained elsewhere reads and what this one reads.

        Features are multiplied by the scale of the data set; bits, 0 or 1, become 0 or one half.
        """
        return np.full(self.seen.train.features.shape[1], BIT.step) if self.thresholds else self.data.scale

    @cached_property
    def seen(self) -> Dataset:
        """The data as the network reads them: scaled features, or their bits."""
        return self.data.coded(self.word, self.thresholds) if self.thresholds else self.data

    @cached_property
    def _copies(self) -> "Sequence[View]":
        from netgen.train import coded, distort

        copies = self._given
        if copies is None:
            copies = distort(self.data.train, self.spec.augment, seed=self.spec.seed, progress=self.progress)
        return [coded(copy, self.word, self.thresholds) for copy in copies] if self.thresholds else copies
