"""Operator graphs with one fault, and whether the fault shows in a score or a class."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
from strategies import classes_of

from netgen.errors import BuildError
from netgen.ir.circuit import Circuit
from netgen.ir.circuit import evaluate as scores_of
from netgen.ir.fixed import Words
from netgen.operators.graph import Operator, OperatorGraph, evaluate
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
    range_of,
)

Random = np.random.Generator
Key = tuple[int, int]
"""Of a form, which has a coefficient for each: an operator of an earlier layer, and a bit of it or, as -1, all."""
ONE = -1, -1
"""Stands in a form for what is added."""


def _changed(graph: OperatorGraph, number: int, **change: Any) -> Operator:
    """An operator whose operation has other fields."""
    operator = graph.operators[number]
    return replace(operator, operation=replace(operator.operation, **change))


def _step(rng: Random) -> int:
    return int(rng.choice([-2, -1, 1, 2]))


def _left(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    operation = graph.operators[number].operation
    assert isinstance(operation, Add | Subtract)
    k = int(rng.integers(2))
    left = list(operation.left)
    left[k] += 1 if left[k] == 0 else int(rng.choice([-1, 1]))
    return _changed(graph, number, left=tuple(left))


def _sign(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    del rng
    operator = graph.operators[number]
    assert isinstance(operator.operation, Add | Subtract)
    other = Add if isinstance(operator.operation, Subtract) else Subtract
    return replace(operator, operation=other(operator.operation.left, operator.operation.offset))


def _offset(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    operation = graph.operators[number].operation
    assert isinstance(operation, Add | Subtract)
    return _changed(graph, number, offset=operation.offset + _step(rng))


def _factor(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    operation = graph.operators[number].operation
    assert isinstance(operation, Multiply)
    return _changed(graph, number, factor=operation.factor + _step(rng))


def _shift(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    operation = graph.operators[number].operation
    assert isinstance(operation, Shift)
    return _changed(graph, number, right=operation.right + _step(rng))


def _limit(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    operation = graph.operators[number].operation
    assert isinstance(operation, Maximum | Minimum)
    return _changed(graph, number, limit=operation.limit + _step(rng))


def _entry(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    """One bit of one entry of a table inverted; the sign bit of a signed table counts negative."""
    operator = graph.operators[number]
    assert isinstance(operator.operation, Table)
    entries = list(operator.operation.entries)
    k, bit = int(rng.integers(len(entries))), int(rng.integers(operator.width))
    weight = -(1 << bit) if operator.signed and bit == operator.width - 1 else 1 << bit
    entries[k] += -weight if entries[k] >> bit & 1 else weight
    return _changed(graph, number, entries=tuple(entries))


def _constant(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    operator = graph.operators[number]
    assert isinstance(operator.operation, Constant)
    value = operator.operation.value + _step(rng)
    return replace(operator, operation=Constant(value), lo=value, hi=value)


def _inverted(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    operation = graph.operators[number].operation
    assert isinstance(operation, Count)
    inverted = list(operation.inverted)
    k = int(rng.integers(len(inverted)))
    inverted[k] = not inverted[k]
    return _changed(graph, number, inverted=tuple(inverted))


def _bit(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    """Another bit of one source; where there is but one, a bit that is always 0."""
    operation = graph.operators[number].operation
    assert isinstance(operation, Count)
    bits = list(operation.bits)
    bits[int(rng.integers(len(bits)))] ^= 1
    return _changed(graph, number, bits=tuple(bits))


def _source(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    """Another source instead of one, from among all that come before."""
    op = graph.operators[number]
    sources = list(op.sources)
    sources[int(rng.integers(len(sources)))] = int(rng.integers(number))
    return replace(op, sources=tuple(sources))


def _rule(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    """Rounded at another bit, or down instead of to the nearest."""
    operation = graph.operators[number].operation
    assert isinstance(operation, Round)
    if rng.integers(2):
        return _changed(graph, number, right=operation.right + _step(rng))
    return replace(graph.operators[number], operation=Shift(operation.right))


def _swapped(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    """The two values that are compared, or chosen between, in each other's place."""
    del rng
    op = graph.operators[number]
    return replace(op, sources=(*op.sources[:-2], op.sources[-1], op.sources[-2]))


def _lo(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    op = graph.operators[number]
    return replace(op, lo=op.lo + int(rng.choice([-1, 1])))


def _hi(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    op = graph.operators[number]
    return replace(op, hi=op.hi + int(rng.choice([-1, 1])))


Kinds = tuple[type[Operation], ...]
MUTATIONS: dict[str, tuple[Kinds, Callable[[OperatorGraph, int, Random], Operator]]] = {
    "left shift": ((Add, Subtract), _left),
    "sign": ((Add, Subtract), _sign),
    "factor": ((Multiply,), _factor),
    "offset": ((Add, Subtract), _offset),
    "inverted bit": ((Count,), _inverted),
    "bit of a source": ((Count,), _bit),
    "entry": ((Table,), _entry),
    "constant": ((Constant,), _constant),
    "rounding": ((Round,), _rule),
    "swapped": ((Greater, Select), _swapped),
    "kind": ((Larger,), lambda graph, number, _: replace(graph.operators[number], operation=Greater())),
    "source": (tuple(kind for kind in get_args(Operation) if kind not in (Input, Constant, Table)), _source),
    "shift": ((Shift,), _shift),
    "limit": ((Maximum, Minimum), _limit),
    "lo": (get_args(Operation), _lo),
    "hi": (get_args(Operation), _hi),
}
"""By name: the kinds of operators that it can happen to, and how."""


def mutant(graph: OperatorGraph, mutation: str, rng: Random) -> OperatorGraph | None:
    """The graph with one operator changed; None when it has none of the kind, or that is no change or no graph."""
    kinds, change = MUTATIONS[mutation]
    numbers = [number for number, op in enumerate(graph.operators) if isinstance(op.operation, kinds)]
    if not numbers:
        return None
    number = int(rng.choice(numbers))
    changed = change(graph, number, rng)
    if changed == graph.operators[number]:
        return None
    try:
        return replace(graph, operators=(*graph.operators[:number], changed, *graph.operators[number + 1 :]))
    except BuildError:
        return None


def with_ranges(graph: OperatorGraph) -> OperatorGraph:
    """The graph with the ranges that its operators have, whatever they claim: a mutant in disguise.

    Sums of a layer's inputs have the range of their linear form, all else that of its sources.
    """
    words = {number for layer in graph.words for number in layer}
    forms: list[dict[Key, int] | None] = []
    operators: list[Operator] = []
    for op in graph.operators:

        def form_of(source: int, layer: int = op.layer) -> dict[Key, int] | None:
            before = operators[source]
            if isinstance(before.operation, Hold):
                return form_of(before.sources[0], layer)
            if isinstance(before.operation, Constant):
                return {ONE: before.operation.value}
            if before.layer == 0 or (source in words and before.layer < layer):
                if (before.lo, before.hi) == (0, 3):  # two bits, each 0 or 1 whatever the other is
                    return {(source, 0): 1, (source, 1): 2}
                return {(source, -1): 1}
            return forms[source] if before.layer == layer else None

        form: dict[Key, int] | None = None
        span = op.lo, op.hi
        if not isinstance(op.operation, Input | Table):
            span = range_of(op.operation, [operators[s].range for s in op.sources])
        parts = [form_of(source) for source in op.sources]
        match op.operation:
            case Add(left, offset) | Subtract(left, offset) if None not in parts:
                sign = 1 if isinstance(op.operation, Add) else -1
                form = {ONE: offset}
                for part, factor in zip(parts, (1 << left[0], sign << left[1]), strict=True):
                    for key, c in (part or {}).items():
                        form[key] = form.get(key, 0) + c * factor
            case Multiply(factor) if parts[0] is not None:
                form = {key: c * factor for key, c in parts[0].items()}
            case Larger() | Select():
                form = {(len(operators), -1): 1}
            case Count(bits, inverted):
                form = {ONE: sum(inverted)}
                for source, bit, flip in zip(op.sources, bits, inverted, strict=True):
                    key = source, bit if operators[source].width > 1 else -1
                    form[key] = form.get(key, 0) + (-1 if flip else 1)
        if form is not None and not isinstance(op.operation, Larger | Select):
            ends = []
            for (source, bit), c in form.items():
                lo, hi = (1, 1) if (source, bit) == ONE else (0, 1) if bit >= 0 else operators[source].range
                ends.append(sorted((c * lo, c * hi)))
            span = sum(lo for lo, _ in ends), sum(hi for _, hi in ends)
        forms.append(form)
        operators.append(replace(op, lo=span[0], hi=span[1]))
    return replace(graph, operators=tuple(operators))


def differs(graph: OperatorGraph, circuit: Circuit, inputs: Words) -> bool:
    """Whether a score, or the class, is wrong for one of some inputs."""
    expected = scores_of(circuit, inputs)
    scores, classes = evaluate(graph, inputs)
    if classes is not None and not np.array_equal(classes, classes_of(circuit, expected)):
        return True
    return not np.array_equal(scores, expected)
