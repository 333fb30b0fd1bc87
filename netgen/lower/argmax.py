"""The class: a tree of comparisons in which the lower index wins a tie."""

from collections.abc import Sequence

from netgen.lower.builder import OperatorBuilder
from netgen.operators.kinds import Greater, Select


def add_argmax(builder: OperatorBuilder, scores: Sequence[int]) -> int:
    """Add a tournament of scores; return the operator that gives the index of the greatest."""
    left = [(score, builder.constant(k)) for k, score in enumerate(scores)]
    while len(left) > 1:
        odd = left[len(left) & ~1 :]
        left = [_better(builder, *a, *b) for a, b in zip(left[::2], left[1::2], strict=False)] + odd
    return left[0][1]


def _better(builder: OperatorBuilder, score: int, index: int, other: int, other_index: int) -> tuple[int, int]:
    (lo, hi), (other_lo, other_hi) = builder.range_of(score), builder.range_of(other)
    if other_hi <= lo:
        return score, index
    if other_lo > hi:
        return other, other_index
    later = builder.add(Greater(), other, score)
    return builder.add(Select(), later, other, score), builder.add(Select(), later, other_index, index)
