"""Plans of one sum: in which order its terms are added, which of two is subtracted, and where its constant goes.

A subtrahend is one's-complemented: of words from 0 to 15, `a - b` is computed as `a + (15 - b)`, where `15 - b` is `b`
with all bits inverted. No sum of words that are never negative is then negative, so no sign is extended, and no adder
needs an initial carry. The surplus, here 15, is subtracted once, from the constant of the sum.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from netgen.ir.fixed import Interval, bits_of
from netgen.operators.cost import adder_lut
from netgen.operators.kinds import Add, Subtract, range_of

CONSTANT_DEPTH = 3
"""Levels of adders below the last at which the constant of a sum may be added."""
LONG = 64
"""Terms above which a sum is planned in one order only; the constant then costs little beside the adders."""
CONSTANT = -2
"""The leaf number of a constant."""


@dataclass(frozen=True, slots=True)
class Summand:
    """A term of a sum, or a sum of terms, before its operators are added.

    Attributes:
        range: least and greatest value of its operator.
        shift, negative: its factor in the sum above, `2**shift` or `-2**shift`.
        surplus: the constant that its operator's value contains beside the terms.
        level: of its operator.
        cost: 6-input look-up tables of its adders.
        leaf: the number of a term, or `CONSTANT`; -1 for a sum.
        parts: the two nodes that are added; the second is subtracted when their signs differ.
        offset: the constant that its own adder adds.
    """

    range: Interval
    shift: int
    negative: bool
    surplus: int
    level: int
    cost: int
    leaf: int = -1
    parts: "tuple[Summand, Summand] | None" = None
    offset: int = 0

    @property
    def constant(self) -> int:
        """The surplus times the node's factor in the sum above."""
        return (-self.surplus if self.negative else self.surplus) << self.shift


Order = Callable[[Summand], tuple[int, ...]]
ORDERS: tuple[Order, ...] = (
    lambda node: (node.level, node.shift, node.range[1] - node.range[0]),
    lambda node: (node.level, node.range[1] - node.range[0], node.shift),
)
"""Which nodes are added first, within a level: those of the smallest shift, or the narrowest."""


def complement_offset(operand: Interval) -> int:
    """By how much inverting all bits of an operand differs from negating it, as an offset: `~b` is `offset - b`."""
    width, signed = bits_of(*operand)
    return -1 if signed else (1 << width) - 1


def join(a: Summand, b: Summand, *, complement: bool = True) -> Summand:
    """Plan the sum of two nodes, with the sign of the first.

    Args:
        complement: whether a subtrahend is one's-complemented; otherwise it is subtracted exactly.
    """
    minus = a.negative != b.negative
    if not minus and a.shift > b.shift:
        a, b = b, a
    base = min(a.shift, b.shift)
    left = (a.shift - base, b.shift - base)
    offset = complement_offset(b.range) << left[1] if minus and complement else 0
    operation = Subtract(left, offset) if minus else Add(left, offset)
    total = range_of(operation, (a.range, b.range))
    surplus = (a.surplus << left[0]) + (-b.surplus if minus else b.surplus) * (1 << left[1]) + offset
    cost = a.cost + b.cost + adder_lut(operation, a.range, b.range, total)
    return Summand(total, base, a.negative, surplus, max(a.level, b.level) + 1, cost, -1, (a, b), offset)


def fewest_levels(levels: Iterable[int]) -> int:
    """The lowest possible level of a sum of terms, at least one, that are at the given levels."""
    return (sum(1 << level for level in levels) - 1).bit_length()


def plan_sum(leaves: Sequence[Summand], added: int | None, within: int) -> Summand:
    """Find the plan of fewest levels, and of these the one of fewest look-up tables, whose root is not negated.

    Args:
        leaves: the terms, at least one; added: the constant of the sum; None for whichever is cheapest.
        within: the level up to which fewer levels are no advantage.
    """
    ways = [(ORDERS[0], True)] if len(leaves) > LONG else [(order, way) for order in ORDERS for way in (True, False)]
    roots = [root for order, complement in ways for root in _sums(leaves, order, complement=complement)]
    finished = [plan for root in roots for plan in _with_constant(root, added)]
    return min(finished, key=lambda plan: badness(plan, within))


def badness(plan: Summand, within: int) -> tuple[int, int, int]:
    """The key by which plans are compared; the best plan has the least."""
    return max(plan.level, within), plan.cost, plan.level


def _sums(leaves: Sequence[Summand], order: Order, *, complement: bool) -> list[Summand]:
    """Sums of all leaves in one order: at most one that is negated and one that is not."""
    heap = [(order(leaf), k, [leaf]) for k, leaf in enumerate(leaves)]
    heapq.heapify(heap)
    count = len(heap)
    while len(heap) > 1:
        first, second = heapq.heappop(heap)[-1], heapq.heappop(heap)[-1]
        best: dict[bool, Summand] = {}
        for a in first:
            for b in second:
                ways = ((a, b),) if a.negative == b.negative else ((a, b), (b, a))
                for node in (join(*way, complement=complement) for way in ways):
                    rival = best.get(node.negative)
                    if rival is None or node.cost < rival.cost:
                        best[node.negative] = node
        nodes = list(best.values())
        heapq.heappush(heap, (min(map(order, nodes)), count, nodes))
        count += 1
    return heap[0][-1]


def _with_constant(root: Summand, added: int | None) -> Iterator[Summand]:
    """Plans that are not negated, and whose constant is `added`, or any."""
    if added is None:
        zero = Summand((0, 0), root.shift, negative=False, surplus=0, level=0, cost=0, leaf=CONSTANT)
        yield join(zero, root) if root.negative else root
        return
    missing = added - root.constant
    if root.negative:
        yield _subtracted_from(root, missing)
    elif missing:
        yield from _with_constant_inside(root, missing, CONSTANT_DEPTH)
    else:
        yield root


def _with_constant_inside(node: Summand, missing: int, depth: int) -> Iterator[Summand]:
    """Plans in which a constant is added at the end, or to one of the terms up to `depth` levels below."""
    yield _plus_constant(node, missing)
    if depth and node.parts is not None:
        a, b = node.parts
        for part in _with_constant_inside(a, missing, depth - 1):
            yield join(part, b, complement=node.offset != 0)
        if not node.offset:  # an offset depends on the width of b, which the constant may change
            for part in _with_constant_inside(b, missing, depth - 1):
                yield join(a, part, complement=False)


def _plus_constant(node: Summand, missing: int) -> Summand:
    """A node plus a constant, with the sign of the node."""
    return join(node, _constant(-missing if node.negative else missing, negative=node.negative))


def _subtracted_from(node: Summand, missing: int) -> Summand:
    """A negated node, subtracted from a constant."""
    return join(_constant(missing - (complement_offset(node.range) << node.shift)), node)


def _constant(value: int, *, negative: bool = False) -> Summand:
    zeros = (value & -value).bit_length() - 1 if value else 0
    value >>= zeros
    return Summand((value, value), zeros, negative=negative, surplus=value, level=0, cost=0, leaf=CONSTANT)
