"""Draw an operator graph as text for Graphviz."""

from netgen.errors import BuildError
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import (
    Add,
    Constant,
    Count,
    Greater,
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
    kind_of,
)
from netgen.operators.names import names_of

SIGN = {Count: "ones", Greater: ">", Select: "?:"}
MOST = 2_000
"""Most operators of one drawing; Graphviz needs minutes for more."""


def drawing(graph: OperatorGraph, neuron: str | None = None) -> str:
    """Draw a graph, or the operators of one neuron, as text for `dot -Tsvg`.

    Args:
        neuron: name of a neuron, such as n2_17; its drawing ends at the words of earlier layers.
    Raises: BuildError, when there is no such neuron, or more to draw than Graphviz can lay out.
    """
    names = names_of(graph)
    chosen = set(range(len(names)))
    if neuron is not None:
        made = {f"n{depth}_{k}": n for depth, layer in enumerate(graph.words, 1) for k, n in enumerate(layer)}
        if neuron not in made:
            raise BuildError(f"neuron {neuron!r}: not in this circuit; give one such as n1_0")
        chosen = _cone(graph, made[neuron])
    if len(chosen) > MOST:
        raise BuildError(f"{len(chosen):,} operators are too many to draw; name one neuron, such as n1_0")
    lines = ["digraph operators {", "  rankdir=LR; node [shape=box, fontname=monospace];"]
    for number in sorted(chosen):
        operator = graph.operators[number]
        label = f"{names[number]}\\n{_sign(operator.operation)}\\n{operator.lo} to {operator.hi}"
        shape = ", shape=ellipse" if isinstance(operator.operation, Input | Constant) else ""
        lines.append(f'  {names[number]} [label="{label}"{shape}];')
        for k, source in enumerate(operator.sources):
            if source in chosen:
                note = _note(operator.operation, k)
                lines.append(f"  {names[source]} -> {names[number]}{note};")
    return "\n".join([*lines, "}", ""])


def _cone(graph: OperatorGraph, word: int) -> set[int]:
    """A word, the operators of its layer on which it depends, and the words of earlier layers that they read."""
    layer = graph.operators[word].layer
    left, found = [word], set[int]()
    while left:
        number = left.pop()
        if number not in found:
            found.add(number)
            if graph.operators[number].layer == layer:
                left.extend(graph.operators[number].sources)
    return found


def _note(operation: Operation, k: int) -> str:
    """The label of the wire from source k: a shift to the left, or the bit that is read."""
    match operation:
        case Add(left, _) | Subtract(left, _) if left[k]:
            return f' [label="<< {left[k]}"]'
        case Count(bits, _) if bits[k]:
            return f' [label="bit {bits[k]}"]'
    return ""


def _sign(operation: Operation) -> str:
    """An operation as a sign; by the name of its kind, when it has none."""
    match operation:
        case Shift(right):
            return f">> {right}" if right >= 0 else f"<< {-right}"
        case Maximum(limit):
            return f"max {limit}"
        case Larger():
            return "max"
        case Round(right):
            return f"round / 2**{right}"
        case Minimum(limit):
            return f"min {limit}"
        case Multiply(factor):
            return f"* {factor}"
        case Add(_, offset) | Subtract(_, offset):
            sign = "+" if isinstance(operation, Add) else "-"
            return f"{sign}, {offset:+}" if offset else sign
    return SIGN.get(type(operation), kind_of(operation))
