"""Joint training, pruning and placement: weights follow short wires, neurons follow the remaining weights.

```text
for each round:
    place the network again, starting from the last placement     (follow)
    several times:
        measure sensitivity, select weights within the target     (keep)
        adjust the rest, regrow, remove dead neurons
        train; a proximal step of the penalty follows each step   (descent)
```
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.nn.defaults import torch_defaults
from netgen.spec.sections import PruneSpec
from netgen.train.dead import remove_dead_neurons
from netgen.train.fit import Descent, Recipe
from netgen.train.mlp import Mlp
from netgen.train.penalty import NO_PENALTY, Penalty
from netgen.train.prune import RULES, placement_weights
from netgen.train.regrow import GRADIENT_SAMPLES, regrow
from netgen.train.rounds import PruningRounds
from netgen.train.samples import Batch, Samples
from netgen.train.schedule import PruningSchedule, PruningTarget
from netgen.train.select import select
from netgen.train.sensitivity import Sensitivity, sensitivity_of

Distances = Callable[[Sequence[Bools], Sequence[Words]], list[Reals]]
"""Place a network, starting from its last placement, and measure the distance between all neurons of adjacent layers.

Arguments: the masks of its layers, (n_out, n_in) bool, and the placement weight of each wire, (n_out, n_in) int64, or
empty for equal weights. Returns, of the same shapes, the Manhattan distance between the two neurons; 0 where
one of them has no site."""


class Pruning(PruningRounds):
    """A network that is trained and pruned, round by round.

    Arrays "of the dense network" are per layer (n_out, n_in) with rows and columns for dead neurons too; arrays "of the
    neurons that are left" have the shape of the layers' matrices.

    Args:
        distances: the placer that follows the network; None prunes without placement.

    Attributes:
        distances: of the dense network; None before the first placement.
        first_length: wire length under the first placement; 0 before it.
    """

    def __init__(
        self,
        mlp: Mlp,
        samples: Samples,
        recipe: Recipe,
        spec: PruneSpec,
        penalty: Penalty = NO_PENALTY,
        *,
        seed: int,
        distances: Distances | None = None,
    ) -> None:
        self.mlp, self.samples, self.recipe, self.spec, self.seed = mlp, samples, recipe, spec, seed
        self.penalty, self.placer = penalty, distances
        self.descent = Descent(mlp, samples, recipe, seed=seed)
        self.schedule = PruningSchedule.of_sizes(spec, mlp.sizes, mlp.wires)
        self.distances: list[Reals] | None = None
        self.first_length = 0.0
        self._coefficients: list[Tensor] = []
        self._saliencies: list[Reals] | None = None
        self._mean: AveragedModel | None = None
        self._restart_mean()
        self._done = 0.0
        self._random = torch.Generator().manual_seed(seed)

    @property
    def module(self) -> Mlp:
        """The network."""
        return self.mlp

    @property
    def placed(self) -> bool:
        """Whether there is a placement."""
        return self.distances is not None

    @property
    def wires(self) -> int:
        """Weights that the masks keep."""
        return self.mlp.wires

    @property
    def length(self) -> float:
        """Wire length under the current placement; 0 before the first placement."""
        if self.distances is None:
            return 0.0
        return sum(float(d[mask].sum()) for d, mask in zip(self.distances, self.mlp.masks(), strict=True))

    @torch_defaults()
    def follow(self) -> None:
        """Place the network again, once it has at most `place_at` wires."""
        if self.placer is not None and self.wires <= self.spec.place_at:
            self.distances = self.placer(self.mlp.masks(), self._placement_weights())
            self.first_length = self.first_length or self.length
            self._renew_coefficients()

    def prune(self, done: float) -> None:
        """Prune to the target of the schedule when a share `done` of it, 0 to 1, is done."""
        self._done = done
        self.keep(self.schedule.target(done, None if self.distances is None else self.first_length))

    @torch_defaults()
    def keep(self, target: PruningTarget) -> None:
        """Prune to a target, and remove dead neurons.

        Raises: TrainError, when no path from an input to an output is left.
        """
        sensitivity = self._sensitivity()
        masks = select(
            target,
            self.spec,
            sensitivity,
            [layer.mask.cpu().numpy() > 0 for layer in self.mlp.masked],
            self._distances_left(),
            sizes=self.mlp.sizes,
            share=1 - self.spec.regrow,
        )
        self._saliencies = self._to_dense(sensitivity.saliency)
        if sensitivity.surgeon is not None:
            sensitivity.surgeon.compensate(self.mlp, masks)
        for layer, mask in zip(self.mlp.masked, masks, strict=True):
            layer.mask.copy_(torch.from_numpy(mask))
        if self.spec.regrow:
            regrow(self.mlp, target, self._batch(GRADIENT_SAMPLES), self._distances_left())
        remove_dead_neurons(self.mlp, self.descent.optimizer)
        self._restart_mean()
        self._renew_coefficients()

    def _placement_weights(self) -> list[Words]:
        """Placement weight of each wire, of the dense network; empty for equal weights."""
        if self.spec.place_share is None:
            return []
        saliencies = self._to_dense(self._sensitivity().saliency)
        return placement_weights(saliencies, self.mlp.masks(), self.spec.place_share)

    def _sensitivity(self) -> Sensitivity:
        """Sensitivity of the current weights, or of their mean since the last pruning."""
        mlp = self.mlp if self._mean is None else self._mean.module
        assert isinstance(mlp, Mlp)
        blocks = self.wires <= self.spec.place_at
        return sensitivity_of(mlp, RULES[self.spec.rule], lambda size: self._batch(size).features, blocks=blocks)

    def _restart_mean(self) -> None:
        """Start a new mean of the weights, once there are at most `average_at` of them."""
        if self.spec.average_at is not None and self.wires <= self.spec.average_at:
            self._mean = AveragedModel(self.mlp)

    def _batch(self, size: int) -> Batch:
        """At most `size` random samples of one view."""
        return next(self.samples.stream(size, int(torch.randint(1 << 30, (1,), generator=self._random))))

    def _distances_left(self) -> list[Reals]:
        """Distances between the neurons that are left; 1 everywhere before the first placement."""
        if self.distances is None:
            return [np.ones(tuple(layer.mask.shape)) for layer in self.mlp.masked]
        return self._of_left(self.distances)

    def _of_left(self, dense: Sequence[Reals]) -> list[Reals]:
        """The part of arrays of the dense network that belongs to the neurons that are left."""
        kept = [k.numpy() for k in self.mlp.kept]
        return [values[np.ix_(kept[k + 1], kept[k])] for k, values in enumerate(dense)]

    def _to_dense(self, left: Sequence[Reals]) -> list[Reals]:
        """The inverse of `_of_left`, with zeros for dead neurons."""
        return [self.mlp.to_dense(values, depth) for depth, values in enumerate(left)]

    def _renew_coefficients(self) -> None:
        distances, saliencies = self._tensors(self.distances), self._tensors(self._saliencies)
        self._coefficients = self.penalty.coefficients(self.mlp, distances, self._done, saliencies)

    def _tensors(self, dense: Sequence[Reals] | None) -> list[Tensor] | None:
        """Arrays of the neurons that are left as tensors, single precision, on the network's device."""
        device = self.mlp.masked[0].weight.device
        return None if dense is None else [torch.from_numpy(v).float().to(device) for v in self._of_left(dense)]

    def _after_step(self) -> None:
        """Follow a step of the optimizer by the proximal step of the penalty, and update the mean."""
        self.penalty.proximal_step(self.mlp, self._coefficients, self.descent.rate)
        if self._mean is not None:
            self._mean.update_parameters(self.mlp)
