"""A proven lower bound on the wire length, with the data that verifies the proof."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from netgen.ir.fixed import Words

__all__ = ["Certificate"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """A claim that no placement of a netlist on a grid, within its regions, has a wire length below `bound`.

    Attributes:
        bound: proven lower bound on the wire length.
        method: the bound in `netgen.place.bounds` that proves it.
        witness: int64 arrays by name, from which `netgen.place.verify` proves the bound independently.
    """

    bound: int
    method: str
    witness: Mapping[str, Words] = field(default_factory=lambda: MappingProxyType({}))

    def ratio(self, length: int) -> float:
        """Return an upper bound on `length` divided by the optimum; 1 for a proven optimum."""
        return 1.0 if length == self.bound else length / self.bound if self.bound else float("inf")
