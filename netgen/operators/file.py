"""Operator graphs as JSON text, one operator a line: the file `operators.json` of a build.

A line holds `kind, sources, numbers, number, lo, hi, layer, index`. What `numbers` and `number` mean depends on the
kind; see `record_of`.
"""

import json
from collections.abc import Callable
from typing import assert_never

from netgen.errors import BuildError
from netgen.operators.graph import MOST_BITS, Operator, OperatorGraph
from netgen.operators.kinds import (
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
    Operation,
    Round,
    Select,
    Shift,
    Subtract,
    Table,
    kind_of,
)
from netgen.text import Fields, parse_json, shown

__all__ = ["from_json", "operation_of", "record_of", "to_json"]

_COLUMNS = ("kind", "sources", "numbers", "number", "lo", "hi", "layer", "index")
OperationRecord = tuple[str, tuple[int, ...], int]
"""An operation in a file: its kind, some numbers, and one number."""


def record_of(operation: Operation) -> OperationRecord:
    """The record of an operation; different operations have different records."""
    kind = kind_of(operation)
    match operation:
        case Input(number) | Constant(number) | Multiply(number) | Shift(number) | Round(number):
            return kind, (), number
        case Maximum(number) | Minimum(number):
            return kind, (), number
        case Add(left, offset) | Subtract(left, offset):
            return kind, left, offset
        case Count(bits, inverted):
            return kind, bits, sum(flip << k for k, flip in enumerate(inverted))
        case Greater() | Select() | Larger() | Hold():
            return kind, (), 0
        case Table(entries):
            return kind, entries, 0
        case _:
            assert_never(operation)


def operation_of(kind: object, numbers: tuple[int, ...], number: int) -> Operation | None:
    """The operation of a record; None, when no operation has it."""
    single: dict[str, Callable[[int], Operation]] = {
        "input": Input,
        "constant": Constant,
        "multiply": Multiply,
        "shift": Shift,
        "round": Round,
        "maximum": Maximum,
        "minimum": Minimum,
    }
    match kind, numbers:
        case ("add", (a, b)):
            return Add((a, b), number)
        case ("subtract", (a, b)):
            return Subtract((a, b), number)
        case ("count", bits) if 0 <= number < 1 << min(len(bits), MOST_BITS):
            return Count(bits, tuple(bool(number >> k & 1) for k in range(len(bits))))
        case ("table", entries) if number == 0:
            return Table(entries)
        case ("greater", ()) if number == 0:
            return Greater()
        case ("select", ()) if number == 0:
            return Select()
        case ("larger", ()) if number == 0:
            return Larger()
        case ("hold", ()) if number == 0:
            return Hold()
        case (str(name), ()) if name in single:
            return single[name](number)
    return None


def to_json(graph: OperatorGraph) -> str:
    """Write a graph as JSON text that `from_json` reads back."""
    lines = (
        json.dumps([kind, op.sources, numbers, number, op.lo, op.hi, op.layer, op.index], separators=(",", ":"))
        for op in graph.operators
        for kind, numbers, number in (record_of(op.operation),)
    )
    return (
        f'{{"inputs": {graph.inputs}, "words": {json.dumps(graph.words)}, "scores": {json.dumps(graph.scores)}, '
        f'"class": {json.dumps(graph.best)},\n'
        '"operators": [\n' + ",\n".join(lines) + "\n]}\n"
    )


def from_json(text: str) -> OperatorGraph:
    """Read what `to_json` wrote.

    Raises: BuildError, when the text is not such a graph.
    """
    tree = _FIELDS.mapping(
        parse_json(text, _FIELDS.error, fix=_FIELDS.fix), "graph", ("inputs", "words", "scores", "class", "operators")
    )
    graph = OperatorGraph(
        operators=tuple(
            _operator(row, f"operators[{number}]")
            for number, row in enumerate(_FIELDS.items(tree["operators"], "operators"))
        ),
        inputs=_FIELDS.integer(tree["inputs"], "inputs"),
        words=tuple(
            _FIELDS.integers(layer, f"words[{k}]") for k, layer in enumerate(_FIELDS.items(tree["words"], "words"))
        ),
        scores=_FIELDS.integers(tree["scores"], "scores"),
        best=None if tree["class"] is None else _FIELDS.integer(tree["class"], "class"),
    )
    for number, operator in enumerate(graph.operators):
        if isinstance(operator.operation, Table):
            bits = sum(graph.operators[source].width for source in operator.sources)
            entries = len(operator.operation.entries)
            if entries.bit_length() != bits + 1:  # the number of entries is a power of two
                raise _FIELDS.wrong(f"operators[{number}]", f"{entries} entries for {bits} address bits")
    return graph


_FIELDS = Fields(lambda line: BuildError(f"not an operator graph: {line}"), fix="build it again")


def _operator(row: object, place: str) -> Operator:
    fields = _FIELDS.items(row, place)
    if len(fields) != len(_COLUMNS):
        raise _FIELDS.wrong(place, f"{len(fields)} columns, not {', '.join(_COLUMNS)}")
    kind, sources, numbers, number, lo, hi, layer, index = fields
    operation = operation_of(kind, _FIELDS.integers(numbers, place), _FIELDS.integer(number, place))
    if operation is None:
        raise _FIELDS.wrong(place, f"kind {shown(kind)} with {shown(numbers)} and {number} is no operation")
    return Operator(
        operation,
        _FIELDS.integers(sources, place),
        _FIELDS.integer(lo, place),
        _FIELDS.integer(hi, place),
        _FIELDS.integer(layer, place),
        None if index is None else _FIELDS.integer(index, place),
    )
