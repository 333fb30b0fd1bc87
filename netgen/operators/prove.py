"""Proof that an operator graph computes its circuit, for all inputs: symbolically, not by samples.

It shares no code with `netgen.lower`, which builds graphs, so that no mistake there is repeated here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import assert_never

import numpy as np

from netgen.errors import CheckError
from netgen.ir.activation import Rescale
from netgen.ir.circuit import Circuit, CircuitLayer, ranges_of
from netgen.ir.fixed import Interval
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.kinds import (
    MOST_TABLE_BITS,
    Add,
    Constant,
    Count,
    Greater,
    Input,
    Maximum,
    Minimum,
    Multiply,
    Select,
    Shift,
    Subtract,
    Table,
)
from netgen.operators.tournament import winner_of
from netgen.text import shown

__all__ = ["Proof", "misfit_of", "prove"]

Variable = tuple[str, int, int]
"""A variable of the linear forms of a layer.

`("operator", n, 0)` is the word of operator n, `("bit", n, k)` its bit k, and `("input", k, 0)` an input of the circuit
that no operator of the graph reads.
"""


@dataclass(frozen=True)
class Proof:
    """The extent of a proof.

    Attributes:
        operators: number of operators whose ranges hold and are as narrow as possible.
        neurons: number of neurons whose words are, as functions of all inputs, those of the circuit.
        weights: number of weights whose coefficients were compared.
    """

    operators: int
    neurons: int
    weights: int


def prove(graph: OperatorGraph, circuit: Circuit) -> Proof:
    """Show that a graph gives the circuit's words, scores and class for every input, and that no value overflows.

    Within a layer each sum is a linear form of the layer's inputs: its coefficients are computed and compared with the
    weights, its range follows exactly. Rounding, activation and saturation are monotone, so a neuron's word is its sum
    shifted and clipped between two limits, and is compared as such. A table is compared entry by entry.

    Raises: CheckError, naming the first operator or neuron that is wrong.
    """
    misfit = misfit_of(graph, circuit)
    _need(not misfit, misfit)
    symbols = _Symbols(graph, circuit)
    for number in range(len(graph.operators)):
        symbols.derive(number)
    neurons = weights = 0
    varies = [reach.out_lo != reach.out_hi for reach in ranges_of(circuit)]
    needed = [np.zeros(size, dtype=np.bool_) for size in circuit.sizes[1:]]
    needed[-1][:] = True
    for depth in range(len(circuit.layers) - 1, 0, -1):
        layer = circuit.layers[depth]
        read = layer.source[(needed[depth] & varies[depth])[layer.target]] - circuit.first[depth - 1]
        needed[depth - 1][read] = True
    for depth, layer in enumerate(circuit.layers):
        for k in np.flatnonzero(needed[depth]).tolist():
            symbols.compare(depth, k, varies=bool(varies[depth][k]))
            neurons += 1
            weights += len(layer.row(k)[0])
    if graph.best is not None:
        _need(winner_of(graph) == graph.best, f"class: operator {graph.best} is not the greatest score's index")
    return Proof(len(graph.operators), neurons, weights)


def misfit_of(graph: OperatorGraph, circuit: Circuit) -> str:
    """Say how the inputs and layers of a graph differ in number from those of a circuit; empty when they do not."""
    if graph.inputs != circuit.features:
        return f"{graph.inputs} inputs, but the circuit has {circuit.features}"
    sizes = tuple(len(layer) for layer in graph.words)
    if sizes != circuit.sizes[1:]:
        return f"layers of {shown(sizes)} neurons, but the circuit has {shown(circuit.sizes[1:])}"
    return ""


@dataclass(frozen=True, slots=True)
class _Sum:
    """`constant` plus the sum of each coefficient times its variable; no coefficient is 0."""

    constant: int
    coefficients: Mapping[Variable, int]

    def times(self, factor: int) -> "_Sum":
        """The sum times a factor other than 0."""
        return _Sum(self.constant * factor, {key: c * factor for key, c in self.coefficients.items()})

    def plus(self, other: "_Sum") -> "_Sum":
        """The sum of both."""
        total = dict(self.coefficients)
        for key, c in other.coefficients.items():
            total[key] = total.get(key, 0) + c
        return _Sum(self.constant + other.constant, {key: c for key, c in total.items() if c})


@dataclass(frozen=True, slots=True)
class _Function:
    """`clip(sum >> drop, lo, hi)`; a negative drop appends zeros, None is no limit."""

    sum: _Sum
    drop: int = 0
    lo: int | None = None
    hi: int | None = None

    @property
    def is_sum(self) -> bool:
        """Whether nothing is shifted or limited."""
        return (self.drop, self.lo, self.hi) == (0, None, None)

    def apply(self, total: int) -> int:
        """Shift and limit the value of the sum."""
        value = total >> self.drop if self.drop >= 0 else total << -self.drop
        value = value if self.lo is None else max(value, self.lo)
        return value if self.hi is None else min(value, self.hi)


class _Symbols:
    """Derives each operator as a function of its layer's inputs."""

    def __init__(self, graph: OperatorGraph, circuit: Circuit) -> None:
        self.graph, self.circuit = graph, circuit
        self.functions: list[_Function | None] = []
        self.inputs = dict(self._inputs())
        counts = (op for op in graph.operators if isinstance(op.operation, Count))
        self.counted = {source for op in counts for source in op.sources}
        self.layer_of_word = dict.fromkeys(self.inputs.values(), 0)
        for depth, layer in enumerate(graph.words, 1):
            for number in layer:
                if not graph.is_constant(number):
                    self.layer_of_word.setdefault(number, depth)

    def _inputs(self) -> Iterator[tuple[int, int]]:
        """The number of each input of the first layer and the operator that gives it: an input, or a threshold bit."""
        at, thresholds = self.graph.operators, self.circuit.thresholds
        for number, op in enumerate(at):
            if isinstance(op.operation, Input) and not thresholds:
                yield op.operation.word, number
            elif isinstance(op.operation, Greater) and op.layer == 0:
                word, least = (at[source].operation for source in op.sources)
                if not (isinstance(word, Input) and isinstance(least, Constant) and least.value + 1 in thresholds):
                    raise _error(f"operator {number}: no threshold of an input")
                yield word.word * len(thresholds) + thresholds.index(least.value + 1), number

    def derive(self, number: int) -> None:
        """Derive an operator's function and range, and compare the range with the one that it claims."""
        operator = self.graph.operators[number]
        derived, function = self._meaning_of(number, operator)
        same = operator.range == derived
        _need(same, f"operator {number}, {operator.kind}: range {operator.range}, but {derived} is proven")
        self.functions.append(function)

    def _meaning_of(self, number: int, operator: Operator) -> tuple[Interval, _Function | None]:
        """The range of an operator, and its function; None where it is no function of one sum."""
        operation = operator.operation
        claimed = [self.graph.operators[source].range for source in operator.sources]
        match operation:
            case Input(word):
                _need(0 <= word < self.graph.inputs, f"operator {number}: no input {word}")
                return (self.circuit.input.lo, self.circuit.input.hi), None
            case Greater():
                a, b = claimed
                return (int(a[0] > b[1]), int(a[1] > b[0])), None
            case Select():
                condition, a, b = claimed
                _need(condition == (0, 1), f"a selection by {condition[0]} to {condition[1]}")
                return (min(a[0], b[0]), max(a[1], b[1])), None
            case Table(entries):
                words = [word for _, word in self._entries(operator, entries)]
                return (min(words), max(words)), None
            case Constant() | Add() | Subtract() | Multiply() | Count() | Shift() | Maximum() | Minimum():
                function = self._function_of(number, operator, operation)
                return self._range_of(function), function
            case _:
                assert_never(operation)

    def _function_of(
        self,
        number: int,
        operator: Operator,
        operation: Constant | Add | Subtract | Multiply | Count | Shift | Maximum | Minimum,
    ) -> _Function:
        """An operator's function, from those of its sources."""
        sources = [self._source(source, operator.layer) for source in operator.sources]
        match operation:
            case Constant(value):
                return _Function(_Sum(value, {}))
            case Count(bits, inverted):
                return self._count(number, operator, bits, inverted)
            case Add(left, offset) | Subtract(left, offset):
                _need(all(source.is_sum for source in sources), f"operator {number}: adds a value that is no sum")
                sign = -1 if isinstance(operation, Subtract) else 1
                a, b = sources[0].sum.times(1 << left[0]), sources[1].sum.times(sign << left[1])
                return _Function(a.plus(b).plus(_Sum(offset, {})))
            case Multiply(factor):
                _need(sources[0].is_sum, f"operator {number}: multiplies a value that is no sum")
                _need(factor > 0, f"operator {number}: multiplies by {factor}")
                return _Function(sources[0].sum.times(factor))
            case Shift(right):
                (before,) = sources
                exact = (before.drop <= 0 or right >= 0) and before.lo is None and before.hi is None
                _need(exact, f"operator {number}: shifts a rounded or limited value")
                return _Function(before.sum, before.drop + right)
            case Maximum(limit):
                (before,) = sources
                _need(before.hi is None, f"operator {number}: a maximum behind a minimum")
                return replace(before, lo=limit if before.lo is None else max(before.lo, limit))
            case Minimum(limit):
                (before,) = sources
                _need(before.lo is None or before.lo <= limit, f"operator {number}: limits that cross")
                return replace(before, hi=limit if before.hi is None else min(before.hi, limit))
            case _:
                assert_never(operation)

    def compare(self, depth: int, k: int, *, varies: bool) -> None:
        """Compare the function of a neuron's word with that of the circuit."""
        number, layer = self.graph.words[depth][k], self.circuit.layers[depth]
        name = f"neuron n{depth + 1}_{k}"
        wanted = self._wanted(depth, k, layer)
        found, operator = self.functions[number], self.graph.operators[number]
        if isinstance(operator.operation, Table):
            self._compare_table(name, depth, operator, operator.operation, wanted)
            return
        lo, hi = self._range_of(wanted)
        if not varies:
            lo = hi = int(ranges_of(self.circuit)[depth].out_lo[k])
        if lo == hi:
            _need(operator.range == (lo, hi), f"{name}: must be {lo}, but {operator.lo} to {operator.hi}")
            return
        if found is None or self.layer_of_word.get(number) != depth + 1:
            raise _error(f"{name}: its word is operator {number}, none of its layer's sums")
        wanted = replace(wanted, sum=self._in_bits(wanted.sum))
        more = found.drop - wanted.drop  # low bits that the graph's sum lacks; negative: zeros that it has appended
        same = found.sum.times(1 << max(-more, 0)) == wanted.sum.times(1 << max(more, 0))
        _need(same, f"{name}: {_difference(found, wanted)}")
        found_lo, found_hi = operator.range
        _need(operator.range == (lo, hi), f"{name}: words from {found_lo} to {found_hi}, but {lo} to {hi} is right")

    def _entries(self, table: Operator, entries: Sequence[int]) -> Iterator[tuple[tuple[int, ...], int]]:
        """All combinations of values of a table's sources, and the entry that each chooses."""
        at = [self.graph.operators[source] for source in table.sources]
        total = sum(op.width for op in at)
        _need(0 < total <= MOST_TABLE_BITS, f"a table of {total} bits")
        _need(len(entries) == 1 << total, f"a table of {total} bits with {len(entries)} entries")
        for values in product(*(range(op.lo, op.hi + 1) for op in at)):
            address = low = 0
            for op, value in zip(at, values, strict=True):
                address |= (value & ((1 << op.width) - 1)) << low
                low += op.width
            yield values, entries[address]

    def _compare_table(self, name: str, depth: int, operator: Operator, table: Table, wanted: _Function) -> None:
        """Compare each entry of a table with the word that the circuit gives for the same values."""
        variables = [("operator", source, 0) for source in operator.sources]
        words = all(self.layer_of_word.get(source) == depth for source in operator.sources)
        _need(words and len(set(variables)) == len(variables), f"{name}: its table reads other operators than words")
        unread = sorted(set(wanted.sum.coefficients) - set(variables))
        _need(not unread, f"{name}: its table does not read {unread}")
        for values, word in self._entries(operator, table.entries):
            terms = zip(variables, values, strict=True)
            total = wanted.sum.constant + sum(wanted.sum.coefficients.get(key, 0) * value for key, value in terms)
            right = wanted.apply(total)
            _need(word == right, f"{name}: its table gives {word} for {values}, but {right} is right")

    def _source(self, number: int, layer: int) -> _Function:
        """The function of a source that is read in a layer; a word of the layer before is a variable."""
        word = self.layer_of_word.get(number)
        if word is not None and word < layer:
            _need(word == layer - 1, f"operator {number}: a word of layer {word} in layer {layer}")
            return _Function(self._in_bits(_Sum(0, {("operator", number, 0): 1})))
        function, operator = self.functions[number], self.graph.operators[number]
        if function is None or (operator.layer != layer and not self.graph.is_constant(number)):
            raise _error(f"operator {number}, {operator.kind}: read in layer {layer}, where it is no sum")
        return function

    def _wanted(self, depth: int, k: int, layer: CircuitLayer) -> _Function:
        """The function of a neuron in the circuit, written in the operators that give its inputs."""
        words = self.graph.words[depth - 1] if depth else None
        activation = layer.activation
        _need(isinstance(activation, Rescale) and activation.rounding == "up", f"layer {layer.name}: cannot be proved")
        assert isinstance(activation, Rescale)
        shift, before = activation.shift, self.circuit.first[depth - 1] if depth else 0
        constant = int(layer.bias[k]) + (1 << (shift - 1) if shift > 0 else 0)
        coefficients: dict[Variable, int] = {}
        for neuron, value in zip(*(array.tolist() for array in layer.row(k)), strict=True):
            source = neuron - before
            number = self.inputs.get(source) if words is None else words[source]
            operation = None if number is None else self.graph.operators[number].operation
            if isinstance(operation, Constant):
                constant += value * operation.value
            else:
                key = ("input", source, 0) if number is None else ("operator", number, 0)
                coefficients[key] = coefficients.get(key, 0) + value
        lo, hi = (None, None) if layer.output is None else (layer.output.lo, layer.output.hi)
        if activation.lo is not None:
            least = (activation.lo << -shift) if shift < 0 else (activation.lo + (1 << shift >> 1)) >> shift
            lo = least if lo is None else max(lo, least)
        return _Function(_Sum(constant, {key: c for key, c in coefficients.items() if c}), shift, lo, hi)

    def _count(self, number: int, operator: Operator, bits: Sequence[int], inverted: Sequence[bool]) -> _Function:
        """A count of bits: each must be one of those whose weighted sum is the word that it belongs to."""
        total = _Sum(0, {})
        for source, bit, flip in zip(operator.sources, bits, inverted, strict=True):
            word = self._source(source, operator.layer).sum.coefficients
            variables = [key for key, c in word.items() if c == 1 << bit]
            whole = self.graph.operators[source].range in ((0, 1), (0, 3))
            whole = whole and self.layer_of_word.get(source) == operator.layer - 1
            _need(whole and len(variables) == 1, f"operator {number}: counts bit {bit} of operator {source}")
            total = total.plus(_Sum(int(flip), {variables[0]: -1 if flip else 1}))
        return _Function(total)

    def _in_bits(self, total: _Sum) -> _Sum:
        """Write words from 0 to 3 whose bits are counted as two bits, each 0 or 1 independently of the other."""
        split: dict[Variable, int] = {}
        for key, c in total.coefficients.items():
            kind, number, _ = key
            if kind == "operator" and number in self.counted and self.graph.operators[number].range == (0, 3):
                split |= {("bit", number, 0): c, ("bit", number, 1): 2 * c}
            else:
                split[key] = c
        return _Sum(total.constant, split)

    def _range_of(self, function: _Function) -> Interval:
        """The exact range: the variables reach their extremes independently, and shift and limits are monotone."""
        lo = hi = function.sum.constant
        for key, c in function.sum.coefficients.items():
            a, b = self._range_of_variable(key)
            lo, hi = lo + min(c * a, c * b), hi + max(c * a, c * b)
        return function.apply(lo), function.apply(hi)

    def _range_of_variable(self, variable: Variable) -> Interval:
        kind, number, _ = variable
        if kind == "operator":
            return self.graph.operators[number].range
        entering = self.circuit.entering
        return (0, 1) if kind == "bit" else (entering.lo, entering.hi)


def _difference(found: _Function, wanted: _Function) -> str:
    """The first coefficient that differs, in words."""
    dropped = f"with {found.drop} bits dropped"
    if found.sum.constant != wanted.sum.constant:
        a, b = found.sum.constant, wanted.sum.constant
        return f"its constant is {a} {dropped}, but {b} with {wanted.drop} is right"
    for key in sorted({*found.sum.coefficients, *wanted.sum.coefficients}):
        a, b = found.sum.coefficients.get(key, 0), wanted.sum.coefficients.get(key, 0)
        if a != b:
            kind, number, bit = key
            what = f"bit {bit} of operator {number}" if kind == "bit" else f"{kind} {number}"
            return f"the coefficient of {what} is {a} {dropped}, but {b} with {wanted.drop} is right"
    return f"{found.drop} bits are dropped, but {wanted.drop} is right"


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _error(otherwise)


def _error(what: str) -> CheckError:
    return CheckError(f"operator graph: {what}; this is a bug of netgen, please report it")
