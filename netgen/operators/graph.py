"""The operator graph: every adder, shift and comparison of a circuit, each with the exact range of its values.

It lies between the integer circuit and hardware. Verilog, the Amaranth component, the cost, the pipeline and the proof
all start from it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from netgen.errors import BuildError
from netgen.ir.fixed import Interval, Words, bits_of
from netgen.operators.kinds import (
    COUNTED_BITS,
    MOST_TABLE_BITS,
    Add,
    Constant,
    Count,
    Greater,
    Hold,
    Input,
    Multiply,
    Operation,
    Round,
    Shift,
    Subtract,
    Table,
    compute,
    kind_of,
    needs_logic,
    sources_of,
)
from netgen.text import shown

__all__ = ["MOST_BITS", "Operator", "OperatorGraph", "evaluate", "trimmed", "values_of"]

MOST_BITS = 63
"""No value, shift or constant of an operator needs more bits than this; int64 holds them all."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operation on integers, at its place in a graph.

    Attributes:
        operation: what it computes from its sources.
        sources: the operators a, b, c and so on, by number; all lower than its own.
        lo, hi: its least and greatest value over all inputs.
        layer: the layer that it belongs to, from 1; 0 for inputs and constants, one above the last for the arg-max.
        index: the neuron of that layer that alone needs it; None when several neurons share it.
    """

    operation: Operation
    sources: tuple[int, ...]
    lo: int
    hi: int
    layer: int
    index: int | None

    @property
    def kind(self) -> str:
        """The name of its kind, such as `add`."""
        return kind_of(self.operation)

    @property
    def range(self) -> Interval:
        """Its least and greatest value."""
        return self.lo, self.hi

    @property
    def width(self) -> int:
        """The fewest bits that hold every value."""
        return bits_of(self.lo, self.hi)[0]

    @property
    def signed(self) -> bool:
        """Whether it can be negative."""
        return self.lo < 0


@dataclass(frozen=True, eq=False)
class OperatorGraph:
    """Operators in an order in which each comes after its sources.

    Attributes:
        inputs: number of words in a sample.
        words: per layer, from the first: the operator that gives the word of each neuron.
        best: the operator that gives the class; None without arg-max.
        scores: the operators that give the scores; by default the words of the last layer.

    Raises: BuildError, when an operator, a word or the class cannot be computed.
    """

    operators: tuple[Operator, ...]
    inputs: int
    words: tuple[tuple[int, ...], ...]
    best: int | None = None
    scores: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.words:
            raise BuildError("an operator graph without layers; build it again")
        object.__setattr__(self, "scores", self.scores or self.words[-1])
        for number, operator in enumerate(self.operators):
            problem = _problem_of(operator, number, self.inputs, len(self.words))
            if problem:
                raise BuildError(f"operator {number}, {operator.kind}: {problem}; build it again")
        named = [*(number for layer in self.words for number in layer), *self.outputs]
        absent = next((number for number in named if not 0 <= number < len(self.operators)), None)
        if absent is not None:
            raise BuildError(f"a word of operator {absent}, of {len(self.operators)}; build it again")

    @property
    def outputs(self) -> tuple[int, ...]:
        """The operators that give scores and class."""
        return (*self.scores, *(() if self.best is None else (self.best,)))

    def is_constant(self, number: int) -> bool:
        """Whether an operator always gives the same value."""
        return isinstance(self.operators[number].operation, Constant)

    @property
    def coded(self) -> bool:
        """Whether thresholds turn inputs into bits before the first layer reads them."""
        return any(isinstance(op.operation, Greater) and op.layer == 0 for op in self.operators)

    @property
    def readers(self) -> list[list[int]]:
        """For each operator, those that read it, in order."""
        found: list[list[int]] = [[] for _ in self.operators]
        for number, operator in enumerate(self.operators):
            for source in dict.fromkeys(operator.sources):
                found[source].append(number)
        return found

    @property
    def levels(self) -> list[int]:
        """For each operator, the number of operators with logic on the longest path to it, itself included."""
        found: list[int] = []
        for operator in self.operators:
            before = max((found[source] for source in operator.sources), default=0)
            found.append(before + needs_logic(operator.operation))
        return found

    def count(self, *kinds: type[Operation]) -> int:
        """How many operators are of these kinds."""
        return sum(isinstance(operator.operation, kinds) for operator in self.operators)


def _problem_of(operator: Operator, number: int, inputs: int, layers: int) -> str:
    """Why an operator cannot be computed; empty when it can."""
    operation, sources = operator.operation, operator.sources
    least, most = sources_of(operation)
    if not least <= len(sources) <= most:
        return f"sources {shown(sources)}, not {least if least == most else f'{least} to {most}'} of them"
    if not all(0 <= source < number for source in sources):
        return f"sources {shown(sources)}, not all before it"
    if operator.lo > operator.hi:
        return "its least value is above its greatest"
    if not -(1 << MOST_BITS) <= operator.lo <= operator.hi < 1 << MOST_BITS:
        return "its values do not fit 64 bits"
    if not 0 <= operator.layer <= layers + 1 or (operator.index is not None and operator.index < 0):
        return f"layer {operator.layer}, neuron {operator.index}, in a graph of {layers} layers"
    match operation:
        case Input(word) if not 0 <= word < inputs:
            return f"word {word} of {inputs}"
        case Add(left, _) | Subtract(left, _) if not all(0 <= shift <= MOST_BITS for shift in left):
            return f"left shifts {left}"
        case Multiply(factor) if factor <= 0:
            return f"factor {factor}"
        case Shift(right) if abs(right) > MOST_BITS:
            return f"shifts by {right}"
        case Round(right) if not 1 <= right < MOST_BITS:
            return f"rounds by {right} bits"
        case Count(bits, inverted) if not _countable(bits, inverted):
            return f"bits {shown(bits)}, inverted {shown(inverted)}"
        case Table(entries) if len(entries) not in _TABLE_SIZES:
            return f"{len(entries)} entries"
    return ""


def _countable(bits: Sequence[int], inverted: Sequence[bool]) -> bool:
    few = COUNTED_BITS[0] <= len(bits) <= COUNTED_BITS[1] and len(inverted) == len(bits)
    return few and all(0 <= bit < MOST_BITS for bit in bits)


_TABLE_SIZES = frozenset(1 << bits for bits in range(1, MOST_TABLE_BITS + 1))


def values_of(graph: OperatorGraph, inputs: Words, held: dict[int, int] | None = None) -> Iterator[tuple[int, Words]]:
    """Compute all operators for (n, n_in) int64 input words, one after the other: number and (n,) values.

    Args:
        held: None where samples are independent: a `Hold` then gives what it reads. Else the samples follow each other,
            and a `Hold` keeps its value where a gate is 0; its value before the first sample, by its number, is in
            `held`, or 0, and the one after the last sample replaces it.
    """
    last_reader = {source: number for number, op in enumerate(graph.operators) for source in op.sources}
    at: dict[int, Words] = {}
    for number, operator in enumerate(graph.operators):
        values = [at[source] for source in operator.sources]
        widths = [graph.operators[source].width for source in operator.sources]
        at[number] = compute(operator.operation, inputs, values, widths)
        if held is not None and isinstance(operator.operation, Hold):
            at[number] = _kept(values, held.get(number, 0))
            held[number] = int(at[number][-1]) if len(inputs) else held.get(number, 0)
        yield number, at[number]
        for source in (*operator.sources, number):
            if last_reader.get(source, number) <= number:
                at.pop(source, None)


def _kept(values: Sequence[Words], before: int) -> Words:
    """What a register holds for each sample, (n,), that loads a value where all gates are 1.

    Args:
        values: (n,) what it loads, then of each gate.
        before: what it holds before the first sample.
    """
    loads = np.all(values[1:], axis=0)
    last = np.maximum.accumulate(np.where(loads, np.arange(len(loads)), -1))
    return np.where(last < 0, before, values[0][last])


def evaluate(graph: OperatorGraph, inputs: Words) -> tuple[Words, Words | None]:
    """Compute scores, (n, n_out) int64, and classes, (n,) int64 or None, of (n, n_in) int64 input words."""
    wanted = set(graph.outputs)
    found = {number: values for number, values in values_of(graph, inputs) if number in wanted}
    scores = np.stack([found[number] for number in graph.scores], axis=1)
    return scores, None if graph.best is None else found[graph.best]


def trimmed(
    operators: Sequence[Operator],
    words: Sequence[Sequence[int]],
    best: int | None,
    *,
    inputs: int,
    scores: Sequence[int] = (),
) -> OperatorGraph:
    """Remove the operators that no output needs; the words of neurons stay, even those that no output needs.

    Args:
        scores: by default the words of the last layer.
    """
    needed = [False] * len(operators)
    for number in (*(number for layer in words for number in layer), *scores, *(() if best is None else (best,))):
        needed[number] = True
    for number in reversed(range(len(operators))):
        if needed[number]:
            for source in operators[number].sources:
                needed[source] = True
    new: list[int] = (np.cumsum(needed) - 1).tolist()
    kept = tuple(
        Operator(op.operation, tuple([new[s] for s in op.sources]), op.lo, op.hi, op.layer, op.index)
        for op, keep in zip(operators, needed, strict=True)
        if keep
    )
    renamed = tuple(tuple(new[number] for number in layer) for layer in words)
    return OperatorGraph(
        kept, inputs, renamed, None if best is None else new[best], tuple(new[number] for number in scores)
    )
