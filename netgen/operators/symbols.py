"""The part of the proof that derives each operator as a function of the words of earlier layers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import assert_never

import numpy as np

from netgen.ir.circuit import Circuit
from netgen.ir.fixed import Interval
from netgen.operators.claims import error, need
from netgen.operators.forms import Pieces, ShiftedSum, Sum, Variable, combined, in_pieces, stepped
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.kinds import (
    MOST_TABLE_BITS,
    Add,
    Constant,
    Count,
    Greater,
    Hold,
    Input,
    Larger,
    Maximum,
    Minimum,
    Multiply,
    Round,
    Select,
    Shift,
    Subtract,
    Table,
    address_of,
)

__all__ = ["Meaning", "Symbols"]

Meaning = ShiftedSum | Pieces | None
"""What is known of an operator; None where it is no function of one sum."""
_Linear = Constant | Add | Subtract | Multiply | Count | Shift | Round | Maximum | Minimum


class Symbols:
    """Derives each operator as a function of the words of earlier layers.

    Attributes:
        meaning: what is known of each operator so far.
        layer_of_word: for each operator that gives a word and is no constant, the layer of its neuron, 0 for inputs.
    """

    def __init__(self, graph: OperatorGraph, circuit: Circuit) -> None:
        self.graph, self.circuit = graph, circuit
        self.meaning: list[Meaning] = []
        inputs = dict(self._inputs())
        entering: list[int | None] = [inputs.get(k) for k in range(circuit.sizes[0])]
        self._words: list[int | None] = [*entering, *(number for layer in graph.words for number in layer)]
        counts = (op for op in graph.operators if isinstance(op.operation, Count))
        self._counted = {source for op in counts for source in op.sources}
        self.layer_of_word = dict.fromkeys(inputs.values(), 0)
        for depth, layer in enumerate(graph.words, 1):
            for number in layer:
                if not graph.is_constant(number):
                    self.layer_of_word.setdefault(number, depth)
        self._sets: dict[frozenset[Variable], int] = {}
        self._members: list[frozenset[Variable]] = []
        self._selections: dict[tuple[Variable, ...], int] = {}
        self._selected: list[tuple[Variable, ...]] = []
        self._last_reader = list(range(len(graph.operators)))
        for number, operator in enumerate(graph.operators):
            for source in operator.sources:
                self._last_reader[source] = number

    def _inputs(self) -> Iterator[tuple[int, int]]:
        """The number of each input of the first layer and the operator that gives it: an input, or a threshold bit."""
        at, thresholds = self.graph.operators, self.circuit.thresholds
        for number, op in enumerate(at):
            if isinstance(op.operation, Input) and not thresholds:
                yield op.operation.word, number
            elif isinstance(op.operation, Greater) and op.layer == 0:
                word, least = (at[source].operation for source in op.sources)
                if not (isinstance(word, Input) and isinstance(least, Constant) and least.value + 1 in thresholds):
                    raise error(f"operator {number}: no threshold of an input")
                yield word.word * len(thresholds) + thresholds.index(least.value + 1), number

    def word_of(self, neuron: int) -> int | None:
        """The operator that gives the word of a neuron of the circuit; None for an input that no operator reads."""
        return self._words[neuron]

    def variable_of(self, neuron: int) -> Variable:
        """The word of a neuron of the circuit as a variable; `("constant", value, 0)` when it always is the same."""
        number = self.word_of(neuron)
        return ("input", neuron, 0) if number is None else self._variable(number)

    def _variable(self, number: int) -> Variable:
        operation = self.graph.operators[number].operation
        return ("constant", operation.value, 0) if isinstance(operation, Constant) else ("operator", number, 0)

    def derive(self, number: int) -> None:
        """Derive an operator's function and range, and compare the range with the one that it claims."""
        operator = self.graph.operators[number]
        derived, meaning = self._meaning_of(number, operator)
        same = operator.range == derived
        need(same, f"operator {number}, {operator.kind}: range {operator.range}, but {derived} is proven")
        self.meaning.append(meaning)

    def forget(self, number: int) -> None:
        """Forget what is known of the operators whose last reader is `number`, or that have none."""
        for source in (*self.graph.operators[number].sources, number):
            if self._last_reader[source] <= number:
                self.meaning[source] = None

    def _meaning_of(self, number: int, operator: Operator) -> tuple[Interval, Meaning]:
        """The range of an operator, and what is known of it."""
        operation = operator.operation
        pieces = self._pieces_of(operator)
        if pieces is not None:
            return pieces.range, pieces
        claimed = [self.graph.operators[source].range for source in operator.sources]
        match operation:
            case Input(word):
                need(0 <= word < self.graph.inputs, f"operator {number}: no input {word}")
                return (self.circuit.input.lo, self.circuit.input.hi), None
            case Greater():
                a, b = claimed
                return (int(a[0] > b[1]), int(a[1] > b[0])), None
            case Select():
                condition, a, b = claimed
                need(condition == (0, 1), f"a selection by {condition[0]} to {condition[1]}")
                chosen = self._selection(operator)
                return (min(a[0], b[0]), max(a[1], b[1])), None if chosen is None else ShiftedSum(self.in_bits(chosen))
            case Hold():
                return claimed[0], None
            case Table(entries):
                words = [word for _, word in self.entries(operator, entries)]
                return (min(words), max(words)), None
            case Larger():
                members = (v for source in operator.sources for v in self._set(source, number))
                function = ShiftedSum(self.in_bits(self.greatest(members)))
                return self.range_of(function), function
            case Constant() | Add() | Subtract() | Multiply() | Count() | Shift() | Round() | Maximum() | Minimum():
                function = self._function_of(number, operator, operation)
                return self.range_of(function), function
            case _:
                assert_never(operation)

    def _function_of(self, number: int, operator: Operator, operation: _Linear) -> ShiftedSum:
        """An operator's function, from those of its sources."""
        if isinstance(operation, Count):
            return self._count(number, operator, operation)
        sources = [self._source(source, operator.layer) for source in operator.sources]
        match operation:
            case Constant(value):
                return ShiftedSum(Sum(value, {}))
            case Add(left, offset) | Subtract(left, offset):
                need(all(source.is_sum for source in sources), f"operator {number}: adds a value that is no sum")
                sign = -1 if isinstance(operation, Subtract) else 1
                a, b = sources[0].sum.times(1 << left[0]), sources[1].sum.times(sign << left[1])
                return ShiftedSum(a.plus(b).plus(Sum(offset, {})))
            case Multiply(factor):
                need(sources[0].is_sum, f"operator {number}: multiplies a value that is no sum")
                need(factor > 0, f"operator {number}: multiplies by {factor}")
                return ShiftedSum(sources[0].sum.times(factor))
            case Shift(right):
                (before,) = sources
                exact = (before.drop <= 0 or right >= 0) and before.lo is None and before.hi is None and not before.even
                need(exact or right == 0, f"operator {number}: shifts a rounded or limited value")
                return replace(before, drop=before.drop + right)
            case Round(right):
                need(sources[0].is_sum, f"operator {number}: rounds a value that is no sum")
                return ShiftedSum(sources[0].sum, right, even=True)
            case Maximum(limit):
                (before,) = sources
                need(before.hi is None, f"operator {number}: a maximum behind a minimum")
                return replace(before, lo=limit if before.lo is None else max(before.lo, limit))
            case Minimum(limit):
                (before,) = sources
                need(before.lo is None or before.lo <= limit, f"operator {number}: limits that cross")
                return replace(before, hi=limit if before.hi is None else min(before.hi, limit))
            case _:
                assert_never(operation)

    def _known(self, number: int, layer: int) -> Meaning:
        """What is known of a source that is read in a layer; a word of an earlier layer is a variable."""
        word = self.layer_of_word.get(number)
        if word is not None and word < layer:
            return ShiftedSum(self.in_bits(Sum(0, {("operator", number, 0): 1})))
        if self.graph.operators[number].layer != layer and not self.graph.is_constant(number):
            return None
        return self.meaning[number]

    def _source(self, number: int, layer: int) -> ShiftedSum:
        """The function of a source that is read in a layer."""
        known, word = self._known(number, layer), self.layer_of_word.get(number)
        if not isinstance(known, ShiftedSum):
            what = f"a word of layer {word}" if word else self.graph.operators[number].kind
            raise error(f"operator {number}: {what}, read in layer {layer}, where it is no sum")
        return known

    def _pieces_of(self, operator: Operator) -> Pieces | None:
        """An operator as a step function of one sum; None where it is none.

        A comparison of a sum with a constant is one, a table of one sum, a selection of two rounded or limited sums,
        and whatever is computed from such functions.
        """
        if operator.layer == 0:
            return None
        operation, sources = operator.operation, operator.sources
        if isinstance(operation, Table) and self.layer_of_word.get(sources[0], operator.layer) < operator.layer:
            return None
        known = [self._known(source, operator.layer) for source in sources]
        match operation, known:
            case Greater(), [ShiftedSum(total) as one, ShiftedSum(Sum(limit, nothing))] if one.is_sum and not nothing:
                return stepped(total, self.range_of(one), np.array([limit + 1]), np.array([0, 1]))
            case Greater(), [ShiftedSum(Sum(limit, nothing)), ShiftedSum(total) as one] if one.is_sum and not nothing:
                return stepped(total, self.range_of(one), np.array([limit]), np.array([1, 0]))
            case Table(entries), [ShiftedSum(total) as one] if one.is_sum:
                lo, hi = self.range_of(one)
                width = self.graph.operators[sources[0]].width
                need(0 < width <= MOST_TABLE_BITS and len(entries) == 1 << width, f"a table of {width} bits")
                at = np.arange(lo, hi + 1)
                return stepped(total, (lo, hi), at[1:], np.array(entries)[address_of([at], [width])])
            case Table(), [ShiftedSum() as one]:
                known = [self.in_pieces(one)]
            case Select(), [Pieces(), ShiftedSum() as one, ShiftedSum() as other] if not (one.is_sum or other.is_sum):
                known[1:] = [self.in_pieces(one), self.in_pieces(other)]
        if isinstance(operation, Select) and (gate := self._gate(sources[0], operator.layer)) is not None:
            known[0] = self.above(gate)
        parts = [_as_pieces(one) for one in known]
        if not any(isinstance(one, Pieces) for one in known) or not all(parts):
            return None
        return combined(
            operation, [part for part in parts if part], [self.graph.operators[source].width for source in sources]
        )

    def above(self, gate: Variable) -> Pieces:
        """Whether a word is above 0, as a step function."""
        total = self.in_bits(Sum(0, {gate: 1}))
        return stepped(total, self.range_of_variable(gate), np.array([1]), np.array([0, 1]))

    def in_pieces(self, function: ShiftedSum) -> Pieces | None:
        """A function as a step function; None where it has too many steps."""
        return in_pieces(function, self.range_of(ShiftedSum(function.sum)))

    def _set(self, source: int, number: int) -> frozenset[Variable]:
        """The words and constants that an operand of operator `number` is the greatest of."""
        layer = self.graph.operators[number].layer
        word = self.layer_of_word.get(source)
        if self.graph.is_constant(source) or (word is not None and word < layer):
            return frozenset([self._variable(source)])
        function = self._source(source, layer)
        match list(function.sum.coefficients.items()):
            case [(("greatest", k, _), 1)] if function.is_sum and not function.sum.constant:
                return self._members[k]
        raise error(f"operator {number}: the larger of values of which operator {source} is no word")

    def greatest(self, variables: Iterable[Variable]) -> Sum:
        """The greatest of some words and constants, as a sum; those that another one always exceeds are left out."""
        members = frozenset(variables)
        least = max(self.range_of_variable(v)[0] for v in members)
        left = {v for v in members if self.range_of_variable(v)[1] > least}
        if not left:
            return Sum(least, {})
        if all(self.range_of_variable(v)[0] < least for v in left):
            left.add(("constant", least, 0))
        if len(left) == 1:
            return Sum(0, dict.fromkeys(left, 1))
        members = frozenset(left)
        if members not in self._sets:
            self._sets[members] = len(self._members)
            self._members.append(members)
        return Sum(0, {("greatest", self._sets[members], 0): 1})

    def _selection(self, operator: Operator) -> Sum | None:
        """What a gate selects of words of earlier layers; None for any other selection."""
        test, *chosen = operator.sources
        gate = self._gate(test, operator.layer)
        words = [self.layer_of_word.get(source, operator.layer) < operator.layer for source in chosen]
        if gate is None or not all(word or self.graph.is_constant(k) for k, word in zip(chosen, words, strict=True)):
            return None
        return self.selected(gate, *map(self._variable, chosen))

    def _gate(self, test: int, layer: int) -> Variable | None:
        """The word of an earlier layer of which an operator tells whether it is above 0."""
        if self.layer_of_word.get(test, layer) < layer and self.graph.operators[test].range == (0, 1):
            return self._variable(test)
        match self.graph.operators[test]:
            case Operator(operation=Greater(), sources=(gate, limit)) if self.layer_of_word.get(gate, layer) < layer:
                return self._variable(gate) if self.graph.operators[limit].operation == Constant(0) else None
        return None

    def selected(self, gate: Variable, word: Variable, bypass: Variable) -> Sum:
        """The word where the gate is above 0, else the bypass."""
        lo, hi = self.range_of_variable(gate)
        if word == bypass or not lo <= 0 < hi:
            word, bypass = (bypass, bypass) if hi <= 0 else (word, word)
        if word == bypass:
            return Sum(word[1], {}) if word[0] == "constant" else Sum(0, {word: 1})
        if (key := (gate, word, bypass)) not in self._selections:
            self._selections[key] = len(self._selected)
            self._selected.append(key)
        return Sum(0, {("selected", self._selections[key], 0): 1})

    def words_in(self, total: Sum) -> set[Variable]:
        """The words that a sum depends on."""
        return {word for key in total.coefficients for word in self._parts(key) if word[0] != "constant"}

    def _parts(self, variable: Variable) -> Iterable[Variable]:
        """The words and constants that a variable is made of."""
        match variable:
            case "greatest", k, _:
                return self._members[k]
            case "selected", k, _:
                return self._selected[k]
        return (variable,)

    def value_of(self, variable: Variable, values: Mapping[Variable, int]) -> int:
        """The value of a variable, from those of the words."""
        kind, number, _ = variable
        if kind == "constant":
            return number
        if kind == "greatest":
            return max(self.value_of(one, values) for one in self._members[number])
        if kind == "selected":
            gate, word, bypass = (self.value_of(one, values) for one in self._parts(variable))
            return word if gate > 0 else bypass
        return values[variable]

    def entries(self, table: Operator, entries: Sequence[int]) -> Iterator[tuple[tuple[int, ...], int]]:
        """All combinations of values of a table's sources, and the entry that each chooses."""
        at = [self.graph.operators[source] for source in table.sources]
        total = sum(op.width for op in at)
        need(0 < total <= MOST_TABLE_BITS, f"a table of {total} bits")
        need(len(entries) == 1 << total, f"a table of {total} bits with {len(entries)} entries")
        for values in product(*(range(op.lo, op.hi + 1) for op in at)):
            address = low = 0
            for op, value in zip(at, values, strict=True):
                address |= (value & ((1 << op.width) - 1)) << low
                low += op.width
            yield values, entries[address]

    def _count(self, number: int, operator: Operator, count: Count) -> ShiftedSum:
        """A count of bits: each must be one of those whose weighted sum is the word that it belongs to."""
        total = Sum(0, {})
        for source, bit, flip in zip(operator.sources, count.bits, count.inverted, strict=True):
            word = self._source(source, operator.layer).sum.coefficients
            variables = [key for key, c in word.items() if c == 1 << bit]
            whole = self.graph.operators[source].range in ((0, 1), (0, 3))
            whole = whole and self.layer_of_word.get(source, operator.layer) < operator.layer
            need(whole and len(variables) == 1, f"operator {number}: counts bit {bit} of operator {source}")
            total = total.plus(Sum(int(flip), {variables[0]: -1 if flip else 1}))
        return ShiftedSum(total)

    def in_bits(self, total: Sum) -> Sum:
        """Write words from 0 to 3 whose bits are counted as two bits, each 0 or 1 independently of the other."""
        split: dict[Variable, int] = {}
        for key, c in total.coefficients.items():
            kind, number, _ = key
            if kind == "operator" and number in self._counted and self.graph.operators[number].range == (0, 3):
                split |= {("bit", number, 0): c, ("bit", number, 1): 2 * c}
            else:
                split[key] = c
        return Sum(total.constant, split)

    def range_of(self, function: ShiftedSum) -> Interval:
        """The exact range: the variables reach their extremes independently, and rounding and limits are monotone."""
        lo = hi = function.sum.constant
        for key, c in function.sum.coefficients.items():
            a, b = self.range_of_variable(key)
            lo, hi = lo + min(c * a, c * b), hi + max(c * a, c * b)
        return function.apply(lo), function.apply(hi)

    def range_of_variable(self, variable: Variable) -> Interval:
        """Least and greatest value of a variable."""
        kind, number, _ = variable
        match kind:
            case "operator":
                return self.graph.operators[number].range
            case "constant":
                return number, number
            case "greatest":
                ends = [self.range_of_variable(one) for one in self._members[number]]
                return max(lo for lo, _ in ends), max(hi for _, hi in ends)
            case "selected":
                _, *both = map(self.range_of_variable, self._parts(variable))
                return min(lo for lo, _ in both), max(hi for _, hi in both)
            case "bit":
                return 0, 1
        return self.circuit.entering.lo, self.circuit.entering.hi


def _as_pieces(known: Meaning) -> Pieces | None:
    """Step functions, and constants, which are step functions without a break."""
    if isinstance(known, ShiftedSum) and not known.sum.coefficients:
        return Pieces(Sum(0, {}), (), (known.apply(known.sum.constant),))
    return known if isinstance(known, Pieces) else None
