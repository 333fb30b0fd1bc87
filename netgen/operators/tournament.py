"""The part of the proof that finds the operator of the class; it shares no code with `netgen.lower` either."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netgen.ir.fixed import Interval
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import Constant, Greater, Operation, Select

__all__ = ["winner_of"]


@dataclass(frozen=True)
class _Best:
    """The operators that give the greatest of some scores, and its index; -1 where the graph has none."""

    score: int
    index: int
    range: Interval


def winner_of(graph: OperatorGraph, ranked: Sequence[int]) -> int:
    """Find the operator that gives the index of the greatest score, the lowest index on a tie; -1, if there is none.

    Args:
        ranked: the operators of the scores.

    The scores meet in a tournament, neighbors first; the later of two wins only if it is greater.
    """
    found: dict[tuple[Operation, tuple[int, ...]], int] = {
        (op.operation, op.sources): number
        for number, op in enumerate(graph.operators)
        if isinstance(op.operation, Greater | Select)
    }
    constants = {op.operation.value: n for n, op in enumerate(graph.operators) if isinstance(op.operation, Constant)}
    scores = enumerate(ranked)
    left = [_Best(score, constants.get(k, -1), graph.operators[score].range) for k, score in scores]
    while len(left) > 1:
        odd = left[len(left) & ~1 :]
        left = [_better(found, a, b) for a, b in zip(left[::2], left[1::2], strict=False)] + odd
    return left[0].index


def _better(found: Mapping[tuple[Operation, tuple[int, ...]], int], a: _Best, b: _Best) -> _Best:
    """Of two, b only if it is greater; by ranges alone where they decide."""
    if b.range[1] <= a.range[0]:
        return a
    if b.range[0] > a.range[1]:
        return b
    later = found.get((Greater(), (b.score, a.score)), -1)
    return _Best(
        found.get((Select(), (later, b.score, a.score)), -1),
        found.get((Select(), (later, b.index, a.index)), -1),
        (min(a.range[0], b.range[0]), max(a.range[1], b.range[1])),
    )
