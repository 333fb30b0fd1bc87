"""The clock cycle in which each operator computes, and so the places of pipeline registers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from netgen.errors import BuildError
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import Hold

__all__ = ["Pipeline", "Schedule", "schedule"]

Pipeline = Literal["none", "layer", "levels", "cycles"]


@dataclass(frozen=True, eq=False)
class Schedule:
    """The cycles in which operators compute, counted from the cycle in which a sample is accepted.

    A value that is read d cycles after it is computed passes d registers, which all its readers share. So every path
    from input to output has the same number of registers, and a new sample may enter in every cycle. The gates of
    a `Hold` are computed by the cycle in which its register loads. Without a pipeline nothing is held.

    Attributes:
        cycle: the cycle of each operator, never less than that of its sources.
        latency: the cycle in which the outputs are valid.
        holds: whether the first register behind a `Hold` loads only where its gates are 1; else it loads as all others.
    """

    cycle: tuple[int, ...]
    latency: int
    holds: bool = True

    def delays(self, graph: OperatorGraph) -> list[int]:
        """The number of registers behind each operator, as many as its last reader needs."""
        last = list(self.cycle)
        for number, operator in enumerate(graph.operators):
            for source in operator.sources:
                last[source] = max(last[source], self.cycle[number])
        for number in graph.outputs:
            last[number] = self.latency
        constant = [graph.is_constant(number) for number in range(len(graph.operators))]
        return [0 if fixed else b - a for a, b, fixed in zip(self.cycle, last, constant, strict=True)]

    def registers(self, graph: OperatorGraph) -> int:
        """The bits of all registers that hold values; the valid bits are `latency` more."""
        return sum(op.width * d for op, d in zip(graph.operators, self.delays(graph), strict=True))


def schedule(
    graph: OperatorGraph, pipeline: Pipeline = "layer", *, steps: int = 1, long: Sequence[tuple[int, int]] = ()
) -> Schedule:
    """Assign operators to clock cycles.

    Args:
        pipeline: `none`: no registers. `layer`: registers behind each layer, and behind the arg-max. `levels`:
            registers after every `steps` levels of logic. `cycles`: a latency of `steps` cycles, with levels of logic
            distributed evenly. Blocks wait for their gates: the latency of both can be one cycle longer for each
            block on the way.
        long: pairs of operator and reader with an additional register between them, for long wires.
    Raises: BuildError, for an unknown pipeline, or fewer than 1 step.
    """
    if pipeline not in get_args(Pipeline):
        raise BuildError(f"pipeline {pipeline!r}; use one of {', '.join(get_args(Pipeline))}")
    if steps < 1:
        raise BuildError(f"{steps} steps of a pipeline; use 1 or more")
    base = _base_of(graph, pipeline, steps)
    delayed = frozenset(long)
    cycle: list[int] = []
    for number, operator in enumerate(graph.operators):
        sources = [s for s in operator.sources if not graph.is_constant(s)]
        before = [cycle[s] - base[s] + ((s, number) in delayed) for s in sources]
        if isinstance(operator.operation, Hold) and pipeline != "none":
            cycle.append(max(cycle[s] + ((s, number) in delayed) for s in sources))
            base[number] = cycle[number] - before[0]  # a reader waits for the gates only where it must
            continue
        held = (cycle[s] + 1 for s in sources if isinstance(graph.operators[s].operation, Hold) and pipeline != "none")
        cycle.append(max(base[number] + max(before, default=0), *held, 0))
    if pipeline != "none":
        _delay_holds(graph, cycle, max(cycle, default=0) + 1)
    latency = max(cycle, default=0) + (pipeline != "none")
    return Schedule(tuple(cycle), max(latency, steps if pipeline == "cycles" else 0), holds=pipeline != "none")


def _delay_holds(graph: OperatorGraph, cycle: list[int], latency: int) -> None:
    """Move each `Hold` behind the registers of the same value that others read, as far as its readers allow."""
    last, first = [0] * len(cycle), [latency] * len(cycle)
    for number in graph.outputs:
        last[number] = latency
    for number, operator in enumerate(graph.operators):
        for source in operator.sources:
            first[source] = min(first[source], cycle[number])
            if not isinstance(operator.operation, Hold):
                last[source] = max(last[source], cycle[number])
    for number, operator in enumerate(graph.operators):
        if isinstance(operator.operation, Hold):
            cycle[number] = min(first[number] - 1, max(cycle[number], last[operator.sources[0]]))


def _base_of(graph: OperatorGraph, pipeline: Pipeline, steps: int) -> list[int]:
    """The cycle of each operator when no wire is long."""
    if pipeline == "none":
        return [0] * len(graph.operators)
    if pipeline == "layer":
        return [max(operator.layer - 1, 0) for operator in graph.operators]
    levels = graph.levels
    deepest = max(levels, default=1)
    if pipeline == "levels":
        return [max(level - 1, 0) // steps for level in levels]
    return [max(level - 1, 0) * steps // max(deepest, 1) for level in levels]
