"""From circuit to operator graph: how sums are built, and shared between neurons."""

from netgen.lower.lower import SHARING, Sharing, lower

__all__ = ["SHARING", "Sharing", "lower"]
