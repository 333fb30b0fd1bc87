"""From circuit to operator graph: how sums are built, shared and proved."""

from netgen.lower.lower import SHARING, lower

__all__ = ["SHARING", "lower"]
