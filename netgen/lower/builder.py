"""An operator graph under construction: ranges are derived as operators are added."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netgen.ir.fixed import Range
from netgen.lower.form import Linear, LinearForm, linear_form, word_form
from netgen.lower.ones import Ones, grouped
from netgen.lower.tree import CONSTANT, Node, fewest_levels, joined, planned, rank
from netgen.operators.cost import count_lut
from netgen.operators.graph import Operator
from netgen.operators.kinds import (
    Add,
    Constant,
    Count,
    Input,
    Operation,
    Subtract,
    needs_logic,
    range_of,
)
from netgen.operators.wiring import Sites

Index = int | None
"""Of the neuron in the present layer that an operator serves; None for several."""


@dataclass(frozen=True, order=True)
class Term:
    """`operator << shift`, or the negative of that: what is added up."""

    operator: int
    shift: int = 0
    negative: bool = False

    @property
    def sign(self) -> int:
        """1 or -1."""
        return -1 if self.negative else 1


class Builder:
    """Operators so far.

    Attributes:
        operators: each after its sources.
        levels: of each, the operators that take logic on the longest way to it.
        layer: to which operators are added now.
        sites: of neurons, where they are placed.
    """

    def __init__(self, inputs: int, reach: Range, sites: Sites | None = None) -> None:
        self.sites = sites
        self.operators: list[Operator] = []
        self.levels: list[int] = []
        self.layer = 0
        self.inputs = [self._append(Operator(Input(k), (), *reach, 0, None)) for k in range(inputs)]
        self._known: dict[tuple[Operation, tuple[int, ...]], int] = {}
        self._forms: dict[int, LinearForm] = {}
        self._words: set[int] = set()

    def begin_layer(self, inputs: Iterable[int]) -> None:
        """Sums are now of these operators: the range of a sum is exact over all their values."""
        self.layer += 1
        constants = [op for op, _ in self._known if isinstance(op, Constant)]
        self._known = {(op, ()): self._known[op, ()] for op in constants}
        self._forms = {number: word_form(number, self.reach_of(number)) for number in inputs}
        self._words = set(self._forms)
        self._forms |= {self._known[op, ()]: LinearForm(op.value, {}) for op in constants}

    def add(self, operation: Operation, *sources: int, index: Index = None) -> int:
        """Add an operator, or a constant where only one value is possible; return its number.

        An operator that several neurons share is added once, however often it is asked for.
        """
        key = operation, sources
        if index is None and key in self._known:
            return self._known[key]
        form = None
        if isinstance(operation, Linear) and all(source in self._forms for source in sources):
            form = linear_form(operation, sources, self._forms)
            lo, hi = form.range(self.reach_of)
        else:
            lo, hi = range_of(operation, [self.reach_of(source) for source in sources])
        if isinstance(operation, Constant):
            number = self._append(Operator(operation, (), lo, hi, 0, None))
        elif lo == hi:
            return self.constant(lo)
        else:
            number = self._append(Operator(operation, sources, lo, hi, self.layer, index))
        if form is not None:
            self._forms[number] = form
        if index is None:
            self._known[key] = number
        return number

    def constant(self, value: int) -> int:
        """The operator that always gives a number."""
        return self.add(Constant(value))

    def plus(self, a: Term, b: Term, index: Index) -> Term:
        """The sum of two terms, by one adder, and with it a constant that `sum` takes back.

        What is taken away enters with its bits turned: of words from 0 to 15, a - b as a + (15 - b). So no sum of
        words that are never negative is negative, none has a sign to extend, and none needs a carry to begin with.
        """
        first, second = self._leaf(0, a), self._leaf(1, b)
        ways = [joined(first, second)]
        if a.negative != b.negative:
            ways.append(joined(second, first))
        return self._built(min(ways, key=lambda way: (way.cost, way.negative)), (a, b), index)

    def sums(self, rows: Sequence[Sequence[Term]]) -> list[Term]:
        """The sum of each neuron's terms, in as few levels as the deepest takes."""
        levels = ([self.levels[term.operator] for term in row] for row in rows)
        within = max(map(fewest_levels, levels), default=0)
        return [self.sum(row, index, within) for index, row in enumerate(rows)]

    def sum(self, terms: Sequence[Term], index: Index, within: int) -> Term:
        """The sum of terms, at least one, exactly and without a sign before it, in few levels.

        What the terms hold beside multiples of the layer's inputs counts as put there by `plus`; constants are
        given as terms of their own.

        Args:
            within: a level up to which look-up tables are saved rather than levels.
        """
        added, varying = 0, []
        for term in terms:
            operation = self.operators[term.operator].operation
            if isinstance(operation, Constant):
                added += term.sign * operation.value << term.shift
            else:
                varying.append(term)
        terms = varying
        if not terms:
            return Term(self.constant(added))
        leaves = [self._leaf(k, term) for k, term in enumerate(terms)]
        plan = planned(leaves, added, within)
        ones = grouped((k, bits, t.shift, t.negative) for k, t in enumerate(terms) if (bits := self._bits_in(t)))
        if ones:
            counted = {k for group in ones for k in group.members}
            left = [leaf for leaf in leaves if leaf.leaf not in counted]
            counts = [_count_leaf(len(terms) + k, group, leaves) for k, group in enumerate(ones)]
            fewer = planned([*left, *counts], added, within)
            if rank(fewer, within) < rank(plan, within):
                plan, terms = fewer, [*terms, *(self._counted(group, terms, index) for group in ones)]
        return self._built(plan, terms, index)

    def reach_of(self, number: int) -> tuple[int, int]:
        """Least and greatest value of an operator."""
        return self.operators[number].range

    def _append(self, operator: Operator) -> int:
        before = max((self.levels[s] for s in operator.sources), default=0)
        self.operators.append(operator)
        self.levels.append(before + needs_logic(operator.operation))
        return len(self.operators) - 1

    def _bits_in(self, term: Term) -> int:
        """How many bits a term has that are each 0 or 1 whatever the others are; 0 for other terms."""
        whole = self.reach_of(term.operator) in ((0, 1), (0, 3))
        return self.operators[term.operator].width if whole and term.operator in self._words else 0

    def _counted(self, group: Ones, terms: Sequence[Term], index: Index) -> Term:
        sources = [terms[k].operator for k in group.members]
        count = Count((group.bit,) * len(sources), group.inverted)
        return Term(self.add(count, *sources, index=index), group.shift)

    def _leaf(self, number: int, term: Term) -> Node:
        form = self._forms.get(term.operator)
        extra = 0 if form is None else form.constant
        reach, level = self.reach_of(term.operator), self.levels[term.operator]
        return Node(reach, term.shift, term.negative, extra, level, 0, leaf=number)

    def _built(self, node: Node, leaves: Sequence[Term], index: Index) -> Term:
        """Add what has been planned."""
        if node.leaf == CONSTANT:
            return Term(self.constant(node.reach[0]), node.shift, node.negative)
        if node.parts is None:
            return leaves[node.leaf]
        a, b = (self._built(part, leaves, index) for part in node.parts)
        left = (a.shift - node.shift, b.shift - node.shift)
        kind = Add if a.negative == b.negative else Subtract
        number = self.add(kind(left, node.value), a.operator, b.operator, index=index)
        return Term(number, node.shift, node.negative)


def _count_leaf(number: int, group: Ones, leaves: Sequence[Node]) -> Node:
    """A count of ones before it is built."""
    level = max(leaves[k].level for k in group.members) + 1
    count = len(group.members)
    return Node((0, count), group.shift, False, sum(group.inverted), level, count_lut(count), leaf=number)
