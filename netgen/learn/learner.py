"""From data to a circuit by one spec: the steps that builds, searches and experiments share, for any network."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netgen.data import Dataset, Examples, Split
from netgen.errors import TrainError, WeightsError
from netgen.importer.checkpoint import read_perceptron
from netgen.ir.circuit import Circuit
from netgen.ir.dense import DenseNetwork
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network
from netgen.ir.thermometer import BIT, thresholds_in
from netgen.learn.follow import Follower
from netgen.learn.idle_gates import without_idle_gates
from netgen.learn.measuring import circuit_accuracy, tuning_examples
from netgen.learn.memory import check_file, check_memory
from netgen.learn.quantizing import quantize_perceptron
from netgen.learn.raw import reading_scaled
from netgen.learn.shape import check_layers, shape_of
from netgen.progress import Progress, silent
from netgen.spec.shapes import is_gated, parse_layer
from netgen.spec.spec import Spec

if TYPE_CHECKING:
    from netgen.nn.trainable import TrainableNetwork
    from netgen.train import Pruning, Recipe, Samples, Shaped, View

__all__ = ["Learner"]


class Learner:
    """One spec and its data. Every method is one step: repeatable, and heavy libraries are loaded on its first call.

    ```text
    dense → pruning, pruned → circuit
    ```

    A perceptron, which `network.hidden` describes, reads features as the data set scales them, or their bits; so do its
    circuit and its matrices. The circuits of all other networks, and their `Network`, read raw features.

    Args:
        base: folder that `network.weights` is relative to.
        copies: distorted copies of the training data; made on first use when None.

    Attributes:
        sizes: of a perceptron, the number of inputs, then of neurons in each layer.

    Truth tables are trained by `netgen.learn.tables` instead.

    Raises: TrainError, when the machine has too little memory; SpecError, when `network.layers` do not fit the samples.
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
        self.layers = tuple(parse_layer(text) for text in spec.network.layers)
        if self.layers:
            check_layers(self.layers, shape_of(spec.network, len(data.scale)), spec.train.batch_size)
        self._given = copies

    @property
    def is_perceptron(self) -> bool:
        """Whether `network.hidden` describes the network."""
        return not self.spec.network.reads_graph

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
        return self.spec.prune.joint or self.spec.train.by_distance

    def dense(self) -> tuple["TrainableNetwork", float]:
        """Train the dense network; returns it, ready to be pruned, and its validation accuracy, 0 to 1.

        Raises: TrainError, for truth tables, which have no such network.
        """
        from netgen import train

        if self.spec.network.tables is not None:
            raise TrainError("network.tables: truth tables are not pruned; set it to null, or build the spec as it is")
        if not self.is_perceptron:
            network, _, accuracy = self.dense_network()
            return self.trainable(network), accuracy
        module = self._perceptron()
        accuracy = self._train(module)
        return train.perceptron_of(module) if isinstance(module, train.Shaped) else module, accuracy

    def dense_network(self) -> tuple[Network, ImportReport, float]:
        """Train the network that the spec's layers describe.

        Returns: the network on raw features, how it agrees with the PyTorch module, and its validation accuracy.
        """
        from netgen import train
        from netgen.importer.read import example_of, read_with_report

        spec, shape = self.spec, shape_of(self.spec.network, len(self.data.scale))
        gated = is_gated(self.layers)
        module = train.Shaped.seeded(
            self.layers, shape, self.data.classes, batch_norm=spec.network.batch_norm and not gated, seed=spec.seed
        ).to(train.device_of(spec.train.device))
        accuracy = 0.0 if gated else self._train(module)
        network, report = read_with_report(module.cpu().eval(), example_of([self.data.train.features]), seed=spec.seed)
        if gated:
            network, accuracy = self._gated(network)
        return reading_scaled(network, self.data.scale), replace(report, source="network.layers"), accuracy

    def _gated(self, network: Network) -> tuple[Network, float]:
        """Train a network with gates, which reads scaled features; returns it and its validation accuracy."""
        from netgen import train
        from netgen.nn.trainable import TrainableNetwork

        samples = self.samples()
        made = TrainableNetwork(network).to(train.device_of(self.spec.train.device))
        if self.spec.network.batch_norm and not any(layer.tied for layer in made.sums):
            made.normalize(next(samples.stream(train.NORMALIZED_SAMPLES, self.spec.seed)).features)
        train.weigh_blocks(made, [np.ones(len(layer.source)) for layer in made.parts])
        accuracy = self._train(made)
        return made.network(), accuracy

    def trainable(self, network: Network) -> "TrainableNetwork":
        """A network on raw features as a module on scaled ones, ready to be pruned, on the spec's device.

        Raises: TrainError, when its first output has no score for each class.
        """
        from netgen.nn.trainable import TrainableNetwork
        from netgen.train import device_of

        first, classes = network.outputs[0], self.data.classes
        if first.neuron.size < max(classes, 2):
            raise TrainError(
                f"prune: the first output, {first.name}, has {first.neuron.size:,} of {classes:,} scores of classes, "
                "by which a network is trained; give a model whose first output has a score for each class"
            )
        return TrainableNetwork(reading_scaled(network, 1 / self.data.scale)).to(device_of(self.spec.train.device))

    def pruning(self, dense: "TrainableNetwork") -> "Pruning":
        """Prepare the pruning of a dense network, with a placer where wire lengths are used."""
        from netgen import train

        spec = self.spec
        placer = Follower(spec.place, moves=spec.prune.place_moves, seed=spec.seed).sites
        return train.Pruning(
            dense,
            self.samples(dense),
            self.recipe(),
            spec.prune,
            train.Penalty.of(spec.train),
            seed=spec.seed,
            normalize=spec.network.batch_norm or spec.network.source is not None,
            placer=placer if self.follows else None,
            functions=spec.network.activation == "piecewise",
            widths=(spec.quantize.input_width, spec.quantize.widest_activation),
        )

    def pruned(self, dense: "TrainableNetwork") -> tuple["TrainableNetwork", float]:
        """Prune and retrain; returns the network and its validation accuracy, 0 to 1."""
        from netgen import train

        epochs = self.spec.prune.retrain
        return train.prune_and_retrain(self.pruning(dense), self.seen, epochs=epochs, progress=self.progress)

    def raw_network(self, module: "TrainableNetwork") -> Network:
        """The float network, of the neurons that are left, on raw features; without gates that decide nothing."""
        network, told = without_idle_gates(module.network(), self.data.train.features.astype(np.float64))
        for line in told:
            self.progress(f"prune: {line}", 1.0)
        return reading_scaled(network, self.data.scale)

    def circuit(self, module: "TrainableNetwork") -> Circuit:
        """Quantize a trained network as the spec says, fine-tuning included."""
        from netgen import quantize, train
        from netgen.learn.fine_tuning import fine_tune

        if self.is_perceptron:
            return self.quantized(train.dense_network_of(module))[1]
        network, (training, validation) = self.raw_network(module), self.examples()
        if self.spec.quantize.fine_tune == "none":
            return quantize.quantize_read(network, training.raw, self.spec.quantize).circuit
        return fine_tune(network, training.raw, training, validation, self.spec, progress=self.progress).circuit

    def quantized(self, network: DenseNetwork) -> tuple[DenseNetwork, Circuit]:
        """Quantize a perceptron; returns the fine-tuned float network and the circuit."""
        return quantize_perceptron(self, network)

    def accuracy(self, circuit: Circuit, split: Split) -> float:
        """Accuracy of a circuit, in integers, on a split, 0 to 1."""
        return circuit_accuracy(circuit, self.spec, self.data, split)

    def examples(self) -> tuple[Examples, Examples]:
        """Raw samples to learn from, and to choose by."""
        return tuning_examples(self.data)

    def samples(self, teacher: "TrainableNetwork | None" = None) -> "Samples":
        """The training split, its distorted copies and, where there is a teacher, its soft labels."""
        from netgen import train

        samples = train.Samples.of(self.seen.train, train.device_of(self.spec.train.device), self.copies)
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
            train.gate_strength,
            train.gate_exploration,
            train.gate_share,
        )

    @cached_property
    def word(self) -> FixedPoint:
        """The format of the input words of a perceptron's circuit."""
        return self.data.input_format(self.spec.quantize.input_width)

    @cached_property
    def thresholds(self) -> tuple[int, ...]:
        """Thresholds among the input words at which they become bits; empty when inputs are words."""
        return thresholds_in(self.word, self.spec.data.thresholds)

    @property
    def rounding(self) -> tuple[FixedPoint, ...]:
        """Formats that a perceptron's hidden results are rounded to in all training; empty without `from_start`.

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
    def copies(self) -> "Sequence[View]":
        """Distorted copies of the training data, as the network reads them."""
        from netgen.train import coded, distort

        copies = self._given
        if copies is None:
            copies = distort(self.data.train, self.spec.augment, seed=self.spec.seed, progress=self.progress)
        return [coded(copy, self.word, self.thresholds) for copy in copies] if self.thresholds else copies

    def _perceptron(self) -> "Shaped | TrainableNetwork":
        """The perceptron before training, on the spec's device: of wires where weights are given, some of them 0."""
        from netgen import train

        batch_norm, device = self.spec.network.batch_norm, train.device_of(self.spec.train.device)
        if self.weights is None:
            made = train.Shaped.perceptron(
                self.sizes, batch_norm=batch_norm, seed=self.spec.seed, rounding=self.rounding
            )
            return made.to(device)
        state = read_perceptron(self.weights, self.sizes, batch_norm=batch_norm)
        try:
            return train.perceptron_of_state(state, rounding=self.rounding, scale=self.input_scale).to(device)
        except WeightsError as error:
            raise WeightsError(f"{self.weights}: {error}") from error

    def _train(self, module: "Shaped | TrainableNetwork") -> float:
        """Train a module in place; returns its validation accuracy, 0 to 1."""
        from netgen import train

        spec, samples = self.spec, self.samples()
        return train.train_dense(
            module,
            self.seen,
            self.recipe(),
            epochs=spec.train.epochs,
            seed=spec.seed,
            samples=samples,
            progress=self.progress,
        )
