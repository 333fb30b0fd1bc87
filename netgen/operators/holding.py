"""What gates hold: the operators that keep their values for samples for which a gate is 0, found from the graph alone.

An operator keeps its value where all that it reads does: constants, a `Hold` of the gate, and operators that keep their
values themselves. This needs no knowledge of why holds are where they are, so it checks `netgen.lower`.
"""

from collections.abc import Mapping

from netgen.operators.claims import need
from netgen.operators.graph import Operator, OperatorGraph, trimmed
from netgen.operators.kinds import Hold, Input, Select
from netgen.operators.schedule import Schedule

__all__ = ["blocks_of", "check_holds", "released", "without_holds"]


def released(graph: OperatorGraph) -> OperatorGraph:
    """The same graph, in which nothing reads a `Hold`: readers read what it holds. Numbers stay."""
    origin = _origins(graph)
    if not origin:
        return graph
    operators = tuple(
        Operator(op.operation, tuple([origin.get(s, s) for s in op.sources]), op.lo, op.hi, op.layer, op.index)
        for op in graph.operators
    )
    return OperatorGraph(operators, graph.inputs, graph.words, graph.best, graph.scores)


def without_holds(graph: OperatorGraph) -> OperatorGraph:
    """The graph as it would be if nothing were held: readers of a `Hold` read what it holds, and it is not there."""
    free = released(graph)
    return trimmed(free.operators, free.words, free.best, inputs=free.inputs, scores=free.scores)


def _origins(graph: OperatorGraph) -> dict[int, int]:
    """What each `Hold` holds."""
    return {n: op.sources[0] for n, op in enumerate(graph.operators) if isinstance(op.operation, Hold)}


def blocks_of(graph: OperatorGraph, timing: Schedule) -> Mapping[int, tuple[int, ...]]:
    """The block of each gate: the operators whose registers keep their values for samples for which it is 0.

    A `Hold` counts where the schedule makes it one: its gates are known in the cycle in which its register loads, and
    the register stands before all that read it. Any other operator keeps its value where all that it reads does.

    Returns: by the operator that tests the gate; the holds of the gate are part of its block.
    """
    if not timing.holds:
        return {}
    cycle, readers = timing.cycle, graph.readers
    kept: list[frozenset[int] | None] = []  # None: by every gate, as a constant
    blocks: dict[int, list[int]] = {}
    for number, operator in enumerate(graph.operators):
        sources = [before for source in operator.sources if (before := kept[source]) is not None]
        own: frozenset[int] | None = frozenset.intersection(*sources) if sources else None
        if isinstance(operator.operation, Input):
            own = frozenset()
        elif isinstance(operator.operation, Hold):
            known = all(cycle[source] <= cycle[number] for source in operator.sources)
            loads = known and all(cycle[reader] > cycle[number] for reader in readers[number])
            own = frozenset(operator.sources[1:] if loads else ())
        kept.append(own)
        for gate in sorted(own or ()):
            blocks.setdefault(gate, []).append(number)
    return {gate: tuple(block) for gate, block in blocks.items()}


def check_holds(graph: OperatorGraph) -> None:
    """Show that what a `Hold` keeps is never read where one of its gates is 0.

    No path leads from a hold to an output without passing, for each of its gates, the word of a selection by the gate.
    The gate of such a selection may itself be held, by a gate by which the same then holds of the selection.

    Raises: CheckError, naming the hold.
    """
    at, origin = graph.operators, _origins(graph)
    holds: dict[int, list[int]] = {}
    for number in origin:
        gates = at[number].sources[1:]
        bits = all(at[gate].range == (0, 1) and gate not in origin for gate in gates)
        need(bits and len(set(gates)) == len(gates), f"operator {number}: held by operators {gates}, not by bits")
        for gate in gates:
            holds.setdefault(gate, []).append(number)
    for gate, own in holds.items():
        reached = set(own)
        for number, operator in enumerate(at):
            sources = list(operator.sources)
            if isinstance(operator.operation, Select) and origin.get(sources[0], sources[0]) == gate:
                sources.pop(1)  # the word, which is not read where the gate is 0
            if not reached.isdisjoint(sources):
                reached.add(number)
        shown = sorted(reached.intersection(graph.outputs))
        need(not shown, f"operator {gate}: lets outputs {shown} keep their values")
