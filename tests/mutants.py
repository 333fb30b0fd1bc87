"""Operator graphs with one thing wrong, and whether that can be seen from outside."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from netgen.ir.circuit import Circuit, classify
from netgen.ir.circuit import evaluate as scores_of
from netgen.ir.fixed import Words
from netgen.operators.graph import Operator, OperatorGraph, evaluate, range_of

Random = np.random.Generator
Key = tuple[int, int]
"""Of a form, which has a coefficient for each: an operator of an earlier layer, and a bit of it or, as -1, all."""
ONE = -1, -1
"""Stands in a form for what is added."""


def _left(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    op = graph.operators[number]
    k = int(rng.integers(2))
    left = list(op.left)
    left[k] += 1 if left[k] == 0 else int(rng.choice([-1, 1]))
    return replace(op, left=tuple(left))


def _sign(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    del rng
    op = graph.operators[number]
    return replace(op, kind="add" if op.kind == "subtract" else "subtract")


def _value(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    op = graph.operators[number]
    return replace(op, value=op.value + int(rng.choice([-2, -1, 1, 2])))


def _entry(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    """One bit of a table turned around."""
    op = graph.operators[number]
    bits = sum(graph.operators[source].width for source in op.sources)
    return replace(op, value=op.value ^ (1 << int(rng.integers(op.width << bits))))


def _constant(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    changed = _value(graph, number, rng)
    return replace(changed, lo=changed.value, hi=changed.value)


def _turned(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    op = graph.operators[number]
    return replace(op, value=op.value ^ 1 << int(rng.integers(len(op.sources))))


def _place(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    """Another bit of one source; where there is but one, a bit that is always 0."""
    op = graph.operators[number]
    left = list(op.left)
    left[int(rng.integers(len(left)))] ^= 1
    return replace(op, left=tuple(left))


def _source(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    """Another source instead of one, from among all that come before."""
    op = graph.operators[number]
    sources = list(op.sources)
    sources[int(rng.integers(len(sources)))] = int(rng.integers(number))
    return replace(op, sources=tuple(sources))


def _lo(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    op = graph.operators[number]
    return replace(op, lo=op.lo + int(rng.choice([-1, 1])))


def _hi(graph: OperatorGraph, number: int, rng: Random) -> Operator:
    op = graph.operators[number]
    return replace(op, hi=op.hi + int(rng.choice([-1, 1])))


MUTATIONS: dict[str, tuple[frozenset[str], Callable[[OperatorGraph, int, Random], Operator]]] = {
    "left shift": (frozenset(("add", "subtract")), _left),
    "sign": (frozenset(("add", "subtract")), _sign),
    "factor": (frozenset(("multiply",)), _value),
    "added": (frozenset(("add", "subtract")), _value),
    "turned bit": (frozenset(("count",)), _turned),
    "place of a bit": (frozenset(("count",)), _place),
    "entry": (frozenset(("table",)), _entry),
    "constant": (frozenset(("constant",)), _constant),
    "source": (
        frozenset(("add", "subtract", "multiply", "count", "shift", "maximum", "minimum", "greater", "select")),
        _source,
    ),
    "shift": (frozenset(("shift",)), _value),
    "limit": (frozenset(("maximum", "minimum")), _value),
    "lo": (frozenset(), _lo),
    "hi": (frozenset(), _hi),
}
"""By name: the kinds of operators that it can happen to (none: all), and how."""


def mutant(graph: OperatorGraph, mutation: str, rng: Random) -> OperatorGraph | None:
    """The graph with one operator changed; None, when it has none of the kind, or that is no change."""
    kinds, change = MUTATIONS[mutation]
    numbers = [number for number, op in enumerate(graph.operators) if not kinds or op.kind in kinds]
    if not numbers:
        return None
    number = int(rng.choice(numbers))
    changed = change(graph, number, rng)
    if changed == graph.operators[number]:
        return None
    return replace(graph, operators=(*graph.operators[:number], changed, *graph.operators[number + 1 :]))


def with_ranges(graph: OperatorGraph) -> OperatorGraph:
    """The graph with the ranges that its operators have by themselves, whatever they claim: a mutant in disguise.

    Sums of a layer's inputs have the range of their linear form, all else that of its sources.
    """
    words = {number for layer in graph.words for number in layer}
    forms: list[dict[Key, int] | None] = []
    operators: list[Operator] = []
    for op in graph.operators:

        def form_of(source: int, layer: int = op.layer) -> dict[Key, int] | None:
            before = operators[source]
            if before.kind == "constant":
                return {ONE: before.value}
            if before.layer == 0 or (source in words and before.layer < layer):
                if (before.lo, before.hi) == (0, 3):  # two bits, each 0 or 1 whatever the other is
                    return {(source, 0): 1, (source, 1): 2}
                return {(source, -1): 1}
            return forms[source] if before.layer == layer else None

        form: dict[Key, int] | None = None
        reach = op.lo, op.hi
        if op.kind not in ("input", "table"):
            reach = range_of(op.kind, op.value, op.left, [(operators[s].lo, operators[s].hi) for s in op.sources])
        parts = [form_of(source) for source in op.sources]
        if op.kind in ("add", "subtract", "multiply") and None not in parts:
            factors = {"add": (1, 1), "subtract": (1, -1), "multiply": (op.value,)}[op.kind]
            form = {}
            for part, factor, shift in zip(parts, factors, op.left or (0,), strict=True):
                for key, c in (part or {}).items():
                    form[key] = form.get(key, 0) + (c * factor << shift)
            if op.kind != "multiply":
                form[ONE] = form.get(ONE, 0) + op.value
        if op.kind == "count":
            form = {ONE: op.value.bit_count()}
            for k, (source, bit) in enumerate(zip(op.sources, op.left, strict=True)):
                key = source, bit if operators[source].width > 1 else -1
                form[key] = form.get(key, 0) + (-1 if op.value >> k & 1 else 1)
        if form is not None:
            ends = []
            for (source, bit), c in form.items():
                lo, hi = (1, 1) if (source, bit) == ONE else (0, 1) if bit >= 0 else _reach(operators[source])
                ends.append(sorted((c * lo, c * hi)))
            reach = sum(lo for lo, _ in ends), sum(hi for _, hi in ends)
        forms.append(form)
        operators.append(replace(op, lo=reach[0], hi=reach[1]))
    return replace(graph, operators=tuple(operators))


def _reach(operator: Operator) -> tuple[int, int]:
    return operator.lo, operator.hi


def differs(graph: OperatorGraph, circuit: Circuit, inputs: Words) -> bool:
    """Whether a score, or the class, is wrong for one of some inputs."""
    expected = scores_of(circuit, inputs)
    scores, classes = evaluate(graph, inputs)
    return not np.array_equal(scores, expected) or not (classes is None or np.array_equal(classes, classify(expected)))
