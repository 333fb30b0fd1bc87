"""The part of the proof that writes the neurons of a circuit as functions, and compares them with those of a graph."""

from collections.abc import Iterable, Mapping
from itertools import product
from math import prod
from typing import assert_never

import numpy as np

from netgen.ir.activation import Rescale, Scale, Steps
from netgen.ir.circuit import CircuitLayer, ranges_of
from netgen.operators.claims import error, need
from netgen.operators.forms import Pieces, ShiftedSum, Sum, Variable, stepped
from netgen.operators.graph import Operator
from netgen.operators.kinds import MOST_TABLE_BITS, Constant, Table
from netgen.operators.symbols import Meaning, Symbols

__all__ = ["Wanted"]


class Wanted:
    """Compares the words of neurons with those of the circuit."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols, self._graph, self._circuit = symbols, symbols.graph, symbols.circuit

    def compare(self, depth: int, k: int) -> None:
        """Compare the function of a neuron's word with that of the circuit."""
        symbols, number, name = self._symbols, self._graph.words[depth][k], f"neuron n{depth + 1}_{k}"
        layer, reach = self._circuit.layers[depth], ranges_of(self._circuit)[depth]
        if layer.name != str(depth + 1):
            name += f" of layer {layer.name}"
        operator, found = self._graph.operators[number], symbols.meaning[number]
        total = self._gathered(layer, k)
        words_read = isinstance(operator.operation, Table) and found is None
        if words_read:
            self._compare_table(name, depth, operator, layer, k, total)
            return
        wanted = self._stepped_selection(layer, k) or self._function_of(layer, k, symbols.in_bits(total))
        lo, hi = wanted.range if isinstance(wanted, Pieces) else symbols.range_of(wanted)
        if reach.out_lo[k] == reach.out_hi[k]:
            lo = hi = int(reach.out_lo[k])
        if lo == hi:
            need(operator.range == (lo, hi), f"{name}: must be {lo}, but {operator.lo} to {operator.hi}")
            return
        if isinstance(operator.operation, Constant):
            self._compare_constant(name, operator, layer, k, total)
            return
        if found is None or symbols.layer_of_word.get(number) != depth + 1:
            raise error(f"{name}: its word is operator {number}, none of its layer's sums")
        if isinstance(wanted, Pieces) or isinstance(found, Pieces):
            steps = symbols.in_pieces(found) if isinstance(found, ShiftedSum) else found
            if steps != wanted:
                raise error(f"{name}: {_other_steps(steps, wanted)}")
        else:
            more = found.drop - wanted.drop  # low bits that the graph's sum lacks; negative: zeros that it has appended
            same = found.sum.times(1 << max(-more, 0)) == wanted.sum.times(1 << max(more, 0))
            if not same:
                raise error(f"{name}: {_difference(found, wanted)}")
            need(
                found.even == wanted.even or (wanted.even and wanted.is_whole),
                f"{name}: rounds halves {_halves(found)}, but {_halves(wanted)} is right",
            )
        found_lo, found_hi = operator.range
        need(operator.range == (lo, hi), f"{name}: words from {found_lo} to {found_hi}, but {lo} to {hi} is right")

    def _gathered(self, layer: CircuitLayer, k: int) -> Sum:
        """What a neuron gathers, its bias included, in the words that it reads."""
        sources = layer.row(k)[0].tolist()
        weights = [1 << bit for bit in range(len(sources))] if layer.gather == "table" else layer.row(k)[1].tolist()
        if layer.gather == "select":
            return self._symbols.selected(*self._selection(layer, k))
        if layer.gather == "max":
            return self._symbols.greatest(self._symbols.variable_of(neuron) for neuron in sources)
        constant = int(layer.bias[k])
        coefficients: dict[Variable, int] = {}
        for neuron, value in zip(sources, weights, strict=True):
            key = self._symbols.variable_of(neuron)
            if key[0] == "constant":
                constant += value * key[1]
            else:
                coefficients[key] = coefficients.get(key, 0) + value
        return Sum(constant, {key: c for key, c in coefficients.items() if c})

    def _selection(self, layer: CircuitLayer, k: int) -> tuple[Variable, Variable, Variable]:
        """The gate, the word and the bypass of a neuron that selects."""
        *bypass, gate, word = map(self._symbols.variable_of, layer.row(k)[0].tolist())
        return gate, word, bypass[0] if bypass else ("constant", 0, 0)

    def _stepped_selection(self, layer: CircuitLayer, k: int) -> Pieces | None:
        """What a neuron computes that selects one of two constants: a step function of its gate; None for others."""
        if layer.gather != "select":
            return None
        gate, *both = self._selection(layer, k)
        if gate[0] == "constant" or any(kind != "constant" for kind, _, _ in both):
            return None
        word, bypass = (self._value_of(self._function_of(layer, k, Sum(one[1], {})), {}) for one in both)
        above = self._symbols.above(gate)
        if not above.at:
            return None
        return stepped(above.sum, self._symbols.range_of_variable(gate), np.array(above.at), np.array([bypass, word]))

    def _function_of(self, layer: CircuitLayer, k: int, total: Sum) -> ShiftedSum | Pieces:
        """What a neuron computes from its sum or maximum."""
        lo, hi = (None, None) if layer.output is None else (layer.output.lo, layer.output.hi)
        match layer.activation:
            case Rescale(shift, least, most, rounding):
                even = rounding == "even" and shift > 0
                half = 0 if even or shift <= 0 else 1 << (shift - 1)
                rounded = ShiftedSum(total.plus(Sum(half, {})), shift, even=even)
                limits = (None if end is None else rounded.apply(end + half) for end in (least, most))
                least, most = _clipped(limits, (lo, hi))
                return ShiftedSum(rounded.sum, shift, least, most, even)
            case Scale(multiplier, offset, shift):
                return ShiftedSum(total.times(int(multiplier[k])).plus(Sum(int(offset[k]), {})), shift, lo, hi)
            case Steps() as steps:
                step = steps.of(k)
                value = step.value if layer.output is None else np.clip(step.value, lo, hi)
                return stepped(total, self._symbols.range_of(ShiftedSum(total)), step.at, value)
            case _:
                assert_never(layer.activation)

    def _compare_table(
        self, name: str, depth: int, operator: Operator, layer: CircuitLayer, k: int, total: Sum
    ) -> None:
        """Compare each entry of a table of words with the word that the circuit gives for the same values."""
        symbols, table = self._symbols, operator.operation
        assert isinstance(table, Table)
        variables: list[Variable] = [("operator", source, 0) for source in operator.sources]
        words = all(symbols.layer_of_word.get(source, depth + 1) <= depth for source in operator.sources)
        need(words and len(set(variables)) == len(variables), f"{name}: its table reads other operators than words")
        unread = sorted(symbols.words_in(total) - set(variables))
        need(not unread, f"{name}: its table does not read {unread}")
        wanted = self._function_of(layer, k, total)
        for values, word in symbols.entries(operator, table.entries):
            right = self._value_of(wanted, dict(zip(variables, values, strict=True)))
            need(word == right, f"{name}: its table gives {word} for {values}, but {right} is right")

    def _compare_constant(self, name: str, operator: Operator, layer: CircuitLayer, k: int, total: Sum) -> None:
        """Compare a constant with the words that the circuit gives for all values of the few bits that it reads."""
        symbols = self._symbols
        variables = sorted(symbols.words_in(total))
        ranges = [range(lo, hi + 1) for lo, hi in map(symbols.range_of_variable, variables)]
        need(prod(map(len, ranges)) <= 1 << MOST_TABLE_BITS, f"{name}: its word is always {operator.lo}")
        wanted = self._function_of(layer, k, total)
        for values in product(*ranges):
            right = self._value_of(wanted, dict(zip(variables, values, strict=True)))
            need(operator.lo == right, f"{name}: its word is always {operator.lo}, but {right} for {values}")

    def _value_of(self, function: ShiftedSum | Pieces, values: Mapping[Variable, int]) -> int:
        """The value of a function, from those of the words."""
        terms = function.sum.coefficients.items()
        total = function.sum.constant + sum(c * self._symbols.value_of(key, values) for key, c in terms)
        if isinstance(function, ShiftedSum):
            return function.apply(total)
        return function.value[int(np.searchsorted(function.at, total, side="right"))]


def _clipped(limits: Iterable[int | None], output: tuple[int | None, int | None]) -> Iterable[int | None]:
    """Limits of words, limited in turn by the output format, if there is one."""
    lo, hi = output
    for limit, end in zip(limits, output, strict=True):
        yield end if limit is None else limit if lo is None or hi is None else min(max(limit, lo), hi)


def _difference(found: ShiftedSum, wanted: ShiftedSum) -> str:
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


def _other_steps(found: Meaning, wanted: Meaning) -> str:
    """How two functions differ of which at least one is a step function."""
    if not isinstance(found, Pieces) or not isinstance(wanted, Pieces):
        kinds = ("a step function" if isinstance(one, Pieces) else "none" for one in (found, wanted))
        return "it is {}, but {} is right".format(*kinds)
    if found.sum != wanted.sum:
        return "its steps are those of another sum"
    if found.at != wanted.at:
        return f"its {len(found.at)} breaks are not the {len(wanted.at)} that are right"
    k = next(k for k, (a, b) in enumerate(zip(found.value, wanted.value, strict=True)) if a != b)
    return f"step {k} has value {found.value[k]}, but {wanted.value[k]} is right"


def _halves(function: ShiftedSum) -> str:
    return "to even" if function.even else "up"
