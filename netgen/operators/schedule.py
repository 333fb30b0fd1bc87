"""In which clock cycle each operator computes, and so where registers stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from netgen.errors import BuildError
from netgen.operators.graph import OperatorGraph

Pipeline = Literal["none", "layer", "levels", "cycles"]


@dataclass(frozen=True, eq=False)
class Schedule:
    """When operators compute, counted in cycles from the one in which a sample is accepted.

    A value that is read d cycles after its own goes through d registers, which all its readers share. So on every way
    from input to output a sample meets as many registers, and a new one may enter in every cycle.

    Attributes:
        cycle: of each operator; never less than that of its sources.
        latency: the cycle in which the outputs are there.
    """

    cycle: tuple[int, ...]
    latency: int

    def delays(self, graph: OperatorGraph) -> list[int]:
        """How many registers each operator's value goes through, for the last of its readers."""
        last = list(self.cycle)
        for number, operator in enumerate(graph.operators):
            for source in operator.sources:
                last[source] = max(last[source], self.cycle[number])
        for number in graph.outputs:
            last[number] = self.latency
        fixed = [graph.is_constant(number) for number in range(len(graph.operators))]
        return [0 if still else b - a for a, b, still in zip(self.cycle, last, fixed, strict=True)]

    def registers(self, graph: OperatorGraph) -> int:
        """Bits of registers for values; the valid bits are `latency` more."""
        return sum(op.width * d for op, d in zip(graph.operators, self.delays(graph), strict=True))


def schedule(
    graph: OperatorGraph, pipeline: Pipeline = "layer", *, steps: int = 1, long: Sequence[tuple[int, int]] = ()
) -> Schedule:
    """Cut a graph into cycles.

    Args:
        pipeline: `none`, registers nowhere; `layer`, behind each layer, and behind the arg-max; `levels`, after every
            `steps` levels of logic; `cycles`, in `steps` cycles with as many levels in each as can be.
        long: pairs of operator and reader between which one register more stands.
    Raises: BuildError, for a pipeline that does not exist, or too few steps.
    """
    if pipeline not in get_args(Pipeline):
        raise BuildError(f"pipeline {pipeline!r}; use one of {', '.join(get_args(Pipeline))}")
    if steps < 1:
        raise BuildError(f"{steps} steps of a pipeline; use 1 or more")
    base = _base_of(graph, pipeline, steps)
    crossed = frozenset(long)
    cycle: list[int] = []
    for number, operator in enumerate(graph.operators):
        before = (cycle[s] - base[s] + ((s, number) in crossed) for s in operator.sources if not graph.is_constant(s))
        cycle.append(base[number] + max(before, default=0))
    latency = max(cycle, default=0) + (pipeline != "none")
    return Schedule(tuple(cycle), max(latency, steps if pipeline == "cycles" else 0))


def _base_of(graph: OperatorGraph, pipeline: Pipeline, steps: int) -> list[int]:
    """The cycle of each operator, were no wire long."""
    if pipeline == "none":
        return [0] * len(graph.operators)
    if pipeline == "layer":
        return [max(operator.layer - 1, 0) for operator in graph.operators]
    levels = graph.levels
    deepest = max(levels, default=1)
    if pipeline == "levels":
        return [max(level - 1, 0) // steps for level in levels]
    return [max(level - 1, 0) * steps // max(deepest, 1) for level in levels]
