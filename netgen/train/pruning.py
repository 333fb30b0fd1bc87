"""Joint training, pruning and placement: weights follow short wires, neurons follow the remaining weights.

```text
for each round:
    place the network again, starting from the last placement     (follow)
    several times:
        measure sensitivity, select weights within the target     (keep)
        adjust the rest, regrow, remove dead neurons
        train; a proximal step of the penalty follows each step   (descent)
```

Weights may be tied: one that many wires share is penalized for the length of all of them, and ranked by what it costs
the loss for each unit of that length.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_swa_multi_avg_fn

from netgen.errors import TrainError
from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.ir.netlist import Netlist
from netgen.nn.defaults import torch_defaults
from netgen.nn.trainable import TrainableLayer, TrainableNetwork
from netgen.spec.sections import PruneSpec
from netgen.train.fit import Descent, Recipe
from netgen.train.gates import Decisions, gates_needed, weigh_blocks
from netgen.train.penalty import NO_PENALTY, Penalized, Penalty
from netgen.train.prune import MOST_PLACEMENT_WEIGHT, RULES, placement_weights
from netgen.train.regrow import GRADIENT_SAMPLES, regrow
from netgen.train.removal import remove_dead_neurons, remove_wires
from netgen.train.samples import Batch, Samples
from netgen.train.schedule import PruningSchedule, PruningTarget
from netgen.train.select import Candidates, select_apart
from netgen.train.sensitivity import Sensitivity, sensitivity_of
from netgen.train.toggles import TOGGLE_SAMPLES, toggles_of

__all__ = ["Pruning", "Sites", "netlist_of_module"]

Sites = Callable[[Netlist, Sequence[int]], list[Words]]
"""Place a netlist, starting from its last placement: of each layer the sites, (n, 3), in units of the pitch.

The second argument is the number of neurons of each layer, the inputs first, dead ones counted."""

MOST_REPEATS = 4
"""How often a pruning to a wire length is repeated when maxima keep the length above its target."""
KEPT_FIRST = 1e30
"""Second derivative of a weight that is kept before all others."""
GATE_SAMPLES = 4_000
"""Samples on which the decisions of gates are counted: a share of 1/4 is known to within 0.7 percentage points."""
NORMALIZED_SAMPLES = 2_000
"""Samples that give the first means and variances of normalization."""


class Pruning:
    """A network that is trained and pruned, round by round.

    Args:
        normalize: whether sums without batch normalization get one, once no weights are tied.
        placer: that follows the network; None prunes without placement.
        functions: whether the shape of activation functions is trained, once weights are not tied.
        widths: bits of the inputs' words and of all other words, by which toggles are counted.

    Attributes:
        module: the network.
        descent: trains the network.
        sites: of each layer, (n, 3), under the current placement; None before the first.
        first_length: wire length under the first placement; 0 before it.

    Raises: TrainError, when the network has no weights but 0, or `prune.fan_in` has not one number for each layer with
        weights.
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
        normalize: bool = True,
        placer: Sites | None = None,
        functions: bool = False,
        widths: tuple[int, int] = (8, 6),
    ) -> None:
        if not any(len(layer.source) for layer in network.sums):
            raise TrainError("prune: all weights of the network are 0 already; train it before")
        if isinstance(spec.fan_in, tuple) and len(spec.fan_in) != len(network.sums):
            layers = ", ".join(layer.like.name for layer in network.sums)
            raise TrainError(f"prune.fan_in: {len(spec.fan_in)} numbers for the layers {layers}; give one for each")
        self.module, self.samples, self.recipe, self.spec, self.seed = network, samples, recipe, spec, seed
        self.penalty, self.placer, self.normalize, self.functions = penalty, placer, normalize, functions
        self.widths = widths
        self._random = torch.Generator().manual_seed(seed)
        self.sites: list[Words] | None = None
        self.first_length = 0.0
        fan_in = tuple(int(np.diff(layer.like.starts).max()) for layer in network.sums)
        self.schedule = PruningSchedule(spec, sum(layer.like.wires for layer in network.sums), fan_in, self.wires)
        self._coefficients: list[Tensor] = []
        self._toggles: Reals | None = None
        self._decisions = Decisions(np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.bool_))
        self._running = {layer.first: np.ones(len(layer.source)) for layer in network.parts}
        weigh_blocks(network, list(self._running.values()))
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
        """Wire length under the current placement, maxima and selections included; 0 before the first placement.

        With gates, each wire counts for the share of the samples that need it.
        """
        if self.sites is None:
            return 0.0
        return float(sum(self._wire_lengths(layer).sum() for layer in self.module.parts))

    @torch_defaults()
    def round(self, number: int) -> None:
        """Place again, then prune and train in turns; rounds count from 1.

        Raises: TrainError, when no path from an input to an output is left.
        """
        self.follow()
        steps = self.spec.epochs * self.descent.per_epoch
        prunings = self.spec.steps if self.spec.schedule == "gradual" else 1
        for part in range(prunings):
            self.prune((number - 1 + (part + 1) / prunings) / self.spec.rounds)
            now = steps * (part + 1) // prunings - steps * part // prunings
            self.descent.run(now, self._after_step)

    @torch_defaults()
    def follow(self) -> None:
        """Place the network again, once it has at most `place_at` wires."""
        if self.placer is None or self.wires > self.spec.place_at:
            return
        self._measure_signals()
        netlist = replace(netlist_of_module(self.module), weight=self._placement_weights())
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
        self._measure_signals()
        if self.sites is not None:
            target = replace(target, length=target.length * self._length_of_sums() / max(self.length, 1.0))
        candidates = [
            Candidates(weight, self._guarded(layer, curvature), *self._shares(layer), layer.like.wires)
            for layer, weight, curvature in zip(self.module.sums, found.weight, found.curvature, strict=True)
        ]
        kept = select_apart(target, self.spec, candidates, self._gated(), share=1 - self.spec.regrow)
        if found.surgeon is not None:
            found.surgeon.compensate(self.module, kept)
        for layer, values in zip(self.module.sums, found.saliency, strict=True):
            layer.saliency = values
        optimizer = self.descent.optimizer
        remove_wires(self.module, kept, optimizer)
        if self.spec.regrow:
            regrow(self.module, target, self._batch(GRADIENT_SAMPLES), self._lengths, optimizer)
        remove_dead_neurons(self.module, optimizer)
        if self._untie():
            self._restart()
        self._restart_mean()
        self._renew_coefficients()

    def _guarded(self, layer: TrainableLayer, curvature: Reals) -> Reals:
        """Second derivatives of a layer's weights; of an exit's gate, those by which wires from scores are kept first.

        Only by these few wires, from the early scores and their maximum, does the gate see how sure the answer is, and
        a gate changes the loss by its decisions, of which second derivatives say little. Scores are known by having no
        function, and no readers that are sums but gates.
        """
        if not layer.is_gate:
            return curvature
        hidden = [part.first + part.rows for part in self.module.sums if part.activation]
        read = [part.source for part in self.module.sums if not part.is_gate]
        other = np.concatenate([np.arange(self.module.like.features), *hidden, *read])
        margin = np.bincount(layer.parameter, ~np.isin(layer.source, other), len(layer.weight)) > 0
        return np.where(margin, KEPT_FIRST, curvature)

    def _gated(self) -> list[Bools]:
        """For each layer of sums whether gates switch off all wires of a parameter, (p,)."""
        needed = zip(self.module.parts, gates_needed(self.module), strict=True)
        return [
            np.bincount(layer.parameter, ~own.any(axis=0), len(layer.weight)) == 0
            for layer, own in needed
            if layer.gathers_sums
        ]

    def _untie(self) -> bool:
        """Untie the weights once there are at most `untie_at` wires; returns whether that happened now."""
        if not any(layer.tied for layer in self.module.sums) or self.wires > self.spec.untie_at:
            return False
        self.module.untie()
        return True

    def _restart(self) -> None:
        """Begin the descent anew, with normalization of untied sums."""
        layers = [layer for layer in self.module.sums if layer.activation]
        untied = not any(layer.tied for layer in self.module.sums)
        if self.normalize and untied and any(layer.norm is None for layer in layers):
            self.module.normalize(self._batch(NORMALIZED_SAMPLES).features)
        if self.functions and untied:
            self.module.train_functions()
        self.descent = Descent(self.module, self.samples, self.recipe, seed=self.seed)
        self._mean: AveragedModel | None = None
        self._restart_mean()

    def _length_of_sums(self) -> float:
        return float(sum(self._wire_lengths(layer).sum() for layer in self.module.sums))

    def _wire_lengths(self, layer: TrainableLayer) -> Reals:
        """Length of each wire of a layer in the mean over the samples, (m,); 1 for 1 before the first placement."""
        return self._distances(layer) * self._running[layer.first]

    def _distances(self, layer: TrainableLayer) -> Reals:
        """Length of each wire of a layer, (m,); 1 before the first placement."""
        return self._lengths(layer.source, layer.first + layer.target)

    def _lengths(self, source: Words, target: Words) -> Reals:
        """Length of wires between neurons by their numbers, (m,); 1 before the first placement, 0 without a site."""
        if self.sites is None:
            return np.ones(len(source))
        points = np.concatenate(self.sites)
        apart: Reals = np.abs(points[source] - points[target]).sum(axis=1).astype(np.float64)
        return np.where((points[source, 0] < 0) | (points[target, 0] < 0), 0.0, apart)

    def _shares(self, layer: TrainableLayer) -> tuple[Reals, Reals, Reals, Words | None]:
        """Wires of each parameter, their length and cost, and the fan-in of each neuron unless weights are tied."""
        lengths = self._wire_lengths(layer)
        count, length, cost = (
            np.bincount(layer.parameter, own, len(layer.weight)).astype(np.float64)
            for own in (np.ones(len(lengths)), lengths, lengths * self._relative_toggles(layer))
        )
        if layer.tied:
            return count, length, cost, None
        fan_in = np.bincount(np.searchsorted(layer.rows, layer.target), minlength=len(layer.rows))
        return count, length, cost, fan_in.astype(np.int64)

    def _measure_signals(self) -> None:
        """Measure how often gates let each wire be computed and, where the penalty uses them, the toggles of neurons.

        Toggles are in units of their mean over the wires. Long wires count more in this mean, so that the wires
        together cost as much as without toggles.
        """
        if len(self.module.gates):
            self._decisions = Decisions.of(self.module, self._batch(GATE_SAMPLES).features)
        self._renew_running()
        if not self.penalty.by_toggles:
            return
        found = toggles_of(self.module, self._batch(TOGGLE_SAMPLES).features, self.widths)
        lengths = [self._wire_lengths(layer) for layer in self.module.sums]
        busy = sum(float(own @ found[layer.source]) for own, layer in zip(lengths, self.module.sums, strict=True))
        self._toggles = found * (sum(float(own.sum()) for own in lengths) / busy) if busy else np.ones_like(found)

    def _renew_running(self) -> None:
        """Find the share of the samples that need each wire, by the last decisions of the gates."""
        shares = self._decisions.shares(self.module)
        self._running = {layer.first: own for layer, own in zip(self.module.parts, shares, strict=True)}

    def _relative_toggles(self, layer: TrainableLayer) -> Reals:
        """Toggles of the signal of each wire, (m,), in units of their mean; 1 where the penalty does not use them."""
        return np.ones(len(layer.source)) if self._toggles is None else self._toggles[layer.source]

    def _placement_weights(self) -> Words | None:
        """Placement weight of each wire, the greater the more often it is computed and toggles; None for equal ones."""
        weights = None if self.spec.place_share is None else self._weights_by_saliency()
        if self._toggles is None and not len(self.module.gates):
            return weights
        activity = np.concatenate(
            [self._relative_toggles(layer) * self._running[layer.first] for layer in self.module.parts]
        )
        return np.rint(activity * (MOST_PLACEMENT_WEIGHT if weights is None else weights)).astype(np.int64).clip(1)

    def _weights_by_saliency(self) -> Words:
        """Placement weight of each wire by its saliency; of those of maxima and selections the greatest."""
        by_wire = [
            values[layer.parameter] / np.bincount(layer.parameter)[layer.parameter]
            for values, layer in zip(self._sensitivity().saliency, self.module.sums, strict=True)
        ]
        assert self.spec.place_share is not None
        found = placement_weights(by_wire, self.spec.place_share)
        weights, most = iter(found), max(int(w.max(initial=1)) for w in found)
        return np.concatenate(
            [next(weights) if layer.gathers_sums else np.full(len(layer.source), most) for layer in self.module.parts]
        )

    def _sensitivity(self) -> Sensitivity:
        """Sensitivity of the current weights, or of their mean since the last pruning."""
        module = self.module if self._mean is None else self._mean.module
        assert isinstance(module, TrainableNetwork)
        blocks = self.wires <= self.spec.place_at
        return sensitivity_of(module, RULES[self.spec.rule], lambda size: self._batch(size).features, blocks=blocks)

    def _batch(self, size: int) -> Batch:
        """At most `size` random samples of one view."""
        return next(self.samples.stream(size, int(torch.randint(1 << 30, (1,), generator=self._random))))

    def _restart_mean(self) -> None:
        """Start a new mean of the weights, once there are at most `average_at` of them."""
        if self.spec.average_at is not None and self.wires <= self.spec.average_at:
            self._mean = AveragedModel(self.module, multi_avg_fn=get_swa_multi_avg_fn())  # type: ignore[no-untyped-call]

    def _renew_coefficients(self) -> None:
        """Penalty coefficient of each parameter, in single precision where the network is."""
        self._renew_running()
        layers = self.module.sums
        weigh_blocks(self.module, [self._distances(layer) for layer in self.module.parts])
        penalized = [
            Penalized(
                torch.from_numpy(self._distances(layer)),
                torch.from_numpy(layer.parameter),
                len(layer.weight),
                None if layer.saliency is None else torch.from_numpy(layer.saliency),
                torch.from_numpy(self._relative_toggles(layer)),
                torch.from_numpy(self._running[layer.first]),
            )
            for layer in layers
        ]
        found = self.penalty.coefficients(penalized, placed=self.placed, done=self._done)
        self._coefficients = [own.to(layer.weight) for own, layer in zip(found, layers, strict=False)]

    def _after_step(self) -> None:
        """Follow a step of the optimizer by the proximal step of the penalty, and update the mean."""
        weights = [layer.weight.data for layer in self.module.sums]
        self.penalty.proximal_step(weights, self._coefficients, self.descent.rate)
        if self._mean is not None:
            self._mean.update_parameters(self.module)


def netlist_of_module(network: TrainableNetwork) -> Netlist:
    """The netlist of the neurons that have wires, with signals of one bit; layer 0 is that of the inputs.

    `layer` and `index` number the neurons of the network that the module was made of.
    """
    names = {layer.name: number for number, layer in enumerate(network.like.layers, 1)}
    source = np.concatenate([layer.source for layer in network.parts])
    target = np.concatenate([layer.first + layer.target for layer in network.parts])
    first = np.array([0, *(layer.first for layer in network.parts)])
    depth = np.array([0, *(names[layer.like.name] for layer in network.parts)])
    own = np.unique(np.concatenate([source, target]))
    number = np.full(network.like.neurons, -1, dtype=np.int64)
    number[own] = np.arange(len(own))
    block = np.searchsorted(first, own, side="right") - 1
    return Netlist(
        layer=depth[block],
        index=own - first[block],
        source=number[source],
        target=number[target],
        width=np.ones_like(source),
    )
