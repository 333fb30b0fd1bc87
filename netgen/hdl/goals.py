"""What test vectors should reach in a circuit, and which of it a batch of samples reaches.

Goals:
    - every entry of every table (a count is written as a table, too);
    - every bit of these entries, in a sample in which a wrong bit changes an output;
    - the least and the greatest value of every operator;
    - the two neighbours between which every comparison a > b changes, a = b and a = b + 1;
    - the two neighbours between which every right shift changes: the bits that it drops are all 1, or all 0; for both,
      in a sample in which the change changes an output;
    - likewise the two halves that rounding to even treats differently: below an even integer, and below an odd one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import Constant, Count, Greater, Operation, Round, Shift, Table, address_of

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
        steps: operators that compare or shift right.
        edges: number of the first edge: of step k, the lower neighbour is edge 2 k, the higher one edge 2 k + 1.
        count: of all.
    """

    tables: tuple[int, ...]
    entries: tuple[int, ...]
    bits: tuple[int, ...]
    limits: int
    steps: tuple[int, ...]
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
    steps = tuple(k for k, op in enumerate(operators) if _is_step(op.operation))
    limits = int(bits[-1])
    edges = limits + 2 * len(operators)
    return Goals(
        tables=tables,
        entries=tuple(entries[:-1].tolist()),
        bits=tuple(bits[:-1].tolist()),
        limits=limits,
        steps=steps,
        edges=edges,
        count=edges + 2 * len(steps),
    )


def trivial(graph: OperatorGraph, goals: Goals) -> Bools:
    """(count,) bool: the limits of constants, and of other operators that always give the same value."""
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
    """Which goals each sample reaches, seen at an output or not; without the bits of entries.

    Args:
        values: (n,) of each operator.
    Returns: (columns, n) numbers of goals, `MISSED` where none, the last columns for the steps; (tables, n) addresses.
    """
    operators = graph.operators
    columns: list[Words] = []
    addresses = [table_address(graph, t, [values[s] for s in operators[t].sources]) for t in goals.tables]
    columns += [address + first for address, first in zip(addresses, goals.entries, strict=True)]
    for number, operator in enumerate(operators):
        first = goals.limits + 2 * number
        at = np.where(values[number] == operator.lo, first, MISSED)
        columns.append(np.where(values[number] == operator.hi, first + 1, at))
    for k, number in enumerate(goals.steps):
        neighbour = _neighbour(operators[number].operation, [values[source] for source in operators[number].sources])
        columns.append(np.where(neighbour == MISSED, MISSED, goals.edges + 2 * k + neighbour))
    n = len(values[0])
    return _stacked(columns, n), _stacked(addresses, n)


def _is_step(operation: Operation) -> bool:
    return isinstance(operation, Greater | Round) or (isinstance(operation, Shift) and operation.right > 0)


def _neighbour(operation: Operation, sources: Sequence[Words]) -> Words:
    """0 and 1 for the two neighbours between which a step changes, `MISSED` for all other values of its sources."""
    if isinstance(operation, Shift):
        dropped = (1 << operation.right) - 1
        margin = (sources[0] + 1) & dropped  # 0 where all dropped bits are 1, and 1 where all are 0
        if operation.right == 1:
            return margin
    elif isinstance(operation, Round):
        half = sources[0] & ((1 << operation.right) - 1) == 1 << (operation.right - 1)
        return np.where(half, sources[0] >> operation.right & 1, MISSED)
    else:
        margin = sources[0] - sources[1]
    return np.where((margin == 0) | (margin == 1), margin, MISSED)


def entries_of(graph: OperatorGraph, number: int) -> int:
    """How many entries an operator has that is a table in Verilog."""
    operator = graph.operators[number]
    if isinstance(operator.operation, Count):
        return 1 << len(operator.sources)
    return 1 << sum(graph.operators[source].width for source in operator.sources)


def _stacked(columns: Sequence[Words], n: int) -> Cells:
    return np.stack(columns).astype(np.int32) if columns else np.zeros((0, n), dtype=np.int32)
