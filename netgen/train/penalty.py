"""The penalty that a spec puts on weights during pruning: its coefficients and its proximal step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from netgen.spec.sections import TrainSpec
from netgen.train.regularize import REGULARIZERS, Regularizer

SCHEDULES: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {"steady": lambda _: 1.0, "rising": lambda done: 2 * done, "falling": lambda done: 2 * (1 - done)}
)
"""Factor of the strength as a function of the share of the rounds that is done, 0 to 1; its mean is 1."""


@dataclass(frozen=True, eq=False)
class Penalized:
    """The parameters of one layer, each the weight of one or more wires.

    Attributes:
        length: (m,) of each wire.
        parameter: (m,) int64, the index of each wire's parameter.
        saliency: (p,) of each parameter; None where it is not known.
        weights: p, the number of parameters.
        toggles: (m,) of the signal of each wire, in any unit; None where a penalty does not use them.
        running: (m,) share of the samples for which gates let each wire be computed; None for all.
    """

    length: Tensor
    parameter: Tensor
    weights: int
    saliency: Tensor | None = None
    toggles: Tensor | None = None
    running: Tensor | None = None

    def mean(self, lengths: Tensor) -> Tensor:
        """Lengths of the wires, (m,), in the mean over the samples: 0 for those that do not need the wire."""
        return lengths if self.running is None else lengths * self.running

    def total(self, values: Tensor) -> Tensor:
        """The sum of some values of the wires, (m,), for each parameter, (p,)."""
        return values.new_zeros(self.weights).index_add_(0, self.parameter, values)


@dataclass(frozen=True)
class Penalty:
    """The penalty of a spec.

    Attributes:
        regularizer: a name in `REGULARIZERS`.
        strength: lambda, the factor of the penalty.
        power: power of the distance in the coefficients.
        schedule: a name in `SCHEDULES`.
        reweight_at: number of weights at or below which the penalty is reweighted by saliency; None for never.
    """

    regularizer: str
    strength: float
    power: float
    schedule: str = "steady"
    reweight_at: int | None = None

    @classmethod
    def of(cls, spec: TrainSpec) -> "Penalty":
        """The penalty that a spec asks for."""
        return cls(spec.regularizer, spec.strength, spec.distance_power, spec.strength_schedule, spec.reweight_at)

    def coefficients(self, layers: Sequence[Penalized], *, placed: bool, done: float = 0.5) -> list[Tensor]:
        """Penalty coefficient of each parameter, the sum of those of its wires: (p,) for each layer.

        An empty list when nothing is penalized. A penalty by distance begins with the first placement.

        Args:
            placed: whether there is a placement, which lengths are of.
            done: share of the rounds that is done, 0 to 1.
        """
        rule, strength = REGULARIZERS[self.regularizer], self.strength * SCHEDULES[self.schedule](done)
        if rule is None or not strength or (rule.by_distance and not placed):
            return []
        by_wire = self._busier(layers, [self._coefficient(rule, layer) for layer in layers])
        coefficients = [strength * layer.total(own) for layer, own in zip(layers, by_wire, strict=True)]
        saliencies = [layer.saliency for layer in layers if layer.saliency is not None]
        if len(saliencies) < len(layers) or not self.reweights(sum(len(layer.length) for layer in layers)):
            return coefficients
        costs = self._busier(layers, [layer.mean(layer.length) for layer in layers])
        lengths = [layer.total(cost).clamp(min=1) for layer, cost in zip(layers, costs, strict=True)]
        factors = reweighting([saliency / length for saliency, length in zip(saliencies, lengths, strict=True)])
        return [coefficient * factor for coefficient, factor in zip(coefficients, factors, strict=True)]

    def _coefficient(self, rule: Regularizer, layer: Penalized) -> Tensor:
        """Of each wire of a layer, (m,)."""
        found = rule.coefficient(layer.length, self.power)
        return layer.mean(found) if rule.by_distance else found

    @property
    def by_toggles(self) -> bool:
        """Whether lengths are weighed by the toggles of signals."""
        rule = REGULARIZERS[self.regularizer]
        return rule is not None and rule.by_toggles

    def _busier(self, layers: Sequence[Penalized], by_wire: Sequence[Tensor]) -> list[Tensor]:
        """Values of the wires, (m,) for each layer, times the toggles of their signals; the sum of all stays.

        As they are for a penalty without toggles.
        """
        toggles = [layer.toggles for layer in layers if layer.toggles is not None]
        if not self.by_toggles or len(toggles) < len(layers):
            return list(by_wire)
        busy = [own * rate for own, rate in zip(by_wire, toggles, strict=True)]
        total = sum(float(own.sum()) for own in busy)
        factor = sum(float(own.sum()) for own in by_wire) / total if total else 1.0
        return [factor * own for own in busy]

    def reweights(self, wires: int) -> bool:
        """Whether the penalty is reweighted: the network has at most `reweight_at` wires."""
        return self.reweight_at is not None and wires <= self.reweight_at

    def proximal_step(self, weights: Sequence[Tensor], coefficients: Sequence[Tensor], rate: float) -> None:
        """Take the proximal step of the penalty on the parameters of each layer, in place.

        Args:
            coefficients: as `coefficients` returns them.
            rate: learning rate.
        """
        rule = REGULARIZERS[self.regularizer]
        if rule is not None and coefficients:
            with torch.no_grad():
                for weight, coefficient in zip(weights, coefficients, strict=True):
                    rule.proximal_step(weight, coefficient, rate)


def reweighting(densities: Sequence[Tensor]) -> list[Tensor]:
    """Factor of the coefficient of each weight, with mean 1: the smaller, the more salient the weight.

    Before normalization the factor is 1 / (1 + s / median(s)) with s the square root of a weight's saliency per unit
    of length: 1 for a weight without saliency, 1/2 at the median, towards 0 for the most salient ones. So weights that
    will stay are hardly penalized, and weights that will be pruned are driven to zero.

    Args:
        densities: saliency per unit of length, (p,) for each layer.
    Source: Candes, Wakin and Boyd 2008 (reweighted l1), whose factors are 1 / (|w| + e); s in place of |w| is our own.
    """
    roots = [density.clamp(min=0).sqrt() for density in densities]
    active = torch.cat(roots)
    middle = active.median().clamp(min=torch.finfo(active.dtype).tiny)
    mean = (1 / (1 + active / middle)).mean()
    return [1 / (1 + root / middle) / mean for root in roots]


NO_PENALTY = Penalty("none", 0.0, 1.0)
