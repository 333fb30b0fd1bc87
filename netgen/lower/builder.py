"""An operator graph under construction: it derives the exact range of every operator that is added."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from netgen.ir.fixed import Interval
from netgen.lower.adder_tree import CONSTANT, Summand, badness, fewest_levels, join, plan_sum
from netgen.lower.bit_counts import BitGroup, group_bits
from netgen.lower.form import WHOLE, Linear, LinearForm, linear_form, word_form
from netgen.lower.templates import Template, template_of
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
from netgen.operators.wiring import NeuronSites

Index = int | None
"""The neuron of the present layer that alone needs an operator; None when several neurons share it."""


@dataclass(frozen=True, order=True)
class Term:
    """A summand: `operator << shift`, or its negative."""

    operator: int
    shift: int = 0
    negative: bool = False

    @property
    def sign(self) -> int:
        """1 or -1."""
        return -1 if self.negative else 1


class OperatorBuilder:
    """The operators that have been added so far.

    Attributes:
        operators: each after its sources.
        levels: for each operator, the number of operators with logic on the longest path to it, itself included.
        layer: the layer to which operators are added.
        inputs: the operators that give the words of the sample.
        sites: the sites of neurons, when they are placed.
        neuron_of: for each word of an earlier layer, its operator's number: the layer and index of the neuron.
    """

    def __init__(self, inputs: int, word: Interval, sites: NeuronSites | None = None) -> None:
        self.sites = sites
        self.neuron_of: dict[int, tuple[int, int]] = {}
        self.operators: list[Operator] = []
        self.levels: list[int] = []
        self.layer = 0
        self.inputs = [self._append(Operator(Input(k), (), *word, 0, None)) for k in range(inputs)]
        self._known: dict[tuple[Operation, tuple[int, ...]], int] = {}
        self._constants: dict[int, int] = {}
        self._word_forms: dict[int, LinearForm] = {}
        self._forms: dict[int, LinearForm] = {}
        self._templates: dict[Hashable, tuple[Template, int, int]] = {}
        self._surplus: dict[int, int] = {}

    def begin_layer(self, words: Iterable[int]) -> None:
        """Begin the next layer; ranges of its sums are exact over all values of words of earlier layers.

        Args:
            words: the operators that give the words of the layer before, in order.
        """
        for index, number in enumerate(words):
            if number not in self.neuron_of and not isinstance(self.operators[number].operation, Constant):
                self.neuron_of[number] = self.layer, index
                self._word_forms[number] = word_form(number, self.range_of(number))
        self.layer += 1
        self._known, self._forms, self._templates = {}, {}, {}

    def add(self, operation: Operation, *sources: int, index: Index = None) -> int:
        """Add an operator, or a constant where only one value is possible; return its number.

        An operator that several neurons share is added once, however often it is asked for.
        """
        if isinstance(operation, Constant):
            return self.constant(operation.value)
        key = operation, sources
        if index is None and key in self._known:
            return self._known[key]
        form = None
        if isinstance(operation, Linear):
            known = {source: found for source in sources if (found := self._form_of(source)) is not None}
            form = linear_form(operation, sources, known) if all(source in known for source in sources) else None
        if form is not None:
            lo, hi = form.range(self.range_of)
        else:
            lo, hi = range_of(operation, [self.range_of(source) for source in sources])
        if lo == hi:
            return self.constant(lo)
        number = self._append(Operator(operation, sources, lo, hi, self.layer, index))
        if form is not None:
            self._forms[number] = form
        if index is None:
            self._known[key] = number
        return number

    def constant(self, value: int) -> int:
        """Add the operator that always gives `value`, or find it; return its number."""
        if value not in self._constants:
            number = self._append(Operator(Constant(value), (), value, value, 0, None))
            self._constants[value], self._word_forms[number] = number, LinearForm(value, {})
        return self._constants[value]

    def is_constant(self, number: int) -> bool:
        """Whether an operator always gives the same value."""
        return isinstance(self.operators[number].operation, Constant)

    def repeated(self, key: Hashable, sources: Sequence[int], index: int, make: Callable[[], Term]) -> Term:
        """Add what a neuron needs, or repeat what was added for an equal one of this layer; return its result.

        Args:
            key: equal for neurons that compute the same from sources of equal ranges and levels, in order.
            sources: distinct operators.
            make: adds operators of this neuron alone; called for the first neuron.
        """
        ranges = tuple([(self.operators[s].lo, self.operators[s].hi, self.levels[s]) for s in sources])
        whole = key, ranges
        found = self._templates.get(whole)
        if found is not None:
            template, shift, surplus = found
            number = template.repeat(self.operators, self.levels, sources, self.layer, index)
            self._surplus[number] = surplus
            return Term(number, shift)
        first = len(self.operators)
        result = make()
        template = template_of(self.operators, self.levels, sources, first, result.operator)
        self._templates[whole] = template, result.shift, self._surplus.get(result.operator, 0)
        for number in range(first, len(self.operators)):
            self._forms.pop(number, None)
        return result

    def as_variable(self, number: int) -> None:
        """Let ranges of sums be exact over all values of an operator, not over those of its sources."""
        self._forms[number] = LinearForm(0, {(number, WHOLE): 1})

    def plus(self, a: Term, b: Term, index: Index) -> Term:
        """Add two terms by one adder.

        A subtrahend is one's-complemented, so the result may contain a constant beside the terms, which `sum` subtracts
        again.
        """
        first, second = self._leaf(0, a), self._leaf(1, b)
        ways = [join(first, second)]
        if a.negative != b.negative:
            ways.append(join(second, first))
        return self._built(min(ways, key=lambda way: (way.cost, way.negative)), (a, b), index)

    def surplus_of(self, total: Term) -> int:
        """The constant that a sum contains beside its terms; 0 for one that had to be exact."""
        return self._surplus.get(total.operator, 0) << total.shift

    def sums(self, rows: Sequence[Sequence[Term]], exact: Sequence[bool]) -> list[Term]:
        """Add up the terms of each neuron, in no more levels than the deepest neuron needs.

        Args:
            exact: which sums may contain no constant beside their terms.
        """
        levels = ([self.levels[term.operator] for term in row] for row in rows)
        within = max(map(fewest_levels, levels), default=0)
        return [
            self._repeated_sum(row, index, within, exact=one)
            for index, (row, one) in enumerate(zip(rows, exact, strict=True))
        ]

    def _repeated_sum(self, terms: Sequence[Term], index: int, within: int, *, exact: bool) -> Term:
        """`sum`, worked out once for neurons that add up words of equal ranges in the same way."""
        sources: dict[int, int] = {}
        key: list[tuple[int, int, bool]] = []
        for term in terms:
            if term.operator in self.neuron_of:
                key.append((sources.setdefault(term.operator, len(sources)), term.shift, term.negative))
            elif self.is_constant(term.operator):
                key.append((-1 - term.operator, term.shift, term.negative))
            else:
                return self.sum(terms, index, within, exact=exact)
        return self.repeated(
            (within, exact, *key), list(sources), index, lambda: self.sum(terms, index, within, exact=exact)
        )

    def sum(self, terms: Sequence[Term], index: Index, within: int, *, exact: bool = True) -> Term:
        """Add up terms, at least one, in few levels; the result is not negated.

        Constants are given as terms of their own. A constant that another term contains comes from `plus`, and is
        subtracted.

        Args:
            within: the level up to which look-up tables are saved rather than levels.
            exact: whether the result may contain no constant beside the terms; otherwise `surplus_of` tells it.
        """
        added, varying = 0, []
        for term in terms:
            operation = self.operators[term.operator].operation
            if isinstance(operation, Constant):
                added += term.sign * operation.value << term.shift
            else:
                varying.append(term)
        if not varying:
            return Term(self.constant(added))
        leaves = [self._leaf(k, term) for k, term in enumerate(varying)]
        assert exact or not added, "a sum that may contain any constant has no constant terms"
        wanted = added if exact else None
        plan = plan_sum(leaves, wanted, within)
        groups = group_bits((k, bits, t.shift, t.negative) for k, t in enumerate(varying) if (bits := self._bits_in(t)))
        if groups:
            counted = {k for group in groups for k in group.members}
            left = [leaf for leaf in leaves if leaf.leaf not in counted]
            counts = [_count_leaf(len(varying) + k, group, leaves) for k, group in enumerate(groups)]
            other = plan_sum([*left, *counts], wanted, within)
            if badness(other, within) < badness(plan, within):
                plan, varying = other, [*varying, *(self._count(group, varying, index) for group in groups)]
        result = self._built(plan, varying, index)
        form = None if exact else self._form_of(result.operator)
        if form is not None:
            self._surplus[result.operator] = form.constant
        return result

    def range_of(self, number: int) -> Interval:
        """Least and greatest value of an operator."""
        return self.operators[number].range

    def _form_of(self, number: int) -> LinearForm | None:
        """The form of an operator; None when it is no sum of words."""
        return self._forms.get(number) or self._word_forms.get(number)

    def _append(self, operator: Operator) -> int:
        before = max((self.levels[s] for s in operator.sources), default=0)
        self.operators.append(operator)
        self.levels.append(before + needs_logic(operator.operation))
        return len(self.operators) - 1

    def _bits_in(self, term: Term) -> int:
        """How many bits a term has, if each of them is 0 or 1 independently of the others; else 0."""
        independent = self.range_of(term.operator) in ((0, 1), (0, 3))
        return self.operators[term.operator].width if independent and term.operator in self.neuron_of else 0

    def _count(self, group: BitGroup, terms: Sequence[Term], index: Index) -> Term:
        sources = [terms[k].operator for k in group.members]
        count = Count((group.bit,) * len(sources), group.inverted)
        return Term(self.add(count, *sources, index=index), group.shift)

    def _leaf(self, number: int, term: Term) -> Summand:
        form = self._form_of(term.operator)
        surplus = 0 if form is None else form.constant
        level = self.levels[term.operator]
        return Summand(self.range_of(term.operator), term.shift, term.negative, surplus, level, 0, leaf=number)

    def _built(self, node: Summand, leaves: Sequence[Term], index: Index) -> Term:
        """Add the operators of a plan."""
        if node.leaf == CONSTANT:
            return Term(self.constant(node.range[0]), node.shift, node.negative)
        if node.parts is None:
            return leaves[node.leaf]
        a, b = (self._built(part, leaves, index) for part in node.parts)
        left = (a.shift - node.shift, b.shift - node.shift)
        kind = Add if a.negative == b.negative else Subtract
        number = self.add(kind(left, node.offset), a.operator, b.operator, index=index)
        return Term(number, node.shift, node.negative)


def _count_leaf(number: int, group: BitGroup, leaves: Sequence[Summand]) -> Summand:
    """The plan of a count of bits."""
    level = max(leaves[k].level for k in group.members) + 1
    count = len(group.members)
    return Summand((0, count), group.shift, False, sum(group.inverted), level, count_lut(count), leaf=number)
