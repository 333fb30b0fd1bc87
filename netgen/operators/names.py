"""The names of operators in Verilog, in the Amaranth component and in drawings."""

import hashlib

from netgen.errors import BuildError
from netgen.operators.file import record_of
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import Greater, Hold, Input

__all__ = ["names_of"]

_DIGITS = 8
"""Hexadecimal digits of a digest in a name. Where two digests begin alike, the later name has more digits; among 10,000
operators that happens in one graph of a hundred."""


def names_of(graph: OperatorGraph) -> list[str]:
    """A name for each operator. It stays the same when other neurons change.

    | operator | name |
    |---|---|
    | input K | `n0_K`; with thresholds `x_K` for the input and `n0_K` for its bits |
    | word of a neuron | `nLAYER_INDEX` |
    | other operator of one neuron | `nLAYER_INDEX_COUNT` |
    | operator that several neurons share | `tLAYER_DIGEST`, the digest of what it computes from which operators |
    | value that a gate holds | `hLAYER_DIGEST`, likewise |

    Raises: BuildError, when two operators would have the same name, as only a damaged file can bring about.
    """
    words = {number: f"n{depth}_{k}" for depth, layer in enumerate(graph.words, 1) for k, number in enumerate(layer)}
    coded = graph.coded
    counts: dict[tuple[int, int], int] = {}
    names: list[str] = []
    used: set[str] = set()
    for number, operator in enumerate(graph.operators):
        if isinstance(operator.operation, Input):
            name = f"{'x' if coded else 'n0'}_{operator.operation.word}"
        elif isinstance(operator.operation, Greater) and operator.layer == 0 and operator.index is not None:
            name = f"n0_{operator.index}"
        elif number in words and not graph.is_constant(number):
            name = words[number]
        elif operator.index is not None:
            neuron = operator.layer, operator.index
            counts[neuron] = counts.get(neuron, 0) + 1
            name = f"n{neuron[0]}_{neuron[1]}_{counts[neuron]}"
        else:
            kind, numbers, value = record_of(operator.operation)
            parts = (kind, value, numbers, *(names[source] for source in operator.sources))
            digest = hashlib.sha256(repr(parts).encode()).hexdigest()
            letter = "h" if isinstance(operator.operation, Hold) else "t"
            longer = (f"{letter}{operator.layer}_{digest[:k]}" for k in range(_DIGITS, len(digest) + 1))
            name = next((name for name in longer if name not in used), "")
        if not name or name in used:
            raise BuildError(f"operator {number}, {operator.kind}: repeats an earlier one; build it again")
        used.add(name)
        names.append(name)
    return names
