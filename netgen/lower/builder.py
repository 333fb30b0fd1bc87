"""An operator graph under construction: ranges are derived as operators are added."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netgen.fixed import Words, bits_of
from netgen.operators import LINEAR, Kind, Operator, range_of
from netgen.wiring import Sites

Form = dict[int, int]
"""A sum of multiples: the coefficient of each operator; under `ONE`, what is added."""
ONE = -1
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

    def begin_layer(self, inputs: Iterable[int]) -> None:
        """Sums are now of these operators: the range of a sum is exact over all their values."""
        self.layer += 1
        self._known = {key: number for key, number in self._known.items() if self.operators[number].kind == "constant"}
        self._forms = {number: {number: 1} for number in inputs}
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

    def plus(self, a: Term, b: Term, index: Index, *, last: bool = False) -> Term:
        """The sum of two terms, by one adder or subtractor.

        Of a difference the shifted term is taken away, and the sign of the result turned, unless it is the last of a
        sum: the low bits of the other one then need no logic.
        """
        base = min(a.shift, b.shift)
        negative = a.negative
        if a.negative != b.negative:
            if a.negative:
                a, b = b, a
            negative = a.shift > b.shift and not last
            if negative:
                a, b = b, a
        kind: Kind = "add" if a.negative == b.negative else "subtract"
        if kind == "add" and a.shift > b.shift:
            a, b = b, a
        left = (a.shift - base, b.shift - base)
        return Term(self.add(kind, a.operator, b.operator, left=left, index=index), base, negative)

    def sum(self, terms: Sequence[Term], index: Index) -> Term:
        """The sum of terms, at least one: in as few levels as can be, the least shifted first.

        Terms of the same shift so meet early, while they are narrow.
        """
        heap = [(*self._order(term), k, term) for k, term in enumerate(terms)]
        heapq.heapify(heap)
        count = len(heap)
        while len(heap) > 1:
            a, b = heapq.heappop(heap)[-1], heapq.heappop(heap)[-1]
            term = self.plus(a, b, index, last=not heap)
            heapq.heappush(heap, (*self._order(term), count, term))
            count += 1
        return heap[0][-1]

    def positive(self, term: Term, index: Index) -> Term:
        """The same term without a sign before it; a negative one costs a subtraction from 0."""
        if not term.negative:
            return term
        return Term(self.add("subtract", self.constant(0), term.operator, left=(0, 0), index=index), term.shift)

    def reach_of(self, number: int) -> tuple[int, int]:
        """Least and greatest value of an operator."""
        return self.operators[number].lo, self.operators[number].hi

    def _append(self, operator: Operator) -> int:
        before = max((self.levels[s] for s in operator.sources), default=0)
        self.operators.append(operator)
        self.levels.append(before + (not operator.free))
        return len(self.operators) - 1

    def _order(self, term: Term) -> tuple[int, int, int]:
        return self.levels[term.operator], term.shift, self.operators[term.operator].width

    def _form_of(self, kind: Kind, sources: Sequence[int], left: Sequence[int], value: int) -> Form:
        if kind == "constant":
            return {ONE: value}
        if kind == "multiply":
            return {k: c * value for k, c in self._forms[sources[0]].items()}
        a, b = (self._forms[s] for s in sources)
        form = {k: c << left[0] for k, c in a.items()} if left[0] else dict(a)
        sign = 1 if kind == "add" else -1
        for k, c in b.items():
            form[k] = form.get(k, 0) + sign * (c << left[1])
        return form

    def _range_of(self, form: Form) -> tuple[int, int]:
        """Exact, because every operator of a layer's inputs takes its least and its greatest value by itself."""
        lo = hi = form.get(ONE, 0)
        for k, c in form.items():
            if k != ONE:
                a, b = self.operators[k].lo, self.operators[k].hi
                lo, hi = (lo + c * a, hi + c * b) if c > 0 else (lo + c * b, hi + c * a)
        return lo, hi
