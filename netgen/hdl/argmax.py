"""The class in hardware: a tree of comparisons in which the lower index wins a tie."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Const, Mux, Shape, Value

from netgen.hdl.sheet import Sheet, Term


@dataclass(frozen=True)
class _Best:
    """The greatest of the scores `first` to `last`, and its index."""

    first: int
    last: int
    score: Value
    index: Value


def add_argmax(sheet: Sheet, scores: Sequence[Term], width: int) -> Value:
    """Add the tree and return the class.

    Args:
        width: bits of the class.
    """
    best = [_Best(k, k, term.value, Const(k, Shape(width))) for k, term in enumerate(scores)]
    while len(best) > 1:
        odd = best[len(best) & ~1 :]
        best = [_better(sheet, a, b) for a, b in zip(best[::2], best[1::2], strict=False)] + odd
    return best[0].index


def _better(sheet: Sheet, a: _Best, b: _Best) -> _Best:
    name = f"best_{a.first}_{b.last}"
    later = sheet.wire(f"{name}_later", b.score > a.score)
    return _Best(
        a.first,
        b.last,
        score=sheet.wire(name, Mux(later, b.score, a.score)),
        index=sheet.wire(f"{name}_class", Mux(later, b.index, a.index)),
    )
