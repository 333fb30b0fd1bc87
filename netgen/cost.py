"""What operators take of an FPGA, without synthesis."""

from collections.abc import Sequence

from netgen.operators import Operator, OperatorGraph


def adder_bits(operator: Operator, sources: Sequence[Operator]) -> int:
    """Bits of a sum that need an adder: not those that are one source's, as they are."""
    low = operator.left[1] if operator.left[0] == 0 else 0
    if operator.kind == "add" and low >= sources[0].width and not sources[0].signed:
        return 0
    return max(operator.width - low, 0)


def bits_of(graph: OperatorGraph) -> int:
    """Bits of all adders."""
    at = graph.operators
    return sum(adder_bits(op, [at[s] for s in op.sources]) for op in at if op.kind in ("add", "subtract"))
