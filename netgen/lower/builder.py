"""An operator graph under construction: ranges are derived as operators are added."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netgen.ir.fixed import Words, bits_of
from netgen.lower.ones import Ones, grouped
from netgen.lower.tree import CONSTANT, Node, fewest_levels, joined, planned, rank
from netgen.operators.cost import count_lut
from netgen.operators.graph import LINEAR, Kind, Operator, range_of
from netgen.operators.wiring import Sites

Form = dict[int, int]
"""A sum of multiples: the coefficient of each operator; under `ONE`, what is added."""
ONE = -1
BIT = 1 << 40
"""In a form, the number of an operator plus this times one more than k stands for bit k of it."""
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

    def __init__(self, inputs: int, reach: tuple[int, int], sites: Sites | None = None) -> None:
        self.sites = sites
        self.operators: list[Operator] = []
        self.levels: list[int] = []
        self.layer = 0
        self.inputs = [self._append(Operator("input", (), (), k, *reach, 0, None)) for k in range(inputs)]
        self._known: dict[tuple[object, ...], int] = {}
        self._forms: dict[int, Form] = {}
        self._words: set[int] = set()

    def begin_layer(self, inputs: Iterable[int]) -> None:
        """Sums are now of these operators: the range of a sum is exact over all their values."""
        self.layer += 1
        self._known = {key: number for key, number in self._known.items() if self.operators[number].kind == "constant"}
        self._forms = {number: self._word(number) for number in inputs}
        self._words = set(self._forms)
        self._forms |= {number: {ONE: self.operators[number].value} for number in self._known.values()}

    def add(self, kind: Kind, *sources: int, value: int = 0, left: tuple[int, ...] = (), index: Index = None) -> int:
        """Add an operator, or a constant, if it can have but one value; its number.

        One that serves several and does the same as an earlier one of them is that one.
        """
        key = (kind, sources, left, value)
        if index is None and key in self._known:
            return self._known[key]
        lo, hi = range_of(kind, value, left, [self.reach_of(source) for source in sources])
        form = None
        if kind in LINEAR and all(source in self._forms for source in sources):
            form = self._form_of(kind, sources, left, value)
            lo, hi = self._range_of(form)
        if kind == "constant":
            number = self._append(Operator(kind, (), (), value, lo, hi, 0, None))
        elif lo == hi:
            return self.constant(lo)
        else:
            number = self._append(Operator(kind, sources, left, value, lo, hi, self.layer, index))
        if form is not None:
            self._forms[number] = form
        if index is None:
            self._known[key] = number
        return number

    def table(self, sources: Sequence[int], entries: Words, index: Index) -> int:
        """The operator that gives one of some entries, chosen by the bits of its sources, the first's lowest."""
        lo, hi = int(entries.min()), int(entries.max())
        if lo == hi:
            return self.constant(lo)
        width = bits_of(lo, hi)[0]
        value = sum((entry & ((1 << width) - 1)) << (k * width) for k, entry in enumerate(entries.tolist()))
        return self._append(Operator("table", tuple(sources), (), value, lo, hi, self.layer, index))

    def constant(self, value: int) -> int:
        """The operator that always gives a number."""
        return self.add("constant", value=value)

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
        added = sum(
            term.sign * self.operators[term.operator].value << term.shift for term in terms if self._is_constant(term)
        )
        terms = [term for term in terms if not self._is_constant(term)]
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
        return self.operators[number].lo, self.operators[number].hi

    def _append(self, operator: Operator) -> int:
        before = max((self.levels[s] for s in operator.sources), default=0)
        self.operators.append(operator)
        self.levels.append(before + (not operator.free))
        return len(self.operators) - 1

    def _bits_in(self, term: Term) -> int:
        """How many bits a term has that are each 0 or 1 whatever the others are; 0 for other terms."""
        whole = self.reach_of(term.operator) in ((0, 1), (0, 3))
        return self.operators[term.operator].width if whole and term.operator in self._words else 0

    def _counted(self, group: Ones, terms: Sequence[Term], index: Index) -> Term:
        sources = [terms[k].operator for k in group.members]
        left = (group.bit,) * len(sources)
        return Term(self.add("count", *sources, value=group.turned, left=left, index=index), group.shift)

    def _is_constant(self, term: Term) -> bool:
        return self.operators[term.operator].kind == "constant"

    def _leaf(self, number: int, term: Term) -> Node:
        extra = self._forms.get(term.operator, {}).get(ONE, 0)
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
        kind: Kind = "add" if a.negative == b.negative else "subtract"
        number = self.add(kind, a.operator, b.operator, value=node.value, left=left, index=index)
        return Term(number, node.shift, node.negative)

    def _word(self, number: int) -> Form:
        """A layer's input: what takes every value from 0 to 3 is two bits, each 0 or 1 whatever the other is."""
        return {number + BIT: 1, number + 2 * BIT: 2} if self.reach_of(number) == (0, 3) else {number: 1}

    def _form_of(self, kind: Kind, sources: Sequence[int], left: Sequence[int], value: int) -> Form:
        if kind == "constant":
            return {ONE: value}
        if kind == "multiply":
            return {k: c * value for k, c in self._forms[sources[0]].items()}
        if kind == "count":
            form = {ONE: value.bit_count()}
            for k, (source, bit) in enumerate(zip(sources, left, strict=True)):
                key = source if self.reach_of(source) == (0, 1) else source + (bit + 1) * BIT
                form[key] = form.get(key, 0) + (-1 if value >> k & 1 else 1)
            return form
        assert kind in ("add", "subtract"), "no other kind is linear"
        a, b = (self._forms[s] for s in sources)
        form = {k: c << left[0] for k, c in a.items()} if left[0] else dict(a)
        sign = 1 if kind == "add" else -1
        for k, c in b.items():
            form[k] = form.get(k, 0) + sign * (c << left[1])
        if value:
            form[ONE] = form.get(ONE, 0) + value
        return form

    def _range_of(self, form: Form) -> tuple[int, int]:
        """Exact, because every operator of a layer's inputs takes its least and its greatest value by itself."""
        lo = hi = form.get(ONE, 0)
        for k, c in form.items():
            if k != ONE:
                a, b = (0, 1) if k >= BIT else self.reach_of(k)
                lo, hi = (lo + c * a, hi + c * b) if c > 0 else (lo + c * b, hi + c * a)
        return lo, hi


def _count_leaf(number: int, group: Ones, leaves: Sequence[Node]) -> Node:
    """A count of ones before it is built."""
    level = max(leaves[k].level for k in group.members) + 1
    count = len(group.members)
    return Node((0, count), group.shift, False, group.turned.bit_count(), level, count_lut(count), leaf=number)
