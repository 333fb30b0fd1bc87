"""Regularizers: what a weight costs while a network is trained, and the step that pays for it.

All are sums of `price * |w|` or `price * w^2 / 2` over the wires. After each step of the optimizer every weight moves
by the proximal step of its cost, so that Adam's scaling does not change what a wire is charged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor


@dataclass(frozen=True)
class Regularizer:
    """A cost of weights.

    Attributes:
        order: 1 for |w|, which drives weights to zero; 2 for w^2 / 2, which only shrinks them.
        by_distance: whether the price is the wire's length to a power, rather than 1.
    """

    order: int
    by_distance: bool

    def price(self, distance: Tensor, power: float) -> Tensor:
        """What each weight is charged, of the shape of `distance`, the Manhattan distance of its two neurons."""
        return distance**power if self.by_distance else torch.ones_like(distance)

    def cost(self, weight: Tensor, price: Tensor) -> Tensor:
        """The cost of all weights together, a scalar."""
        return (price * weight.abs()).sum() if self.order == 1 else (price * weight**2).sum() / 2

    def shrink(self, weight: Tensor, price: Tensor, step: float) -> None:
        """Move weights, in place, to where half the squared way plus `step` times their cost is least.

        Source: Parikh and Boyd 2014 (proximal operators; soft thresholding for order 1).
        """
        if self.order == 1:
            most = step * price
            weight.sub_(torch.clamp(weight, -most, most))
        else:
            weight.div_(1 + step * price)


REGULARIZERS: Mapping[str, Regularizer | None] = MappingProxyType(
    {
        "none": None,
        "l1": Regularizer(order=1, by_distance=False),
        "l2": Regularizer(order=2, by_distance=False),
        "distance": Regularizer(order=1, by_distance=True),
        "distance_l2": Regularizer(order=2, by_distance=True),
    }
)
"""Regularizers by the name that a spec gives them; `distance` is the paper's (Blake et al. 2018), as we read it."""
