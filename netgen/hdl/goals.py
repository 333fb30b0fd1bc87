"""What test vectors should reach in a circuit, and which of it a batch of samples reaches.

Goals:
    - every entry of every table (a count is written as a table, too), and every bit of the entry such that its change
      changes an output;
    - the least and the greatest value of every operator;
    - of every comparison a > b, the two cases that its threshold separates: a = b and a = b + 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netgen.ir.fixed import Words
from netgen.ir.network import Bools
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import Constant, Count, Greater, Table, address_of

Cells = npt.NDArray[np.int32]
MISSED = -1
"""In place of a goal that a sample does not reach."""


@dataclass(frozen=True)
class Goals:
    """The goals of a graph, numbered from 0, in four groups one after the other.

    Attributes:
        tables: operators that are tables in Verilog.
        entries, bits: for each table, the number of its first entry and of the first bit of its first entry.
        limits: number of the first limit: of operator k, its least value is limit 2 k, its greatest 2 k + 1.
        comparisons: operators that compare.
        edges: number of the first edge: of comparison k, a = b is edge 2 k, a = b + 1 is edge 2 k + 1.
        count: of all.
    """

    tables: tuple[int, ...]
    entries: tuple[int, ...]
    bits: tuple[int, ...]
    limits: int
    comparisons: tuple[int, ...]
    edges: int
    count: int


def goals_of(graph: OperatorGraph) -> Goals:
    """Number the goals of a graph."""
    operators = graph.operators
    tables = tuple(k for k, op in enumerate(operators) if isinstance(op.operation, Table | Count))
    sizes = np.array([entries_of(graph, number) for number in tables], dtype=np.int64)
    widths = np.array([operators[number].width for number in tables], dtype=np.int64)
    entries = np.concatenate([[0], np.cumsum(sizes)])
    bits = entries[-1] + np.concatenate([[0], np.cumsum(sizes * widths)])
    comparisons = tuple(k for k, op in enumerate(operators) if isinstance(op.operation, Greater))
    limits = int(bits[-1])
    edges = limits + 2 * len(operators)
    return Goals(
        tables=tables,
        entries=tuple(entries[:-1].tolist()),
        bits=tuple(bits[:-1].tolist()),
        limits=limits,
        comparisons=comparisons,
        edges=edges,
        count=edges + 2 * len(comparisons),
    )


def pointless(graph: OperatorGraph, goals: Goals) -> Bools:
    """(count,) bool: goals that are none, as a constant, or an operator that always gives the same, has no limits."""
    found = np.zeros(goals.count, dtype=bool)
    for number, operator in enumerate(graph.operators):
        if isinstance(operator.operation, Constant) or operator.lo == operator.hi:
            found[goals.limits + 2 * number : goals.limits + 2 * number + 2] = True
    return found


def table_address(graph: OperatorGraph, number: int, values: Sequence[Words]) -> Words:
    """The entry, (n,), that the values of its sources, (n,) each, choose in an operator that is a table in Verilog."""
    operator = graph.operators[number]
    if isinstance(operator.operation, Count):
        bits = [value >> bit & 1 for value, bit in zip(values, operator.operation.bits, strict=True)]
        return address_of(bits, [1] * len(bits))
    return address_of(values, [graph.operators[source].width for source in operator.sources])


def reached(graph: OperatorGraph, goals: Goals, values: Sequence[Words]) -> tuple[Cells, Cells]:
    """Which goals but the visible bits each sample reaches.

    Args:
        values: (n,) of each operator.
    Returns: (columns, n) numbers of goals, `MISSED` where none; and (tables, n) addresses.
    """
    operators = graph.operators
    columns: list[Words] = []
    addresses = [table_address(graph, t, [values[s] for s in operators[t].sources]) for t in goals.tables]
    columns += [address + first for address, first in zip(addresses, goals.entries, strict=True)]
    for number, operator in enumerate(operators):
        first = goals.limits + 2 * number
        at = np.where(values[number] == operator.lo, first, MISSED)
        columns.append(np.where(values[number] == operator.hi, first + 1, at))
    for k, number in enumerate(goals.comparisons):
        a, b = (values[source] for source in operators[number].sources)
        margin = a - b
        columns.append(np.where((margin == 0) | (margin == 1), goals.edges + 2 * k + margin, MISSED))
    n = len(values[0])
    return _stacked(columns, n), _stacked(addresses, n)


def entries_of(graph: OperatorGraph, number: int) -> int:
    """How many entries an operator has that is a table in Verilog."""
    operator = graph.operators[number]
    if isinstance(operator.operation, Count):
        return 1 << len(operator.sources)
    return 1 << sum(graph.operators[source].width for source in operator.sources)


def _stacked(columns: Sequence[Words], n: int) -> Cells:
    return np.stack(columns).astype(np.int32) if columns else np.zeros((0, n), dtype=np.int32)
