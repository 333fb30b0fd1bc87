"""An operator graph as a drawing, in the language of Graphviz."""

from netgen.errors import BuildError
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.names import names_of

SIGN = {
    "add": "+",
    "subtract": "-",
    "count": "ones",
    "greater": ">",
    "maximum": "max",
    "minimum": "min",
    "select": "?:",
}
MOST = 2_000
"""Operators that one drawing may have; Graphviz takes minutes for more."""


def drawing(graph: OperatorGraph, neuron: str | None = None) -> str:
    """Draw a graph, or what one neuron needs, as text for `dot -Tsvg`.

    Args:
        neuron: its name, such as n2_17; the words of the layer before are then the leaves.
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
        label = f"{names[number]}\\n{_what(operator)}\\n{operator.lo} to {operator.hi}"
        shape = ", shape=ellipse" if operator.kind in ("input", "constant") else ""
        lines.append(f'  {names[number]} [label="{label}"{shape}];')
        for k, source in enumerate(operator.sources):
            if source in chosen:
                shifted = operator.left[k] if operator.left else 0
                note = f' [label="{"bit" if operator.kind == "count" else "<<"} {shifted}"]' if shifted else ""
                lines.append(f"  {names[source]} -> {names[number]}{note};")
    return "\n".join([*lines, "}", ""])


def _cone(graph: OperatorGraph, word: int) -> set[int]:
    """A word, all that it needs in its layer, and the words of the layer before that it reads."""
    layer = graph.operators[word].layer
    left, found = [word], set[int]()
    while left:
        number = left.pop()
        if number not in found:
            found.add(number)
            if graph.operators[number].layer == layer:
                left.extend(graph.operators[number].sources)
    return found


def _what(operator: Operator) -> str:
    if operator.kind == "shift":
        return f">> {operator.value}" if operator.value >= 0 else f"<< {-operator.value}"
    if operator.kind in ("maximum", "minimum"):
        return f"{SIGN[operator.kind]} {operator.value}"
    if operator.kind == "multiply":
        return f"* {operator.value}"
    if operator.kind in ("add", "subtract") and operator.value:
        return f"{SIGN[operator.kind]}, {operator.value:+}"
    return SIGN.get(operator.kind, operator.kind)
