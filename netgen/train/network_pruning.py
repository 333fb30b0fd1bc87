"""Rounds of training, pruning and placing for any network, whose weights may be tied.

A weight that many wires share is penalized for the length of all of them, and ranked by what it costs the loss for each
unit of that length.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from netgen.errors import TrainError
from netgen.ir.fixed import Reals, Words
from netgen.ir.netlist import Netlist
from netgen.nn.defaults import torch_defaults
from netgen.nn.trainable import TrainableLayer, TrainableNetwork
from netgen.spec.sections import PruneSpec
from netgen.train.fit import Descent, Recipe
from netgen.train.penalty import NO_PENALTY, SCHEDULES, Penalty, reweighting
from netgen.train.prune import RULES, placement_weights
from netgen.train.regularize import REGULARIZERS
from netgen.train.removal import remove_parameters
from netgen.train.rounds import PruningRounds
from netgen.train.samples import Samples
from netgen.train.schedule import PruningSchedule, PruningTarget
from netgen.train.second_derivatives import curvature_of_parameters
from netgen.train.select import Candidates, select_parameters
from netgen.train.sensitivity import HESSIAN_SAMPLES
from netgen.train.surgeon import NetworkSurgeon

__all__ = ["NetworkPruning", "Sites", "netlist_of_module"]

Sites = Callable[[Netlist, Sequence[int]], list[Words]]
"""Place a netlist, starting from its last placement: of each layer the sites, (n, 3), in units of the pitch.

The second argument is the number of neurons of each layer, the inputs first, dead ones counted."""

CURVATURE_WIRES = 100_000_000
"""Wires times samples on which second derivatives are computed, and at least `FEWEST` samples."""
FEWEST = 1_000
MOST_REPEATS = 4
"""How often a pruning to a wire length is repeated when maxima keep the length above its target."""
NORMALIZED_SAMPLES = 2_000
"""Samples that give the first means and variances of normalization."""


@dataclass(frozen=True, eq=False)
class ParameterSensitivity:
    """Parameters and second derivatives of each layer with weights, (p,); the blocks for rules that adjust."""

    weight: list[Reals]
    curvature: list[Reals]
    surgeon: NetworkSurgeon | None

    @property
    def saliency(self) -> list[Reals]:
        """Twice the rise of the loss, to second order, when each parameter is set to zero."""
        return [h * w**2 for h, w in zip(self.curvature, self.weight, strict=True)]


class NetworkPruning(PruningRounds):
    """A network that is trained and pruned, round by round.

    Args:
        placer: that follows the network; None prunes without placement.

    Attributes:
        sites: of each layer, (n, 3), under the current placement; None before the first.
        first_length: wire length under the first placement; 0 before it.
    """

    def __init__(
        self,
        network: TrainableNetwork,
        samples: Samples,
        recipe: Recipe,
        spec: PruneSpec,
        penalty: Penalty = NO_PENALTY,
        *,
        seed: int,
        placer: Sites | None = None,
    ) -> None:
        if spec.regrow:
            raise TrainError("prune.regrow: only perceptrons are regrown so far; set it to 0")
        if isinstance(spec.fan_in, tuple) and len(spec.fan_in) != len(network.sums):
            layers = ", ".join(layer.like.name for layer in network.sums)
            raise TrainError(f"prune.fan_in: {len(spec.fan_in)} numbers for the layers {layers}; give one for each")
        self.module, self.samples, self.recipe, self.spec, self.seed = network, samples, recipe, spec, seed
        self.penalty, self.placer = penalty, placer
        self._random = torch.Generator().manual_seed(seed)
        self.sites: list[Words] | None = None
        self.first_length = 0.0
        fan_in = tuple(int(np.diff(layer.like.starts).max()) for layer in network.sums)
        self.schedule = PruningSchedule(spec, sum(layer.like.wires for layer in network.sums), fan_in, self.wires)
        self._coefficients: list[Tensor] = []
        self._done = 0.0
        self._untie()
        self._restart()

    @property
    def wires(self) -> int:
        """Wires of sums: those that pruning can remove."""
        return sum(len(layer.source) for layer in self.module.sums)

    @property
    def placed(self) -> bool:
        """Whether there is a placement."""
        return self.sites is not None

    @property
    def length(self) -> float:
        """Wire length under the current placement, maxima included; 0 before the first placement."""
        if self.sites is None:
            return 0.0
        return float(sum(self._wire_lengths(layer).sum() for layer in self.module.parts))

    @torch_defaults()
    def follow(self) -> None:
        """Place the network again, once it has at most `place_at` wires."""
        if self.placer is None or self.wires > self.spec.place_at:
            return
        netlist = netlist_of_module(self.module)
        if self.spec.place_share is not None:
            netlist = replace(netlist, weight=self._placement_weights())
        sizes = [self.module.like.features, *map(len, self.module.like.layers)]
        self.sites = self.placer(netlist, sizes)
        self.first_length = self.first_length or self.length
        self._renew_coefficients()

    def prune(self, done: float) -> None:
        """Prune to the target of the schedule when a share `done` of it, 0 to 1, is done."""
        self._done = done
        target = self.schedule.target(done, None if self.sites is None else self.first_length)
        self.keep(target)
        by_length = self.sites is not None and target.count is None and target.fan_in is None
        for _ in range(MOST_REPEATS):  # only maxima, whose wires go with the neurons that they read, need a second time
            if not by_length or self.length <= target.length:
                break
            self.keep(target)

    @torch_defaults()
    def keep(self, target: PruningTarget) -> None:
        """Prune to a target, and remove dead neurons.

        Raises: TrainError, when no path from an input to an output is left.
        """
        found = self._sensitivity()
        if self.sites is not None:
            target = replace(target, length=target.length * self._length_of_sums() / max(self.length, 1.0))
        candidates = [
            Candidates(weight, curvature, *self._shares(layer), layer.like.wires)
            for layer, weight, curvature in zip(self.module.sums, found.weight, found.curvature, strict=True)
        ]
        kept = select_parameters(target, self.spec, candidates, share=1.0)
        if found.surgeon is not None:
            found.surgeon.compensate(self.module, kept)
        for layer, values in zip(self.module.sums, found.saliency, strict=True):
            layer.saliency = values
        remove_parameters(self.module, kept, self.descent.optimizer)
        if self._untie():
            self._restart()
        self._restart_mean()
        self._renew_coefficients()

    def _untie(self) -> bool:
        """Untie the weights once there are at most `untie_at` wires; returns whether that happened now."""
        if not any(layer.tied for layer in self.module.sums) or self.wires > self.spec.untie_at:
            return False
        self.module.untie()
        return True

    def _restart(self) -> None:
        """Begin the descent anew, with normalization of untied sums."""
        if not any(layer.tied for layer in self.module.sums):
            self.module.normalize(self._features(NORMALIZED_SAMPLES))
        self.descent = Descent(self.module, self.samples, self.recipe, seed=self.seed)
        self._mean: AveragedModel | None = None
        self._restart_mean()

    def _length_of_sums(self) -> float:
        return float(sum(self._wire_lengths(layer).sum() for layer in self.module.sums))

    def _wire_lengths(self, layer: TrainableLayer) -> Reals:
        """Length of each wire of a layer, (m,); 1 before the first placement."""
        if self.sites is None:
            return np.ones(len(layer.source))
        points = np.concatenate(self.sites)
        apart: Reals = np.abs(points[layer.source] - points[layer.first + layer.target]).sum(axis=1).astype(np.float64)
        return apart

    def _shares(self, layer: TrainableLayer) -> tuple[Reals, Reals, Words | None]:
        """Wires of each parameter, their length, and the fan-in of each neuron unless weights are tied."""
        count = np.bincount(layer.parameter, minlength=len(layer.weight)).astype(np.float64)
        length: Reals = np.bincount(layer.parameter, self._wire_lengths(layer), len(layer.weight)).astype(np.float64)
        if layer.tied:
            return count, length, None
        fan_in = np.bincount(np.searchsorted(layer.rows, layer.target), minlength=len(layer.rows))
        return count, length, fan_in.astype(np.int64)

    def _placement_weights(self) -> Words:
        """Placement weight of each wire; of those of maxima the greatest."""
        saliencies = self._sensitivity().saliency
        by_wire = [
            values[layer.parameter] / np.bincount(layer.parameter)[layer.parameter]
            for values, layer in zip(saliencies, self.module.sums, strict=True)
        ]
        everything = [np.ones(len(values), dtype=np.bool_) for values in by_wire]
        assert self.spec.place_share is not None
        weights = iter(placement_weights(by_wire, everything, self.spec.place_share))
        most = max(int(w.max(initial=1)) for w in placement_weights(by_wire, everything, self.spec.place_share))
        return np.concatenate(
            [next(weights) if layer.gathers_sums else np.full(len(layer.source), most) for layer in self.module.parts]
        )

    def _sensitivity(self) -> ParameterSensitivity:
        """Sensitivity of the current weights, or of their mean since the last pruning."""
        module = self.module if self._mean is None else self._mean.module
        assert isinstance(module, TrainableNetwork)
        module.eval()
        rule, surgeon = RULES[self.spec.rule], None
        if rule.adjusts and self.wires <= self.spec.place_at:
            surgeon = NetworkSurgeon.of(module, self._features(HESSIAN_SAMPLES))
            curvature = surgeon.curvature(module)
        elif rule.curvature:
            size = max(CURVATURE_WIRES // max(self.wires, 1), FEWEST)
            curvature = curvature_of_parameters(module, self._features(min(size, HESSIAN_SAMPLES)))
        else:
            curvature = [np.ones(len(layer.weight)) for layer in module.sums]
        weight = [layer.weight.detach().double().numpy() for layer in module.sums]
        return ParameterSensitivity(weight, curvature, surgeon)

    def _features(self, size: int) -> Tensor:
        """At most `size` random samples of one view, (n, features)."""
        return next(self.samples.stream(size, int(torch.randint(1 << 30, (1,), generator=self._random)))).features

    def _restart_mean(self) -> None:
        """Start a new mean of the weights, once there are at most `average_at` of them."""
        if self.spec.average_at is not None and self.wires <= self.spec.average_at:
            self._mean = AveragedModel(self.module)

    def _renew_coefficients(self) -> None:
        """Penalty coefficient of each parameter: the sum of those of its wires."""
        rule = REGULARIZERS[self.penalty.regularizer]
        strength = self.penalty.strength * SCHEDULES[self.penalty.schedule](self._done)
        self._coefficients = []
        if rule is None or not strength or (rule.by_distance and self.sites is None):
            return
        layers = self.module.sums
        lengths = [torch.from_numpy(self._wire_lengths(layer)) for layer in layers]
        wires = [rule.coefficient(length, self.penalty.power) for length in lengths]
        sums = [
            torch.zeros(len(layer.weight), dtype=torch.float64).index_add_(0, torch.from_numpy(layer.parameter), own)
            for layer, own in zip(layers, wires, strict=True)
        ]
        coefficients = [strength * own.float() for own in sums]
        if self.penalty.reweights(self.wires) and all(layer.saliency is not None for layer in layers):
            densities = [
                torch.from_numpy(layer.saliency / np.maximum(self._shares(layer)[1], 1.0)).float() for layer in layers
            ]
            factors = reweighting(densities, [torch.ones_like(density).bool() for density in densities])
            coefficients = [a * b for a, b in zip(coefficients, factors, strict=True)]
        self._coefficients = coefficients

    def _after_step(self) -> None:
        """Follow a step of the optimizer by the proximal step of the penalty, and update the mean."""
        rule = REGULARIZERS[self.penalty.regularizer]
        if rule is not None and self._coefficients:
            with torch.no_grad():
                for layer, coefficient in zip(self.module.sums, self._coefficients, strict=True):
                    rule.proximal_step(layer.weight.data, coefficient, self.descent.rate)
        if self._mean is not None:
            self._mean.update_parameters(self.module)


def netlist_of_module(network: TrainableNetwork) -> Netlist:
    """The netlist of the neurons that are left, with signals of one bit; layer 0 is that of the inputs.

    `layer` and `index` number the neurons of the network that the module was made of.
    """
    names = {layer.name: number for number, layer in enumerate(network.like.layers, 1)}
    number = np.full(network.like.neurons, -1, dtype=np.int64)
    own = [network.inputs, *(layer.first + layer.rows for layer in network.parts)]
    number[np.concatenate(own)] = np.arange(sum(map(len, own)))
    depths = [0, *(names[layer.like.name] for layer in network.parts)]
    source = number[np.concatenate([layer.source for layer in network.parts])]
    return Netlist(
        layer=np.concatenate([np.full(len(o), depth) for o, depth in zip(own, depths, strict=True)]),
        index=np.concatenate([network.inputs, *(layer.rows for layer in network.parts)]),
        source=source,
        target=number[np.concatenate([layer.first + layer.target for layer in network.parts])],
        width=np.ones_like(source),
    )
