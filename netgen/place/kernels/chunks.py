"""How much work a kernel does before it returns to Python, where interrupts and `Stopped` are noticed."""

from collections.abc import Iterator

__all__ = ["chunks"]

CHUNK = 500_000
"""Moves of annealing, or work that takes as long: 0.05 to 0.3 s."""


def chunks(work: int, cost: float = 1.0) -> Iterator[int]:
    """Divide an amount of work into parts that take about as long as CHUNK moves; at least one part, which may be 0.

    Args:
        work: number of units, for instance moves or steps.
        cost: time of one unit, in moves.
    """
    most = max(int(CHUNK / cost), 1)
    yield min(work, most)
    for done in range(most, work, most):
        yield min(work - done, most)
