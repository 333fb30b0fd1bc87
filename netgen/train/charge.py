"""What a spec charges for weights while a network is pruned, and how it is collected."""

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
"""By what a charge is multiplied when so much of the rounds, 0 to 1, is done; its mean is 1."""


@dataclass(frozen=True)
class Charge:
    """What a spec charges for weights, by the name of its regularizer."""

    regularizer: str
    strength: float
    power: float
    schedule: str = "steady"
    reweight_at: int | None = None

    @classmethod
    def of(cls, spec: TrainSpec) -> "Charge":
        """The charge that a spec asks for."""
        return cls(spec.regularizer, spec.strength, spec.distance_power, spec.strength_schedule, spec.reweight_at)

    def prices(
        self,
        mlp: Mlp,
        distances: Sequence[Tensor] | None,
        done: float = 0.5,
        saliencies: Sequence[Tensor] | None = None,
    ) -> list[Tensor]:
        """What each weight costs, per layer (n_out, n_in); nothing at all before there are distances to charge for.

        Args:
            done: how much of the rounds, 0 to 1.
            saliencies: by how much the loss would rise; looked at from `reweight_at` wires on.
        """
        rule, strength = REGULARIZERS[self.regularizer], self.strength * SCHEDULES[self.schedule](done)
        if rule is None or not strength or (rule.by_distance and distances is None):
            return []
        distances = distances or [torch.ones_like(layer.mask) for layer in mlp.masked]
        prices = [strength * rule.price(distance, self.power) for distance in distances]
        if saliencies is None or self.reweight_at is None or mlp.wires > self.reweight_at:
            return prices
        tells = [saliency / distance.clamp(min=1) for saliency, distance in zip(saliencies, distances, strict=True)]
        shares = _shares(tells, [layer.mask > 0 for layer in mlp.masked])
        return [price * share for price, share in zip(prices, shares, strict=True)]

    def collect(self, mlp: Mlp, prices: Sequence[Tensor], rate: float) -> None:
        """Move the weights by the proximal step of their cost, at a learning rate."""
        rule = REGULARIZERS[self.regularizer]
        if rule is not None and prices:
            with torch.no_grad():
                for layer, price in zip(mlp.masked, prices, strict=True):
                    rule.shrink(layer.weight.data, price, rate)


def _shares(tells: Sequence[Tensor], there: Sequence[Tensor]) -> list[Tensor]:
    """By what the price of each wire is multiplied, 1 in their mean: the more a wire tells, the less.

    The root of what it tells stands in for |w|, in units of the loss: half the greatest price at the median, falling to
    nothing. So what is to stay is not held down, and what is to go is pushed out.

    Source: Candes, Wakin and Boyd 2008 (reweighted l1), whose weights are 1 / (|w| + e); the measure is our own.
    """
    sizes = [tell.clamp(min=0).sqrt() for tell in tells]
    wires = torch.cat([size[mask] for size, mask in zip(sizes, there, strict=True)])
    middle = wires.median().clamp(min=torch.finfo(wires.dtype).tiny)
    mean = (1 / (1 + wires / middle)).mean()
    return [1 / (1 + size / middle) / mean for size in sizes]


NO_CHARGE = Charge("none", 0.0, 1.0)
