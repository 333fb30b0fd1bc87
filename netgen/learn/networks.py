"""From data to a sparse network that is more than a perceptron: by the layers of a spec, or from a trained one."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from netgen.errors import SpecError, TrainError
from netgen.ir.fixed import Reals
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network
from netgen.ir.ties import fresh_of, scaled
from netgen.learn.follow import Follower
from netgen.learn.learner import Learner
from netgen.learn.memory import memory_of_machine
from netgen.spec.shapes import parse_layer, sizes_through

if TYPE_CHECKING:
    from netgen.nn.trainable import TrainableNetwork
    from netgen.train import Samples

__all__ = ["NetworkLearner"]

BYTES_PER_VALUE = 24
"""Memory of one neuron's value of one sample in training: the value, its gradient, its normalized form."""


class NetworkLearner:
    """One spec and its data, for a network of any layers. Every method is one step, and repeatable.

    Networks read features as the user has them; training divides features by powers of two, as `Dataset` does.

    Raises: SpecError, when the layers do not fit the samples or each other.
    """

    def __init__(self, learner: Learner) -> None:
        self.learner, self.spec, self.data, self.progress = learner, learner.spec, learner.data, learner.progress
        self.layers = tuple(parse_layer(text) for text in self.spec.network.layers)
        if self.layers:
            try:
                self.shapes = sizes_through(self.layers, self.shape)
            except ValueError as error:
                raise SpecError(f"network.layers: {error}") from error
            need = BYTES_PER_VALUE * self.spec.train.batch_size * sum(math.prod(shape) for shape in self.shapes)
            if need > memory_of_machine():
                raise TrainError(f"network.layers: training needs about {need / 1e9:,.1f} GB; use fewer channels")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a sample.

        Raises: SpecError, when the features are not those of such images.
        """
        features, given = len(self.data.scale), self.spec.network.shape
        side = math.isqrt(features)
        shape = given or (1, side, side)
        if math.prod(shape) != features:
            found = "x".join(map(str, shape)) if given else "null"
            raise SpecError(
                f"network.shape: {found}, but a sample has {features:,} features; give channels, height and width"
            )
        return shape

    def dense(self) -> tuple[Network, ImportReport, float]:
        """Train the network that the spec's layers describe.

        Returns: the network on raw features, how it agrees with the PyTorch module, and its validation accuracy.
        """
        from netgen import train
        from netgen.importer.read import example_of, read_with_report

        spec = self.spec
        module = train.Shaped.seeded(
            self.layers, self.shape, self.data.classes, batch_norm=spec.network.batch_norm, seed=spec.seed
        )
        accuracy = train.train_dense(
            module.to(train.device_of(spec.train.device)),
            self.data,
            self.learner.recipe(),
            epochs=spec.train.epochs,
            seed=spec.seed,
            samples=self.learner.samples(),
            progress=self.progress,
        )
        network, report = read_with_report(module.cpu().eval(), example_of([self.data.train.features]), seed=spec.seed)
        return self._on_raw(network), replace(report, source="network.layers"), accuracy

    def pruned(self, network: Network) -> tuple[Network, float, float]:
        """Prune and retrain; a placer follows the network where the spec asks for one.

        Args:
            network: on raw features.
        Returns: the network on raw features, and its validation accuracy, 0 to 1, before and after.
        """
        from netgen import train
        from netgen.nn.trainable import TrainableNetwork

        spec = self.spec
        module = TrainableNetwork(self._on_scaled(network))
        before = train.accuracy_of(module, self.data.validation)
        placer = Follower(spec.place, moves=spec.prune.place_moves, seed=spec.seed).sites
        pruning = train.NetworkPruning(
            module,
            self._samples(module),
            self.learner.recipe(),
            spec.prune,
            train.Penalty.of(spec.train),
            seed=spec.seed,
            placer=placer if self.learner.follows else None,
        )
        found, accuracy = train.prune_and_retrain_network(
            pruning, self.data, epochs=spec.prune.retrain, progress=self.progress
        )
        return self._on_raw(found), before, accuracy

    def _samples(self, module: "TrainableNetwork") -> "Samples":
        """The training samples, with the scores of the network before pruning where the spec distills them."""
        samples = self.learner.samples()
        if not self.spec.prune.distill:
            return samples
        return samples.with_teacher(module.eval(), self.spec.prune.temperature)

    def _on_raw(self, network: Network) -> Network:
        """The same function of raw features, which are divided by the scale of the data."""
        return _scaled(network, self.data.scale)

    def _on_scaled(self, network: Network) -> Network:
        """The same function of features as training sees them."""
        return _scaled(network, 1 / self.data.scale)


def _scaled(network: Network, factor: Reals) -> Network:
    """The network that reads x where the given one reads `x * factor`; factors are powers of two, so it is exact."""
    fresh, layers = fresh_of(network), []
    for layer in network.layers:
        entering = layer.source < network.features
        if layer.gather == "max" and entering.any() and (factor != 1).any():
            raise TrainError(f"layer {layer.name}: a maximum of inputs cannot be trained; put a layer before it")
        of_wire = np.where(entering, factor[np.where(entering, layer.source, 0)], 1.0)
        layers.append(scaled(layer, of_wire, layer.bias, fresh))
    return replace(network, layers=tuple(layers))
