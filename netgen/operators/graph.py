"""The operator graph: every adder, shift and comparison of a circuit, each with the exact range of its values.

It lies between the integer circuit and hardware. Hardware, its cost, its pipeline and the proof that it is right all
start from it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np

from netgen.errors import BuildError
from netgen.ir.fixed import Words, bits_of

Kind = Literal[
    "input",
    "constant",
    "add",
    "subtract",
    "multiply",
    "count",
    "shift",
    "maximum",
    "minimum",
    "greater",
    "select",
    "table",
]
_SOURCES: Mapping[str, int] = MappingProxyType(
    {
        "input": 0,
        "constant": 0,
        "add": 2,
        "subtract": 2,
        "multiply": 1,
        "shift": 1,
        "maximum": 1,
        "minimum": 1,
        "greater": 2,
        "select": 3,
    }
)
"""How many each kind has; a table has any number from 1, a count from 2 to 6."""
MOST_TABLE_BITS = 8
"""Bits of a table's address at most; each more doubles the table."""
LINEAR: frozenset[Kind] = frozenset(("constant", "add", "subtract", "multiply", "count"))
"""Kinds whose values are sums of multiples of a layer's inputs, or of their bits."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operation on integers.

    | kind | value |
    |---|---|
    | input | word `value` of the sample |
    | constant | `value` |
    | add, subtract | a * 2**left[0] plus or minus b * 2**left[1], plus `value` |
    | multiply | a * `value`, which is positive |
    | count | how many of bit left[0] of a, left[1] of b and so on are 1, or 0 where `value` has a bit for the source |
    | shift | a // 2**`value`, rounded down; a negative `value` appends zeros |
    | maximum, minimum | of a and `value` |
    | greater | 1 if a > b, else 0 |
    | select | a ? b : c |
    | table | entry i of `value`, which holds them in its own width each, entry 0 lowest; the bits of i are those of \
all sources, the first lowest |

    Attributes:
        sources: the operators a, b, c and so on, by number; all lower than its own.
        left: left shifts of a and b; bits of sources for count; empty for all other kinds.
        value: as above; 0 where there is none.
        lo, hi: no input makes it less or more.
        layer: in which it stands; 0 for inputs and constants, that after the last for the arg-max.
        index: of the neuron that it serves; None when it serves several.
    """

    kind: Kind
    sources: tuple[int, ...]
    left: tuple[int, ...]
    value: int
    lo: int
    hi: int
    layer: int
    index: int | None

    @property
    def width(self) -> int:
        """The fewest bits that hold every value."""
        return bits_of(self.lo, self.hi)[0]

    @property
    def signed(self) -> bool:
        """Whether it can be negative."""
        return self.lo < 0

    @property
    def free(self) -> bool:
        """Whether it takes no logic: inputs, constants and shifts are wiring."""
        return self.kind in ("input", "constant", "shift")


@dataclass(frozen=True, eq=False)
class OperatorGraph:
    """Operators in an order in which each comes after its sources.

    Attributes:
        inputs: number of words in a sample.
        words: per layer, from the first: the operator that gives the word of each neuron; of the last, its score.
        best: the operator that gives the class; None without arg-max.
    """

    operators: tuple[Operator, ...]
    inputs: int
    words: tuple[tuple[int, ...], ...]
    best: int | None = None

    def __post_init__(self) -> None:
        for number, operator in enumerate(self.operators):
            wrong = _wrong_in(operator, number, self.inputs)
            if wrong:
                raise BuildError(f"operator {number}, {operator.kind}: {wrong}; build it again")
        named = [*(number for layer in self.words for number in layer), *(() if self.best is None else (self.best,))]
        absent = next((number for number in named if not 0 <= number < len(self.operators)), None)
        if absent is not None:
            raise BuildError(f"a word of operator {absent}, of {len(self.operators)}; build it again")
        if not self.words:
            raise BuildError("an operator graph without layers; build it again")

    @property
    def outputs(self) -> tuple[int, ...]:
        """The operators that give scores and class."""
        return (*self.words[-1], *(() if self.best is None else (self.best,)))

    def is_constant(self, number: int) -> bool:
        """Whether an operator always gives the same value."""
        return self.operators[number].kind == "constant"

    @property
    def coded(self) -> bool:
        """Whether inputs become bits, by thresholds, before any layer reads them."""
        return any(operator.kind == "greater" and operator.layer == 0 for operator in self.operators)

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
        """For each operator, how many operators that take logic lie on the longest way to it, itself included."""
        found: list[int] = []
        for operator in self.operators:
            before = max((found[source] for source in operator.sources), default=0)
            found.append(before + (not operator.free))
        return found

    def count(self, *kinds: Kind) -> int:
        """How many operators are of these kinds."""
        return sum(operator.kind in kinds for operator in self.operators)


def _wrong_in(operator: Operator, number: int, inputs: int) -> str:
    """Why an operator cannot be computed; empty, when it can."""
    if operator.kind not in get_args(Kind):
        return "no such kind"
    least, most = {"table": (1, MOST_TABLE_BITS), "count": (2, 6)}.get(
        operator.kind, (_SOURCES.get(operator.kind, 0),) * 2
    )
    sources = min(max(len(operator.sources), least), most)
    shifts = sources if operator.kind in ("add", "subtract", "count") else 0
    if (len(operator.sources), len(operator.left)) != (sources, shifts):
        return f"sources {operator.sources} and left shifts {operator.left}"
    if not all(0 <= source < number for source in operator.sources):
        return f"sources {operator.sources}, not all before it"
    if min(operator.left, default=0) < 0:
        return f"left shifts {operator.left}"
    if operator.kind == "table" and operator.value < 0:
        return f"entries {operator.value}"
    if operator.kind == "count" and not 0 <= operator.value < 1 << sources:
        return f"turns bits {operator.value:b} of {sources}"
    if operator.kind == "input" and not 0 <= operator.value < inputs:
        return f"word {operator.value} of {inputs}"
    return ""


def values_of(graph: OperatorGraph, inputs: Words) -> Iterator[tuple[int, Words]]:
    """Compute all operators for (n, n_in) int64 input words, one after the other: number and (n,) values."""
    last_reader = {source: number for number, op in enumerate(graph.operators) for source in op.sources}
    at: dict[int, Words] = {}
    for number, operator in enumerate(graph.operators):
        values = [at[source] for source in operator.sources]
        if operator.kind == "table":
            at[number] = entries_of(operator)[address_of([graph.operators[s] for s in operator.sources], values)]
        else:
            at[number] = _compute(operator, values, inputs)
        yield number, at[number]
        for source in (*operator.sources, number):
            if last_reader.get(source, number) <= number:
                at.pop(source, None)


def evaluate(graph: OperatorGraph, inputs: Words) -> tuple[Words, Words | None]:
    """Compute scores, (n, n_out) int64, and classes, (n,) int64 or None, of (n, n_in) int64 input words."""
    wanted = set(graph.outputs)
    found = {number: values for number, values in values_of(graph, inputs) if number in wanted}
    scores = np.stack([found[number] for number in graph.words[-1]], axis=1)
    return scores, None if graph.best is None else found[graph.best]


def _compute(operator: Operator, values: Sequence[Words], inputs: Words) -> Words:
    a = values[0] if values else inputs[:, 0]
    match operator.kind:
        case "input":
            return inputs[:, operator.value]
        case "constant":
            return np.full(len(inputs), operator.value, dtype=np.int64)
        case "add":
            return (a << operator.left[0]) + (values[1] << operator.left[1]) + operator.value
        case "subtract":
            return (a << operator.left[0]) - (values[1] << operator.left[1]) + operator.value
        case "multiply":
            return a * operator.value
        case "count":
            bits = (source >> bit & 1 for source, bit in zip(values, operator.left, strict=True))
            return sum((bit ^ (operator.value >> k & 1) for k, bit in enumerate(bits)), np.zeros_like(a))
        case "shift":
            return a >> operator.value if operator.value >= 0 else a << -operator.value
        case "maximum":
            return np.maximum(a, operator.value)
        case "minimum":
            return np.minimum(a, operator.value)
        case "greater":
            return (a > values[1]).astype(np.int64)
        case "select":
            return np.where(a != 0, values[1], values[2])
    raise AssertionError(f"{operator.kind} is computed elsewhere")


def entries_of(table: Operator) -> Words:
    """The entries of a table, (n,), as many as its value has, and zeros up to a power of two behind them."""
    count = 1 << MOST_TABLE_BITS
    mask = (1 << table.width) - 1
    found = [(table.value >> (k * table.width)) & mask for k in range(count)]
    words: Words = np.array(found, dtype=np.int64)
    return words - ((words >> (table.width - 1)) << table.width) if table.signed else words


def address_of(sources: Sequence[Operator], values: Sequence[Words]) -> Words:
    """Which entry of a table the values of its sources, (n,) each, choose; the first source has the lowest bits."""
    address = np.zeros_like(values[0])
    for source, value in zip(reversed(sources), reversed(values), strict=True):
        address = (address << source.width) | (value & ((1 << source.width) - 1))
    return address


def range_of(kind: Kind, value: int, left: Sequence[int], reach: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Least and greatest value of an operator whose sources stay within `reach`, each independent of the others."""
    match kind:
        case "input" | "table":
            raise ValueError(f"the range of {kind} is given, not derived")
        case "constant":
            return value, value
        case "add":
            (a, b), (c, d) = reach
            return (a << left[0]) + (c << left[1]) + value, (b << left[0]) + (d << left[1]) + value
        case "subtract":
            (a, b), (c, d) = reach
            return (a << left[0]) - (d << left[1]) + value, (b << left[0]) - (c << left[1]) + value
        case "multiply":
            return reach[0][0] * value, reach[0][1] * value
        case "count":
            fixed = [
                lo >> bit & 1 if lo >> bit == hi >> bit else None for (lo, hi), bit in zip(reach, left, strict=True)
            ]
            ones = sum(bit is not None and bit != value >> k & 1 for k, bit in enumerate(fixed))
            return ones, ones + fixed.count(None)
        case "shift":
            lo, hi = reach[0]
            return (lo >> value, hi >> value) if value >= 0 else (lo << -value, hi << -value)
        case "maximum":
            return max(reach[0][0], value), max(reach[0][1], value)
        case "minimum":
            return min(reach[0][0], value), min(reach[0][1], value)
        case "greater":
            (a, b), (c, d) = reach
            return int(a > d), int(b > c)
        case "select":
            choices = [reach[1]] * (reach[0] != (0, 0)) + [reach[2]] * (reach[0][0] <= 0 <= reach[0][1])
            return min(lo for lo, _ in choices), max(hi for _, hi in choices)


def trimmed(
    operators: Sequence[Operator], words: Sequence[Sequence[int]], best: int | None, *, inputs: int
) -> OperatorGraph:
    """A graph of those operators only that an output needs; words of neurons that none needs are kept as well."""
    needed = [False] * len(operators)
    for number in (*(number for layer in words for number in layer), *(() if best is None else (best,))):
        needed[number] = True
    for number in reversed(range(len(operators))):
        if needed[number]:
            for source in operators[number].sources:
                needed[source] = True
    new = list(np.cumsum(needed) - 1)
    kept = tuple(
        replace(op, sources=tuple(int(new[s]) for s in op.sources))
        for op, keep in zip(operators, needed, strict=True)
        if keep
    )
    renamed = tuple(tuple(int(new[number]) for number in layer) for layer in words)
    return OperatorGraph(kept, inputs, renamed, None if best is None else int(new[best]))


def to_json(graph: OperatorGraph) -> str:
    """Write a graph as JSON text that `from_json` reads back: one operator a line."""
    lines = (
        json.dumps([op.kind, op.sources, op.left, op.value, op.lo, op.hi, op.layer, op.index], separators=(",", ":"))
        for op in graph.operators
    )
    return (
        f'{{"inputs": {graph.inputs}, "words": {json.dumps(graph.words)}, "class": {json.dumps(graph.best)},\n'
        '"operators": [\n' + ",\n".join(lines) + "\n]}\n"
    )


def from_json(text: str) -> OperatorGraph:
    """Read what `to_json` wrote.

    Raises: BuildError, when the text is not such a graph.
    """
    try:
        tree = json.loads(text)
        operators = tuple(
            Operator(kind, _whole(s), _whole(left), *_reach(rest[:3]), *_place(rest[3:]))
            for kind, s, left, *rest in tree["operators"]
        )
        words = tuple(_whole(layer) for layer in tree["words"])
        best = None if tree["class"] is None else _whole([tree["class"]])[0]
        return OperatorGraph(operators, _whole([tree["inputs"]])[0], words, best)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise BuildError(f"not an operator graph ({error}); build it again") from error


def _whole(values: Iterable[object]) -> tuple[int, ...]:
    numbers = tuple(values)
    if not all(type(value) is int for value in numbers):
        raise TypeError(f"{numbers} are no whole numbers")
    return numbers  # type: ignore[return-value]  # just checked


def _reach(values: Iterable[object]) -> tuple[int, int, int]:
    value, lo, hi = _whole(values)
    return value, lo, hi


def _place(values: Sequence[object]) -> tuple[int, int | None]:
    layer, index = values
    return _whole([layer])[0], None if index is None else _whole([index])[0]
