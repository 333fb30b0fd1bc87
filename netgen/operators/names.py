"""What operators are called in Verilog, in the Amaranth component and in drawings."""

import hashlib

from netgen.operators.graph import OperatorGraph

_DIGITS = 8
"""Of a digest; more, where two are alike so far: of 10,000 operators that happens in one graph of a hundred."""


def names_of(graph: OperatorGraph) -> list[str]:
    """A name for each operator, which stays the same when other neurons change.

    `n0_K` for inputs, or `x_K` and, for their bits, `n0_K`; `nLAYER_INDEX` for words, that with a number for what one
    neuron needs on the way there; `tLAYER_DIGEST` for what several share, after how it is computed.
    """
    words = {number: f"n{depth}_{k}" for depth, layer in enumerate(graph.words, 1) for k, number in enumerate(layer)}
    coded = graph.coded
    counts: dict[tuple[int, int], int] = {}
    names: list[str] = []
    taken: set[str] = set()
    for number, operator in enumerate(graph.operators):
        if operator.kind == "input":
            name = f"{'x' if coded else 'n0'}_{operator.value}"
        elif operator.kind == "greater" and operator.layer == 0 and operator.index is not None:
            name = f"n0_{operator.index}"
        elif number in words and operator.kind != "constant":
            name = words[number]
        elif operator.index is not None:
            neuron = operator.layer, operator.index
            counts[neuron] = counts.get(neuron, 0) + 1
            name = f"n{neuron[0]}_{neuron[1]}_{counts[neuron]}"
        else:
            parts = (operator.kind, operator.value, operator.left, *(names[source] for source in operator.sources))
            digest = hashlib.sha256(repr(parts).encode()).hexdigest()
            lengths = range(_DIGITS, len(digest) + 1)
            name = next(name for k in lengths if (name := f"t{operator.layer}_{digest[:k]}") not in taken)
        taken.add(name)
        names.append(name)
    assert len(taken) == len(names), "names are distinct"
    return names
