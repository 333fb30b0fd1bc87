"""Linear assignment for the small problems of a search, compiled by numba: 3 us, where a call of OR-Tools takes 10."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

from netgen.ir.fixed import Words

FORBIDDEN = np.int64(1) << 52
"""Cost of a column that a row may not have."""
Integer = Any
"""An int or an np.int64; to numba they are one."""
Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """`njit` that keeps the types and, between runs, the machine code."""
    return cast(Function, njit(function, cache=True))


@compiled
def assign(cost: Words) -> tuple[Words, Integer]:  # noqa: PLR0912 - a classic, kept whole
    """The column of each row in a cheapest assignment, and its cost; `cost` is left with the reduced costs.

    Source: Jonker and Volgenant 1987 (shortest augmenting paths).
    """
    rows, columns = cost.shape
    price, owner = np.zeros(columns + 1, np.int64), np.full(columns + 1, -1, np.int64)
    worth = np.zeros(rows, np.int64)
    for row in range(rows):
        owner[columns] = row
        column: Integer = columns
        slack, before = np.full(columns, FORBIDDEN * 64), np.full(columns, columns, np.int64)
        done = np.zeros(columns + 1, np.bool_)
        while owner[column] >= 0:
            done[column] = True
            holder, step, best = owner[column], FORBIDDEN * 64, 0
            for j in range(columns):
                if not done[j]:
                    reduced = cost[holder, j] - worth[holder] - price[j]
                    if reduced < slack[j]:
                        slack[j], before[j] = reduced, column
                    if slack[j] < step:
                        step, best = slack[j], j
            for j in range(columns + 1):
                if done[j]:
                    worth[owner[j]] += step
                    price[j] -= step
                elif j < columns:
                    slack[j] -= step
            column = best
        while column != columns:
            owner[column] = owner[before[column]]
            column = before[column]
    mate = np.empty(rows, np.int64)
    total = np.int64(0)
    for j in range(columns):
        if owner[j] >= 0:
            mate[owner[j]] = j
            total += cost[owner[j], j]
    for i in range(rows):
        for j in range(columns):
            cost[i, j] -= worth[i] + price[j]
    return mate, total
