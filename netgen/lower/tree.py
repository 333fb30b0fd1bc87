"""In which order the terms of one sum are added, which of two is taken away, and where the constant goes."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from netgen.ir.fixed import Range, bits_of
from netgen.operators.cost import adder_lut
from netgen.operators.kinds import Add, Subtract, range_of

DEPTH = 3
"""How many adders below the last a constant may be added."""
LONG = 64
"""Terms from which a sum is planned in one way only; a constant hardly counts in so many look-up tables."""
CONSTANT = -2
"""Stands for a constant among the leaves."""


@dataclass(frozen=True, slots=True)
class Node:
    """A term of a sum, or a sum of terms, before it is built.

    Attributes:
        reach: of the operator, which holds a constant, `extra`, beside its terms.
        shift, negative: how it enters the sum above.
        level: of the operator; cost: look-up tables of its adders.
        leaf: which term it is, or `CONSTANT`; -1 for a sum.
        parts: the two that are added; the second is taken away, when their signs differ.
        value: what their adder adds beside them.
    """

    reach: Range
    shift: int
    negative: bool
    extra: int
    level: int
    cost: int
    leaf: int = -1
    parts: "tuple[Node, Node] | None" = None
    value: int = 0

    @property
    def constant(self) -> int:
        """What it adds to the sum above beside its terms."""
        return (-self.extra if self.negative else self.extra) << self.shift


Order = Callable[[Node], tuple[int, ...]]
ORDERS: tuple[Order, ...] = (
    lambda node: (node.level, node.shift, node.reach[1] - node.reach[0]),
    lambda node: (node.level, node.reach[1] - node.reach[0], node.shift),
)
"""Which nodes are added first: those of the same shift, or the narrowest; each while there are few levels below."""


def turned(reach: Range) -> int:
    """What a term of a reach becomes too large by, when its bits are turned instead of its sign."""
    width, signed = bits_of(*reach)
    return -1 if signed else (1 << width) - 1


def joined(a: Node, b: Node, *, turn: bool = True) -> Node:
    """The sum of two, with the sign of the first.

    Args:
        turn: whether what is taken away has its bits turned, rather than its sign.
    """
    minus = a.negative != b.negative
    if not minus and a.shift > b.shift:
        a, b = b, a
    base = min(a.shift, b.shift)
    left = (a.shift - base, b.shift - base)
    value = turned(b.reach) << left[1] if minus and turn else 0
    reach = range_of(Subtract(left, value) if minus else Add(left, value), (a.reach, b.reach))
    extra = (a.extra << left[0]) + (-b.extra if minus else b.extra) * (1 << left[1]) + value
    cost = a.cost + b.cost + adder_lut(a.reach, b.reach, left, reach, minus=minus, value=value)
    return Node(reach, base, a.negative, extra, max(a.level, b.level) + 1, cost, -1, (a, b), value)


def fewest_levels(levels: Iterable[int]) -> int:
    """The level of a sum of terms, at least one, at some levels: as small as can be."""
    return (sum(1 << level for level in levels) - 1).bit_length()


def planned(leaves: Sequence[Node], added: int, within: int) -> Node:
    """The best sum that is not negative: of fewest levels, then of fewest look-up tables.

    Args:
        leaves: at least one; added: a constant; within: a level up to which fewer count for nothing.
    """
    ways = [(ORDERS[0], True)] if len(leaves) > LONG else [(order, turn) for order in ORDERS for turn in (True, False)]
    roots = [root for order, turn in ways for root in _grown(leaves, order, turn=turn)]
    finished = [plan for root in roots for plan in _finished(root, added)]
    return min(finished, key=lambda plan: rank(plan, within))


def rank(plan: Node, within: int) -> tuple[int, int, int]:
    """What is least for the best of some plans."""
    return max(plan.level, within), plan.cost, plan.level


def _grown(leaves: Sequence[Node], order: Order, *, turn: bool) -> list[Node]:
    """Sums of all leaves in one order, of either sign if there can be both."""
    heap = [(order(leaf), k, [leaf]) for k, leaf in enumerate(leaves)]
    heapq.heapify(heap)
    count = len(heap)
    while len(heap) > 1:
        first, second = heapq.heappop(heap)[-1], heapq.heappop(heap)[-1]
        best: dict[bool, Node] = {}
        for a in first:
            for b in second:
                ways = ((a, b),) if a.negative == b.negative else ((a, b), (b, a))
                for node in (joined(*way, turn=turn) for way in ways):
                    rival = best.get(node.negative)
                    if rival is None or node.cost < rival.cost:
                        best[node.negative] = node
        nodes = list(best.values())
        heapq.heappush(heap, (min(map(order, nodes)), count, nodes))
        count += 1
    return heap[0][-1]


def _finished(root: Node, added: int) -> Iterator[Node]:
    """A sum that is not negative, and holds the constant that it should."""
    more = added - root.constant
    if root.negative:
        yield _taken_from(root, more)
    elif more:
        yield from _constant_in(root, more, DEPTH)
    else:
        yield root


def _constant_in(node: Node, more: int, depth: int) -> Iterator[Node]:
    """A node with a constant in it, added at the end or at one of its terms."""
    yield _with(node, more)
    if depth and node.parts is not None:
        a, b = node.parts
        for part in _constant_in(a, more, depth - 1):
            yield joined(part, b, turn=node.value != 0)
        if not node.value:  # else what b is made to hold depends on its width
            for part in _constant_in(b, more, depth - 1):
                yield joined(a, part, turn=False)


def _with(node: Node, more: int) -> Node:
    """A node and a constant added to it, of the same sign."""
    return joined(node, _constant(-more if node.negative else more, negative=node.negative))


def _taken_from(node: Node, more: int) -> Node:
    """A negative node, taken from a constant."""
    return joined(_constant(more - (turned(node.reach) << node.shift)), node)


def _constant(value: int, *, negative: bool = False) -> Node:
    zeros = (value & -value).bit_length() - 1 if value else 0
    value >>= zeros
    return Node((value, value), zeros, negative=negative, extra=value, level=0, cost=0, leaf=CONSTANT)
