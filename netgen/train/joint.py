"""Train, prune and re-place in turn, so that weights move to where wires are short and neurons to where weights are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Bools
from netgen.spec.sections import PruneSpec, per_layer
from netgen.train.charge import NO_CHARGE, Charge
from netgen.train.cut import cut
from netgen.train.fit import Descent, Recipe
from netgen.train.look import Look, look_at
from netgen.train.mlp import Mlp, array_of
from netgen.train.prune import RULES, Weights, counts_of, keep_into, keep_of, keep_within, split_like
from netgen.train.saliency import slopes_of
from netgen.train.samples import Batch, Samples

Distances = Callable[[Sequence[Bools], Sequence[Words]], list[Reals]]
"""Places a network anew, near where its neurons lay before, and measures between all of them.

Takes the masks of its layers, (n_out, n_in) bool, and how much a step of each wire counts, none when all count alike;
returns, of the same shapes, the Manhattan distance between the two neurons, and 0 where one of them has no site."""

STEEPEST_ON = 5_000
"""Samples on which slopes are taken."""
DENSE_SHARE = 0.3
"""Share of the rounds that a target of wire length spends on the way down to what can be placed."""
KEPT_PER_ROUND = 0.75
"""When accuracy decides, every round keeps this share of the weights that are left."""


@dataclass(frozen=True)
class Target:
    """What is to be left: so many wires, so many into each neuron of each layer, or, with neither, so much length."""

    count: int | None = None
    fan_in: tuple[int, ...] | None = None
    length: float = 0.0


def _between(start: float, end: float, done: float) -> float:
    """On the way from a start down to an end, in equal ratios; the start, where it lies below."""
    return start * float((min(end, start) / start) ** done)


class Pruning:
    """A network that is being trained and pruned, round by round.

    Args:
        distances: the placer to follow; None prunes without one.
    """

    def __init__(
        self,
        mlp: Mlp,
        samples: Samples,
        recipe: Recipe,
        spec: PruneSpec,
        charge: Charge = NO_CHARGE,
        *,
        seed: int,
        distances: Distances | None = None,
    ) -> None:
        self.mlp, self.samples, self.recipe, self.spec, self.seed = mlp, samples, recipe, spec, seed
        self.charge, self.measure = charge, distances
        self.descent = Descent(mlp, samples, recipe, seed=seed)
        self.dense = mlp.weights_total
        self.begin = self.wires
        self.distances: list[Reals] | None = None
        self.longest = 0.0
        self._prices: list[Tensor] = []
        self._saliencies: list[Reals] | None = None
        self._mean: AveragedModel | None = None
        self._average_anew()
        self._done = 0.0
        self._random = torch.Generator().manual_seed(seed)
        self._parts = spec.steps if spec.schedule == "gradual" else 1
        self._first = max(round(DENSE_SHARE * spec.rounds), 1) if self.begin > spec.place_at else 0

    @property
    def wires(self) -> int:
        """Weights that are left."""
        return self.mlp.wires

    @property
    def length(self) -> float:
        """Wire length under the placement of now; 0 as long as there is none."""
        if self.distances is None:
            return 0.0
        return sum(float(d[mask].sum()) for d, mask in zip(self.distances, self.mlp.masks(), strict=True))

    def round(self, number: int) -> None:
        """Re-place, then prune and train in turns; rounds count from 1."""
        self.follow()
        steps = self.spec.epochs * self.descent.per_epoch
        for part in range(self._parts):
            self.prune((number - 1 + (part + 1) / self._parts) / self.spec.rounds)
            self.descent.run(steps * (part + 1) // self._parts - steps * part // self._parts, self._collect)

    def follow(self) -> None:
        """Let the placer follow what has changed, once there are few enough wires to be placed."""
        if self.measure is not None and self.wires <= self.spec.place_at:
            self.distances = self.measure(self.mlp.masks(), self._counts())
            self.longest = self.longest or self.length
            self._charge_anew()

    def prune(self, done: float) -> None:
        """Prune to where the schedule wants to be when so much of it, 0 to 1, is done."""
        self._done = done
        self.keep(self._target(done))

    def keep(self, target: Target) -> None:
        """Keep what a target asks for, and cut what is dead.

        Raises: TrainError, when nothing is left.
        """
        look = self._looked()
        masks = self._chosen(target, 1 - self.spec.regrow, look)
        self._saliencies = self._spread(look.saliency)
        if look.surgeon is not None:
            look.surgeon.compensate(self.mlp, masks)
        self._mask(masks)
        if self.spec.regrow:
            self._regrow(target)
        cut(self.mlp, self.descent.optimizer)
        self._average_anew()
        self._charge_anew()

    def _target(self, done: float) -> Target:
        """What is to be left when so much of the schedule is done."""
        spec = self.spec
        if spec.sparsity is not None:
            return Target(count=round(self.dense * (1 - spec.sparsity * (1 - (1 - done) ** 3))))
        if spec.accuracy is not None:
            return Target(count=round(self.dense * KEPT_PER_ROUND ** (spec.rounds * done)))
        if spec.wires is not None:
            return Target(count=round(_between(self.begin, spec.wires, done)))
        if spec.fan_in is not None:
            sizes = self.mlp.sizes
            wanted = per_layer(spec.fan_in, len(sizes) - 1)
            return Target(fan_in=tuple(round(_between(a, b, done)) for a, b in zip(sizes[:-1], wanted, strict=True)))
        assert spec.wire_length is not None
        dense = self._first / spec.rounds
        if done <= dense or self.distances is None:
            return Target(count=round(_between(self.begin, spec.place_at, min(done / max(dense, 1e-9), 1.0))))
        return Target(length=_between(max(self.longest, 1.0), spec.wire_length, (done - dense) / (1 - dense)))

    def _chosen(self, target: Target, share: float, look: Look) -> list[Bools]:
        """New masks: the best weights by the spec's rule, within `share` of a target."""
        layers = range(len(self.mlp.masked))
        single = self.spec.scope == "layer" or target.fan_in is not None
        groups = [[k] for k in layers] if single else [list(layers)]
        masks = [layer.mask.cpu().numpy() > 0 for layer in self.mlp.masked]
        local = self._local()
        rule = RULES[self.spec.rule]
        kept: list[Bools] = []
        whole = float(sum(d[m].sum() for d, m in zip(local, masks, strict=True)))
        for group in groups:
            lengths = np.concatenate([local[k][masks[k]] for k in group])
            weights = Weights(
                np.concatenate([look.weight[k][masks[k]] for k in group]),
                np.maximum(lengths, 1.0) ** self.spec.distance_power,
                np.concatenate([look.curvature[k][masks[k]] for k in group]),
            )
            if target.fan_in is not None:
                kept.append(keep_into(rule, weights, masks[group[0]].sum(axis=1), target.fan_in[group[0]]))
            elif target.count is not None:
                size = sum(self.mlp.sizes[k] * self.mlp.sizes[k + 1] for k in group)
                kept.append(keep_of(rule, weights, round(share * target.count * size / self.dense)))
            else:
                most = share * target.length * lengths.sum() / max(whole, 1.0)
                kept.append(keep_within(rule, weights, lengths, most))
        return split_like(np.concatenate(kept), masks)

    def _regrow(self, target: Target) -> None:
        """Switch pruned wires on again, at weight 0: where the loss is steepest for each unit of their length.

        Source: after RigL (Evci et al. 2020), per unit of wire; our own.
        """
        batch = self._batch(STEEPEST_ON)
        slopes = slopes_of(self.mlp, batch.features, batch.labels)
        masks, local = [layer.mask.cpu().numpy() > 0 for layer in self.mlp.masked], self._local()
        steep = [
            np.where(~masks[k], np.abs(array_of(slope)) / np.maximum(local[k], 1.0), -1.0)
            for k, slope in enumerate(slopes)
        ]
        flat, lengths = np.concatenate([s.ravel() for s in steep]), np.concatenate([d.ravel() for d in local])
        order = np.argsort(-flat, kind="stable")[: int((flat > 0).sum())]
        if target.count is not None:
            order = order[: max(target.count - self.wires, 0)]
        else:
            room = target.length - float(sum(d[m].sum() for d, m in zip(local, masks, strict=True)))
            order = order[np.cumsum(lengths[order]) <= room]
        grown = np.zeros(len(flat), dtype=np.bool_)
        grown[order] = True
        parts = np.split(grown, np.cumsum([m.size for m in masks])[:-1])
        for layer, mask, part in zip(self.mlp.masked, masks, parts, strict=True):
            new = part.reshape(mask.shape)
            layer.weight.data[torch.from_numpy(new).to(layer.mask.device)] = 0.0
            layer.mask.copy_(torch.from_numpy(mask | new))

    def _mask(self, masks: Sequence[Bools]) -> None:
        for layer, mask in zip(self.mlp.masked, masks, strict=True):
            layer.mask.copy_(torch.from_numpy(mask))

    def _counts(self) -> list[Words]:
        """How much each wire counts for the placer, per layer (n_out, n_in) of what there was at first."""
        if self.spec.place_share is None:
            return []
        return counts_of(self._spread(self._looked().saliency), self.mlp.masks(), self.spec.place_share)

    def _looked(self) -> Look:
        """A look at the weights of now, or at their mean."""
        mlp = self.mlp if self._mean is None else self._mean.module
        assert isinstance(mlp, Mlp)
        operate = self.wires <= self.spec.place_at
        return look_at(mlp, self.spec.rule, lambda size: self._batch(size).features, operate=operate)

    def _average_anew(self) -> None:
        """Begin the mean of the weights anew, as they are."""
        if self.spec.average_at is not None and self.wires <= self.spec.average_at:
            self._mean = AveragedModel(self.mlp)

    def _batch(self, size: int) -> Batch:
        """Some samples of one view to look at, all of them at most."""
        return next(self.samples.stream(size, int(torch.randint(1 << 30, (1,), generator=self._random))))

    def _local(self) -> list[Reals]:
        """Distances between the neurons that are still held, per layer; 1 everywhere before there is a placement."""
        if self.distances is None:
            return [np.ones(tuple(layer.mask.shape)) for layer in self.mlp.masked]
        return self._held(self.distances)

    def _held(self, whole: Sequence[Reals]) -> list[Reals]:
        """Of values of what there was at first, per layer (n_out, n_in), those of the neurons that are still held."""
        kept = [k.numpy() for k in self.mlp.kept]
        return [values[np.ix_(kept[k + 1], kept[k])] for k, values in enumerate(whole)]

    def _spread(self, held: Sequence[Reals]) -> list[Reals]:
        """The reverse; zeros where a neuron is gone."""
        return [self.mlp.spread(values, depth) for depth, values in enumerate(held)]

    def _charge_anew(self) -> None:
        distances = self._tensors(self.distances)
        self._prices = self.charge.prices(self.mlp, distances, self._done, self._tensors(self._saliencies))

    def _tensors(self, whole: Sequence[Reals] | None) -> list[Tensor] | None:
        """What is held of some values, as the network computes."""
        device = self.mlp.masked[0].weight.device
        return None if whole is None else [torch.from_numpy(v).float().to(device) for v in self._held(whole)]

    def _collect(self) -> None:
        self.charge.collect(self.mlp, self._prices, self.descent.rate)
        if self._mean is not None:
            self._mean.update_parameters(self.mlp)
