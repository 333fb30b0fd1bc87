"""The penalty that a spec puts on weights during pruning: its coefficients and its proximal step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from netgen.spec.sections import TrainSpec
from netgen.train.mlp import Mlp
from netgen.train.regularize import REGULARIZERS

SCHEDULES: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {"steady": lambda _: 1.0, "rising": lambda done: 2 * done, "falling": lambda done: 2 * (1 - done)}
)
"""Factor of the strength as a function of the share of the rounds that is done, 0 to 1; its mean is 1."""


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

    def coefficients(
        self,
        mlp: Mlp,
        distances: Sequence[Tensor] | None,
        done: float = 0.5,
        saliencies: Sequence[Tensor] | None = None,
    ) -> list[Tensor]:
        """Penalty coefficient of each weight, per layer (n_out, n_in); an empty list when nothing is penalized.

        A penalty by distance begins with the first placement.

        Args:
            distances: of the two neurons of each weight, per layer (n_out, n_in); None before the first placement.
            done: share of the rounds that is done, 0 to 1.
            saliencies: of each weight, per layer (n_out, n_in); used at or below `reweight_at` weights.
        """
        rule, strength = REGULARIZERS[self.regularizer], self.strength * SCHEDULES[self.schedule](done)
        if rule is None or not strength or (rule.by_distance and distances is None):
            return []
        distances = distances or [torch.ones_like(layer.mask) for layer in mlp.masked]
        coefficients = [strength * rule.coefficient(distance, self.power) for distance in distances]
        if saliencies is None or not self.reweights(mlp.wires):
            return coefficients
        densities = [saliency / distance.clamp(min=1) for saliency, distance in zip(saliencies, distances, strict=True)]
        factors = reweighting(densities, [layer.mask > 0 for layer in mlp.masked])
        return [coefficient * factor for coefficient, factor in zip(coefficients, factors, strict=True)]

    def reweights(self, wires: int) -> bool:
        """Whether the penalty is reweighted: the network has at most `reweight_at` wires."""
        return self.reweight_at is not None and wires <= self.reweight_at

    def proximal_step(self, mlp: Mlp, coefficients: Sequence[Tensor], rate: float) -> None:
        """Take the proximal step of the penalty on all weights, in place.

        Args:
            coefficients: as `coefficients` returns them.
            rate: learning rate.
        """
        rule = REGULARIZERS[self.regularizer]
        if rule is not None and coefficients:
            with torch.no_grad():
                for layer, coefficient in zip(mlp.masked, coefficients, strict=True):
                    rule.proximal_step(layer.weight.data, coefficient, rate)


def reweighting(densities: Sequence[Tensor], masks: Sequence[Tensor]) -> list[Tensor]:
    """Factor of the coefficient of each weight, with mean 1 over the masks: the smaller, the more salient the weight.

    Before normalization the factor is 1 / (1 + s / median(s)) with s the square root of a weight's saliency per unit
    of length: 1 for a weight without saliency, 1/2 at the median, towards 0 for the most salient ones. So weights that
    will stay are hardly penalized, and weights that will be pruned are driven to zero.

    Args:
        densities: saliency per unit of length, per layer (n_out, n_in).
    Source: Candes, Wakin and Boyd 2008 (reweighted l1), whose factors are 1 / (|w| + e); s in place of |w| is our own.
    """
    roots = [density.clamp(min=0).sqrt() for density in densities]
    active = torch.cat([root[mask] for root, mask in zip(roots, masks, strict=True)])
    middle = active.median().clamp(min=torch.finfo(active.dtype).tiny)
    mean = (1 / (1 + active / middle)).mean()
    return [1 / (1 + root / middle) / mean for root in roots]


NO_PENALTY = Penalty("none", 0.0, 1.0)
