"""Proof that an operator graph computes its circuit, for all inputs: symbolically, not by samples.

Shares no code with what builds graphs, so that a mistake there cannot hide here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from netgen.errors import CheckError
from netgen.ir.circuit import Circuit, CircuitLayer, ranges_of
from netgen.operators.graph import MOST_TABLE_BITS, Kind, Operator, OperatorGraph

Form = dict[int, int]
"""Coefficients of a layer's inputs, by operator; what is added, under `ONE`."""
ONE = -1
ABSENT = -2
"""Stands for input 0 where no operator reads it, the number below for input 1, and so on."""
BIT = 1 << 40
"""The number of an operator, plus this times one more than k, stands for bit k of it."""
Reach = tuple[int, int]


@dataclass(frozen=True)
class Proof:
    """What has been shown.

    Attributes:
        operators: whose ranges hold, and are no wider than they need be.
        neurons: whose words are, as functions of all inputs, those of the circuit.
        weights: whose coefficients were compared.
    """

    operators: int
    neurons: int
    weights: int


def prove(graph: OperatorGraph, circuit: Circuit) -> Proof:
    """Show that a graph gives the circuit's words, scores and class for every input, and that no value overflows.

    Within a layer each sum is a linear form of the layer's inputs: its coefficients are computed and compared with the
    weights, its range follows exactly. Rounding, activation and saturation are monotone, so what a neuron does to its
    sum is one shift between two limits, and is compared as such. A table is compared entry by entry.

    Raises: CheckError, naming the first operator or neuron that is wrong.
    """
    symbols = _Symbols(graph, circuit)
    for number in range(len(graph.operators)):
        symbols.visit(number)
    _need(graph.inputs == circuit.features, f"{graph.inputs} inputs, but the circuit has {circuit.features}")
    sizes = tuple(len(layer) for layer in graph.words)
    _need(sizes == circuit.sizes[1:], f"layers of {sizes} neurons, but the circuit has {circuit.sizes[1:]}")
    neurons = weights = 0
    varies = [reach.out_lo != reach.out_hi for reach in ranges_of(circuit)]
    needed = [np.ones(circuit.sizes[-1], dtype=np.bool_)]
    for layer, varying in zip(circuit.layers[:0:-1], varies[::-1], strict=False):
        needed.insert(0, (layer.weight[needed[0] & varying] != 0).any(axis=0))
    for depth, layer in enumerate(circuit.layers):
        for k in np.flatnonzero(needed[depth]).tolist():
            symbols.compare(depth, k, varies=bool(varies[depth][k]))
            neurons += 1
            weights += int(np.count_nonzero(layer.weight[k]))
    if graph.best is not None:
        symbols.compare_best()
    return Proof(len(graph.operators), neurons, weights)


@dataclass(frozen=True)
class _Step:
    """`clip(form >> drop, lo, hi)`; a negative drop appends zeros. None: no limit."""

    form: Form
    drop: int
    lo: int | None
    hi: int | None


class _Symbols:
    """What each operator is, as a function of its layer's inputs."""

    def __init__(self, graph: OperatorGraph, circuit: Circuit) -> None:
        self.graph, self.circuit = graph, circuit
        self.steps: list[_Step | None] = []
        self.inputs = dict(self._entering())
        self.counted = {source for op in graph.operators if op.kind == "count" for source in op.sources}
        self.layer_of_word = dict.fromkeys(self.inputs.values(), 0)
        for depth, layer in enumerate(graph.words, 1):
            for number in layer:
                if graph.operators[number].kind != "constant":
                    self.layer_of_word.setdefault(number, depth)

    def _entering(self) -> Iterator[tuple[int, int]]:
        """What the first layer takes, by number, and the operator that gives it: inputs, or bits by thresholds."""
        at, thresholds = self.graph.operators, self.circuit.thresholds
        for number, op in enumerate(at):
            if op.kind == "input" and not thresholds:
                yield op.value, number
            elif op.kind == "greater" and op.layer == 0:
                word, least = at[op.sources[0]], at[op.sources[1]]
                known = (word.kind, least.kind) == ("input", "constant") and least.value + 1 in thresholds
                _need(known, f"operator {number}: no threshold of an input")
                yield word.value * len(thresholds) + thresholds.index(least.value + 1), number

    def visit(self, number: int) -> None:
        """Derive an operator's function and range, and compare the range with what it claims."""
        operator = self.graph.operators[number]
        claimed = operator.lo, operator.hi
        if operator.kind == "input":
            format_ = self.circuit.input
            _need(0 <= operator.value < self.graph.inputs, f"operator {number}: no input {operator.value}")
            derived: Reach = format_.lo, format_.hi
            step = None
        elif operator.kind == "table":
            words = [word for _, word in self._entries(operator)]
            derived, step = (min(words), max(words)), None
        elif operator.kind in ("greater", "select"):
            derived, step = self._choice(operator), None
        else:
            step = self._step(number, operator)
            derived = self._reach(step)
        _need(claimed == derived, f"operator {number}, {operator.kind}: range {claimed}, but {derived} is proven")
        self.steps.append(step)

    def compare(self, depth: int, k: int, *, varies: bool) -> None:
        """Compare a neuron's word with what the circuit says it is."""
        number, layer = self.graph.words[depth][k], self.circuit.layers[depth]
        name = f"neuron n{depth + 1}_{k}"
        wanted = self._wanted(depth, k, layer)
        lo, hi = self._reach(wanted)
        found = self.steps[number]
        operator = self.graph.operators[number]
        if operator.kind == "table":
            self._compare_table(name, depth, operator, wanted)
            return
        if not varies:
            lo = hi = int(ranges_of(self.circuit)[depth].out_lo[k])
        if lo == hi:
            _need((operator.lo, operator.hi) == (lo, hi), f"{name}: must be {lo}, but {operator.lo} to {operator.hi}")
            return
        if found is None or self.layer_of_word.get(number) != depth + 1:
            raise CheckError(f"operator graph: {name}: its word is operator {number}, none of its layer's sums")
        wanted = replace(wanted, form=self._in_bits(wanted.form))
        more = found.drop - wanted.drop  # what the graph has left out of the sum, or put into it, as zeros
        same = _scaled(found.form, max(-more, 0)) == _scaled(wanted.form, max(more, 0))
        _need(same, f"{name}: {_difference(found, wanted)}")
        limits = (operator.lo, operator.hi)
        _need(limits == (lo, hi), f"{name}: words from {limits[0]} to {limits[1]}, but {lo} to {hi} is right")

    def _entries(self, table: Operator) -> Iterator[tuple[tuple[int, ...], int]]:
        """The values of a table's sources that can come together, and the word that it gives for them."""
        at = [self.graph.operators[source] for source in table.sources]
        total = sum(op.width for op in at)
        _need(0 < total <= MOST_TABLE_BITS, f"a table of {total} bits")
        _need(table.value < 1 << (table.width << total), f"a table of {total} bits with more entries")
        for values in product(*(range(op.lo, op.hi + 1) for op in at)):
            address = low = 0
            for op, value in zip(at, values, strict=True):
                address += (value % (1 << op.width)) << low
                low += op.width
            word = (table.value >> (address * table.width)) % (1 << table.width)
            yield values, word - (1 << table.width) if word > table.hi else word

    def _compare_table(self, name: str, depth: int, table: Operator, wanted: _Step) -> None:
        """Compare a table, entry by entry, with what the circuit says."""
        for source in table.sources:
            _need(self.layer_of_word.get(source) == depth, f"{name}: a table of operator {source}, no word before it")
        absent = set(wanted.form) - {ONE} - set(table.sources)
        _need(not absent, f"{name}: its table does not read operators {sorted(absent)}")
        for values, word in self._entries(table):
            total = wanted.form.get(ONE, 0)
            total += sum(wanted.form.get(k, 0) * value for k, value in zip(table.sources, values, strict=True))
            right = total >> wanted.drop if wanted.drop >= 0 else total << -wanted.drop
            right = max(right, right if wanted.lo is None else wanted.lo)
            right = min(right, right if wanted.hi is None else wanted.hi)
            _need(word == right, f"{name}: its table gives {word} for {values}, but {right} is right")

    def compare_best(self) -> None:
        """Compare the arg-max with a tournament in which the later wins only if it is greater."""
        at = {(op.kind, op.sources): number for number, op in enumerate(self.graph.operators)}
        constants = {op.value: number for number, op in enumerate(self.graph.operators) if op.kind == "constant"}
        words = self.graph.words[-1]
        left = [_Best(score, constants.get(k, -1), self._claimed(score)) for k, score in enumerate(words)]
        while len(left) > 1:
            odd = left[len(left) & ~1 :]
            left = [_winner(at, a, b) for a, b in zip(left[::2], left[1::2], strict=False)] + odd
        _need(left[0].index == self.graph.best, f"class: operator {self.graph.best} is not the greatest score's index")

    def _choice(self, operator: Operator) -> Reach:
        a, b, *c = (self._claimed(source) for source in operator.sources)
        if operator.kind == "greater":
            return int(a[0] > b[1]), int(a[1] > b[0])
        _need(a == (0, 1), f"a selection by {a[0]} to {a[1]}")
        return min(b[0], c[0][0]), max(b[1], c[0][1])

    def _step(self, number: int, operator: Operator) -> _Step:
        """An operator's function: from those of its sources."""
        sources = [self._source(source, operator.layer) for source in operator.sources]
        if operator.kind == "constant":
            return _Step({ONE: operator.value} if operator.value else {}, 0, None, None)
        if operator.kind == "count":
            return self._ones(number, operator)
        if operator.kind in ("add", "subtract", "multiply"):
            plain = all(s.drop == 0 and s.lo is None and s.hi is None for s in sources)
            _need(plain, f"operator {number}: a sum of what is no sum")
            if operator.kind == "multiply":
                _need(operator.value > 0, f"operator {number}: multiplies by {operator.value}")
                return _Step({k: c * operator.value for k, c in sources[0].form.items()}, 0, None, None)
            form = _scaled(sources[0].form, operator.left[0])
            sign = 1 if operator.kind == "add" else -1
            for k, c in _scaled(sources[1].form, operator.left[1]).items():
                form[k] = form.get(k, 0) + sign * c
            form[ONE] = form.get(ONE, 0) + operator.value
            return _Step({k: c for k, c in form.items() if c}, 0, None, None)
        (before,) = sources
        if operator.kind == "shift":
            exact = before.drop <= 0 or operator.value >= 0
            _need(exact and before.lo is None and before.hi is None, f"operator {number}: shifts what was cut")
            return _Step(before.form, before.drop + operator.value, None, None)
        if operator.kind == "maximum":
            _need(before.hi is None, f"operator {number}: a maximum behind a minimum")
            return _Step(before.form, before.drop, _most(before.lo, operator.value), None)
        _need(before.lo is None or before.lo <= operator.value, f"operator {number}: limits that cross")
        ceiling = operator.value if before.hi is None else min(before.hi, operator.value)
        return _Step(before.form, before.drop, before.lo, ceiling)

    def _source(self, number: int, layer: int) -> _Step:
        """A source's function; of an earlier layer's word: itself."""
        word = self.layer_of_word.get(number)
        if word is not None and word < layer:
            _need(word == layer - 1, f"operator {number}: a word of layer {word} in layer {layer}")
            return _Step(self._in_bits({number: 1}), 0, None, None)
        step = self.steps[number]
        operator = self.graph.operators[number]
        if step is None or (operator.layer != layer and operator.kind != "constant"):
            raise CheckError(f"operator {number}, {operator.kind}: read in layer {layer}, where it is no sum")
        return step

    def _wanted(self, depth: int, k: int, layer: CircuitLayer) -> _Step:
        """What the circuit says that a neuron does, of the operators that give its inputs."""
        words = self.graph.words[depth - 1] if depth else None
        shift = self.circuit.rescale_shift(depth)
        form: Form = {ONE: int(layer.bias[k]) + (1 << (shift - 1) if shift > 0 else 0)}
        for source in np.flatnonzero(layer.weight[k]).tolist():
            number = self.inputs.get(source, ABSENT - source) if words is None else words[source]
            value = int(layer.weight[k, source])
            if number >= 0 and self.graph.operators[number].kind == "constant":
                form[ONE] += value * self.graph.operators[number].value
            else:
                form[number] = form.get(number, 0) + value
        lo = None if layer.output is None else layer.output.lo
        lo = _most(lo, 0) if layer.activation == "relu" else lo
        return _Step({k: c for k, c in form.items() if c}, shift, lo, None if layer.output is None else layer.output.hi)

    def _ones(self, number: int, operator: Operator) -> _Step:
        """A count of bits: each is one of a word's that, together, make its value."""
        form: Form = {}
        for k, (source, bit) in enumerate(zip(operator.sources, operator.left, strict=True)):
            word = self._source(source, operator.layer).form
            shares = [key for key, c in word.items() if c == 1 << bit]
            whole = self._claimed(source) in ((0, 1), (0, 3)) and self.layer_of_word.get(source) == operator.layer - 1
            _need(whole and len(shares) == 1, f"operator {number}: counts bit {bit} of operator {source}")
            turn = operator.value >> k & 1
            form[ONE] = form.get(ONE, 0) + turn
            form[shares[0]] = form.get(shares[0], 0) + (-1 if turn else 1)
        return _Step({k: c for k, c in form.items() if c}, 0, None, None)

    def _in_bits(self, form: Form) -> Form:
        """A form in which counted words from 0 to 3 are two bits, each of which is 0 or 1 whatever the other is."""
        split: Form = {}
        for k, c in form.items():
            if k in self.counted and self._claimed(k) == (0, 3):
                split |= {k + BIT: c, k + 2 * BIT: 2 * c}
            else:
                split[k] = c
        return split

    def _claimed(self, number: int) -> Reach:
        if number >= BIT:
            return 0, 1
        if number <= ABSENT:
            entering = self.circuit.format_into(0)
            return entering.lo, entering.hi
        return self.graph.operators[number].lo, self.graph.operators[number].hi

    def _reach(self, step: _Step) -> Reach:
        """Exact: the inputs of a form take their extremes independently, and all that follows is monotone."""
        lo = hi = step.form.get(ONE, 0)
        for number, c in step.form.items():
            if number != ONE:
                a, b = self._claimed(number)
                lo, hi = lo + min(c * a, c * b), hi + max(c * a, c * b)
        lo, hi = (lo >> step.drop, hi >> step.drop) if step.drop >= 0 else (lo << -step.drop, hi << -step.drop)
        if step.lo is not None:
            lo, hi = max(lo, step.lo), max(hi, step.lo)
        return (lo, hi) if step.hi is None else (min(lo, step.hi), min(hi, step.hi))


@dataclass(frozen=True)
class _Best:
    """The operators that give the greatest of some scores, and its index; -1 where the graph has none."""

    score: int
    index: int
    reach: Reach


def _winner(at: Mapping[tuple[Kind, tuple[int, ...]], int], a: _Best, b: _Best) -> _Best:
    """Of two, b only if it is greater; by ranges alone where they decide."""
    if b.reach[1] <= a.reach[0]:
        return a
    if b.reach[0] > a.reach[1]:
        return b
    later = at.get(("greater", (b.score, a.score)), -1)
    return _Best(
        at.get(("select", (later, b.score, a.score)), -1),
        at.get(("select", (later, b.index, a.index)), -1),
        (min(a.reach[0], b.reach[0]), max(a.reach[1], b.reach[1])),
    )


def _scaled(form: Form, shift: int) -> Form:
    return {k: c << shift for k, c in form.items()}


def _most(a: int | None, b: int) -> int:
    return b if a is None else max(a, b)


def _difference(found: _Step, wanted: _Step) -> str:
    """The first coefficient that differs, in words."""
    keys: Sequence[int] = sorted(set(found.form) | set(wanted.form))
    for key in keys:
        a, b = found.form.get(key, 0), wanted.form.get(key, 0)
        if a != b:
            bit = f"bit {key // BIT - 1} of " if key >= BIT else ""
            what = "what is added" if key == ONE else f"the coefficient of {bit}operator {key % BIT}"
            return f"{what} is {a} with {found.drop} bits dropped, but {b} with {wanted.drop} is right"
    return f"{found.drop} bits are dropped, but {wanted.drop} is right"


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise CheckError(f"operator graph: {otherwise}; this is a bug of netgen, please report it")
