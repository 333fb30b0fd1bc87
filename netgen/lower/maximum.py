"""The greatest of some words: a tree of comparisons, in which words that another always exceeds have no place."""

import heapq
from collections.abc import Sequence

from netgen.lower.builder import OperatorBuilder, Term
from netgen.operators.kinds import Larger


def add_greatest(builder: OperatorBuilder, words: Sequence[int], constant: int | None, index: int) -> int:
    """Add the operators that give the greatest of some words and a constant; return the number of the result.

    Args:
        words: distinct operators, none of them constant.
        constant: None for no constant; there is one, or a word.
    """
    least = max([*(builder.range_of(word)[0] for word in words), *([] if constant is None else [constant])])
    left = [word for word in words if builder.range_of(word)[1] > least]
    if not left:
        return builder.constant(least)
    bounded = any(builder.range_of(word)[0] == least for word in left)

    def make() -> Term:
        numbers = left if bounded else [*left, builder.constant(least)]
        heap = [(builder.levels[number], builder.operators[number].width, number) for number in numbers]
        heapq.heapify(heap)
        while len(heap) > 1:
            (_, _, a), (_, _, b) = heapq.heappop(heap), heapq.heappop(heap)
            number = builder.add(Larger(), min(a, b), max(a, b), index=index)
            heapq.heappush(heap, (builder.levels[number], builder.operators[number].width, number))
        return Term(heap[0][-1])

    return builder.repeated(("greatest", None if bounded else least), left, index, make).operator
