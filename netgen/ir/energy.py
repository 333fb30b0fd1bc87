"""What one sample costs by a model of energy: parts by layer, kind and data, each with its unit, and their totals."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Energy", "EnergyPart", "Picojoules"]

Picojoules = tuple[float, float]
"""The least and the greatest energy that the published constants give, in pJ."""


@dataclass(frozen=True)
class EnergyPart:
    """One part of the energy of a sample.

    Attributes:
        layer: 0 for the inputs, 1 for the first layer after them; one above the last for the arg-max.
        kind: what spends it, such as `wires` or `DRAM`.
        data: what is moved, such as `weights`; empty where a kind has no such parts.
        unit: of the amount.
        amount: for one sample.
        picojoules: the range of the amount in pJ; None where the model was given no length in micrometres.
    """

    layer: int
    kind: str
    data: str
    unit: str
    amount: float
    picojoules: Picojoules | None


@dataclass(frozen=True)
class Energy:
    """The energy of one sample by one model.

    Attributes:
        model: `wires`, `eyeriss` or `fpga`.
        unit: that of the headline; parts in other units are not in `amount`.
        parts: at most one for each layer, kind and data.
        conditions: what the figure depends on, a line each.
    """

    model: str
    unit: str
    parts: tuple[EnergyPart, ...]
    conditions: tuple[str, ...]

    @property
    def amount(self) -> float:
        """The sum of all parts in the headline's unit."""
        return self.amount_of(unit=self.unit)

    @property
    def picojoules(self) -> Picojoules | None:
        """The range of all parts together; None where a part has none."""
        return self.picojoules_of()

    @property
    def layers(self) -> tuple[int, ...]:
        """The numbers of the layers, ascending."""
        return tuple(sorted({part.layer for part in self.parts}))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds, in the order in which the model names them."""
        return tuple(dict.fromkeys(part.kind for part in self.parts))

    def unit_of(self, kind: str) -> str:
        """The unit of a kind."""
        return next(part.unit for part in self.parts if part.kind == kind)

    def amount_of(
        self, *, layer: int | None = None, kind: str | None = None, data: str | None = None, unit: str | None = None
    ) -> float:
        """The sum of the parts that have this layer, kind, data and unit, as far as they are given."""
        chosen = _chosen(layer, kind, data, unit)
        return sum(part.amount for part in self.parts if chosen(part))

    def picojoules_of(
        self, *, layer: int | None = None, kind: str | None = None, data: str | None = None
    ) -> Picojoules | None:
        """The range of the parts that have this layer, kind and data; None where one of them has none."""
        chosen = _chosen(layer, kind, data, None)
        ranges = [part.picojoules for part in self.parts if chosen(part)]
        known = [one for one in ranges if one is not None]
        if len(known) < len(ranges):
            return None
        return sum(low for low, _ in known), sum(high for _, high in known)


def _chosen(layer: int | None, kind: str | None, data: str | None, unit: str | None) -> Callable[[EnergyPart], bool]:
    wanted = {"layer": layer, "kind": kind, "data": data, "unit": unit}
    given = {name: value for name, value in wanted.items() if value is not None}
    return lambda part: all(getattr(part, name) == value for name, value in given.items())
