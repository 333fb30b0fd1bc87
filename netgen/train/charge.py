"""What a spec charges for weights while a network is pruned, and how it is collected."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from netgen.sections import TrainSpec
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

    @classmethod
    def of(cls, spec: TrainSpec) -> "Charge":
        """The charge that a spec asks for."""
        return cls(spec.regularizer, spec.strength, spec.distance_power, spec.strength_schedule)

    def prices(self, mlp: Mlp, distances: Sequence[Tensor] | None, done: float = 0.5) -> list[Tensor]:
        """What each weight costs, per layer (n_out, n_in); nothing at all before there are distances to charge for.

        Args:
            done: how much of the rounds, 0 to 1.
        """
        rule, strength = REGULARIZERS[self.regularizer], self.strength * SCHEDULES[self.schedule](done)
        if rule is None or not strength or (rule.by_distance and distances is None):
            return []
        distances = distances or [torch.ones_like(layer.mask) for layer in mlp.masked]
        return [strength * rule.price(distance, self.power) for distance in distances]

    def collect(self, mlp: Mlp, prices: Sequence[Tensor], rate: float) -> None:
        """Move the weights by the proximal step of their cost, at a learning rate."""
        rule = REGULARIZERS[self.regularizer]
        if rule is not None and prices:
            with torch.no_grad():
                for layer, price in zip(mlp.masked, prices, strict=True):
                    rule.shrink(layer.weight.data, price, rate)


NO_CHARGE = Charge("none", 0.0, 1.0)
