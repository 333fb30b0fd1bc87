"""How far a wire length is from a proven lower bound, in words: what build reports and the placer alone print."""

from math import ceil


def verdict_of(length: int, bound: int | None) -> str:
    """Describe a wire length and a lower bound on it: `wire length 27,139 · at most 1.48x optimal`.

    The ratio is rounded up, so that the text never promises more than the bound proves.

    Args:
        length: wire length of a placement.
        bound: proven lower bound on the wire length of every placement; None when unknown. A bound of 0 says
            nothing about a longer placement and is left out.
    """
    text = f"wire length {length:,}"
    if bound == length:
        return f"{text} · optimal"
    return f"{text} · at most {ceil(100 * length / bound) / 100:.2f}x optimal" if bound else text
