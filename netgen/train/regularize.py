"""Regularizers: the penalty of weights while a network is trained, and its proximal step.

Each penalty is a sum of `c * |w|` or `c * w^2 / 2` over the weights, `c` being a weight's penalty coefficient. The
proximal step follows each step of the optimizer, so Adam's scaling of gradients does not scale the penalty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor


@dataclass(frozen=True)
class Regularizer:
    """A penalty of weights.

    Attributes:
        order: 1 for |w|, which makes weights exactly zero; 2 for w^2 / 2, which only makes them smaller.
        by_distance: whether a coefficient is the wire's length to a power, rather than 1.
        by_toggles: whether it is also proportional to the toggles of the wire's signal.
    """

    order: int
    by_distance: bool
    by_toggles: bool = False

    def coefficient(self, distance: Tensor, power: float) -> Tensor:
        """Penalty coefficient of each weight, of the shape of `distance`.

        Args:
            distance: Manhattan distance of the two neurons of each weight.
        """
        return distance**power if self.by_distance else torch.ones_like(distance)

    def penalty(self, weight: Tensor, coefficient: Tensor) -> Tensor:
        """Penalty of all weights together, a scalar."""
        return (coefficient * weight.abs()).sum() if self.order == 1 else (coefficient * weight**2).sum() / 2

    def proximal_step(self, weight: Tensor, coefficient: Tensor, step: float) -> None:
        """Replace each weight w, in place, by the x that minimizes (x - w)^2 / 2 + step * penalty(x).

        Source: Parikh and Boyd 2014 (proximal operators; soft thresholding for order 1).
        """
        if self.order == 1:
            most = step * coefficient
            weight.sub_(torch.clamp(weight, -most, most))
        else:
            weight.div_(1 + step * coefficient)


REGULARIZERS: Mapping[str, Regularizer | None] = MappingProxyType(
    {
        "none": None,
        "l1": Regularizer(order=1, by_distance=False),
        "l2": Regularizer(order=2, by_distance=False),
        "distance": Regularizer(order=1, by_distance=True),
        "distance_l2": Regularizer(order=2, by_distance=True),
        "toggles": Regularizer(order=1, by_distance=True, by_toggles=True),
    }
)
"""Regularizers by the name that a spec gives them; `distance` is that of Blake et al. 2018, as we read the paper.

`toggles` penalizes the energy of wires (length times toggles, Grover 2014), which is our own."""
