"""A proven lower bound on the wire length, with what it takes to check the proof."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from netgen.ir.fixed import Words


@dataclass(frozen=True, eq=False)
class Certificate:
    """No placement of this netlist on this grid, within these regions, has shorter wires.

    Attributes:
        bound: proven lower bound on the wire length.
        method: the bound in `netgen.place.bounds` that proves it.
        witness: int64 arrays by name; what `netgen.place.recheck` needs to prove the bound anew.
    """

    bound: int
    method: str
    witness: Mapping[str, Words] = field(default_factory=lambda: MappingProxyType({}))

    def ratio(self, length: int) -> float:
        """How many times the optimum `length` is, at most; 1 for a proven optimum."""
        return 1.0 if length == self.bound else length / self.bound if self.bound else float("inf")
