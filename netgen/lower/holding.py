"""Blocks that a gate skips: what enters them passes a register that keeps its value while the gate is off.

The block of a gate are the operators whose every path to an output passes the word of a selection by this gate; where
the gate is off, nothing that they compute is read. So their inputs may keep their values, and nothing in the block
toggles. Whatever enters a block passes a `Hold`, which others do not read; in the block the register counts as the
value. Operators behind the gate's layer, and behind registers of the pipeline, form the block, so that the gate is
known when the registers load: a neuron whose layer is not all in the block shares sums with others, and stays outside.
"""

from collections import defaultdict

from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.kinds import Hold, Select, needs_logic

__all__ = ["with_holds"]

Gates = frozenset[int]
"""The operators that tell whether a gate is above 0."""


def with_holds(graph: OperatorGraph) -> OperatorGraph:
    """Add a `Hold` wherever a value enters a block that computes something."""
    gates = _gates_of(graph)
    inserted: dict[int, list[tuple[int, Gates]]] = defaultdict(list)
    known: set[tuple[int, Gates]] = set()
    for number, operator in enumerate(graph.operators):
        for source in dict.fromkeys(operator.sources):
            key = source, gates[number]
            if not graph.is_constant(source) and gates[number] - gates[source] and key not in known:
                known.add(key)
                inserted[number].append(key)
    return _renumbered(graph, gates, inserted) if known else graph


def _gates_of(graph: OperatorGraph) -> list[Gates]:
    """The gates in whose blocks each operator is."""
    at = graph.operators
    nothing: Gates = frozenset()
    passed: list[Gates | None] = [None] * len(at)
    for number in graph.outputs:
        passed[number] = nothing
    for number in reversed(range(len(at))):
        own = passed[number] or nothing
        passed[number] = own
        operator = at[number]
        for source in dict.fromkeys(operator.sources):
            through = own
            if isinstance(operator.operation, Select) and operator.sources.count(source) == 1:
                through = own | {operator.sources[0]} if operator.sources[1] == source else own
            before = passed[source]
            passed[source] = through if before is None else before & through
    found: list[Gates] = []
    for number, operator in enumerate(at):
        sources = [source for source in operator.sources if not graph.is_constant(source)]
        near = [found[source] for source in sources if at[source].layer == operator.layer]
        behind = {gate for gate in passed[number] or nothing if operator.layer > max(at[gate].layer, 1)}
        found.append(frozenset(behind).intersection(*near) if sources else nothing)
    useful = nothing.union(*(own for own, op in zip(found, at, strict=True) if needs_logic(op.operation)))
    return [own & useful for own in found]


def _renumbered(
    graph: OperatorGraph, gates: list[Gates], inserted: dict[int, list[tuple[int, Gates]]]
) -> OperatorGraph:
    """The graph with a `Hold` of each value, by gates, before the operator that is named; all readers read it."""
    new: list[int] = []
    holds: dict[tuple[int, Gates], int] = {}
    operators: list[Operator] = []
    for number, operator in enumerate(graph.operators):
        for source, own in inserted.get(number, ()):
            held = graph.operators[source]
            sources = new[source], *(new[gate] for gate in sorted(own))
            holds[source, own] = len(operators)
            operators.append(Operator(Hold(), sources, held.lo, held.hi, operator.layer, None))
        sources = tuple([holds.get((source, gates[number]), new[source]) for source in operator.sources])
        new.append(len(operators))
        operators.append(
            Operator(operator.operation, sources, operator.lo, operator.hi, operator.layer, operator.index)
        )
    words = tuple(tuple(new[number] for number in layer) for layer in graph.words)
    best = None if graph.best is None else new[graph.best]
    return OperatorGraph(tuple(operators), graph.inputs, words, best, tuple(new[number] for number in graph.scores))
