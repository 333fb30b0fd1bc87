"""Edge lists as CSV: `source,target[,weight]` a row."""

from array import array

import numpy as np

from netgen.errors import GraphError
from netgen.graph.graph import MOST_NEURONS, MOST_WIRES, Graph, graph_of
from netgen.graph.whole import whole
from netgen.ir.fixed import Words
from netgen.text import csv_rows, shown

__all__ = ["read_csv"]

_HEADINGS = {
    ("source", "target"),
    ("src", "dst"),
    ("src", "dest"),
    ("from", "to"),
    ("start", "end"),
    ("node1", "node2"),
}
"""Column names, in lower case, that are read as a heading wherever they stand in the first row."""


def read_csv(text: str) -> Graph:
    """Read an edge list; neurons are numbered in the order of their first wires.

    The first row is a heading when its names are in `_HEADINGS`, when its third cell is no number, or when its names
    are no numbers and all names below are. Another first row whose names do not occur again is read as a wire, with a
    warning.

    Raises: GraphError, with the line, the value and the fix.
    """
    number: dict[str, int] = {}
    wires = array("q")
    first = True
    for line, row in csv_rows(text, GraphError):
        cells = [cell.strip() for cell in row]
        if cells == [""]:
            continue
        if len(cells) not in {2, 3}:
            raise GraphError(f"line {line}: {len(cells)} cells; need source,target or source,target,weight")
        if first:
            first = False
            if _is_heading(cells):
                continue
        if not cells[0] or not cells[1]:
            raise GraphError(f"line {line}: an empty name; name both neurons of the wire")
        weight = whole(cells[2], f"line {line}") if len(cells) == 3 else 1
        wires.extend((number.setdefault(cells[0], len(number)), number.setdefault(cells[1], len(number)), weight))
        if len(number) > MOST_NEURONS or len(wires) > 3 * MOST_WIRES:
            raise GraphError(f"line {line}: more than {MOST_NEURONS:,} neurons or {MOST_WIRES:,} wires; use fewer")
    if not wires:
        raise GraphError("no wires; give a row source,target for each")
    return _without_heading(list(number), np.frombuffer(wires, dtype=np.int64).reshape(-1, 3))


def _is_heading(cells: list[str]) -> bool:
    names = (cells[0].lower(), cells[1].lower())
    return names in _HEADINGS or (len(cells) == 3 and bool(cells[2]) and not _is_number(cells[2]))


def _without_heading(names: list[str], wires: Words) -> Graph:
    """Remove the first wire where it is a heading, which only the rows below can show.

    Args:
        wires: (m, 3) int64; source, target, weight.
    """
    own = len(set(wires[0, :2].tolist()))  # names that the first row introduces
    if wires[1:, :2].min(initial=own) < own or any(map(_is_number, names[:own])) or len(wires) == 1:
        return graph_of(len(names), wires, names=names)
    if all(map(_is_number, names[own:])):
        return graph_of(len(names) - own, wires[1:] - [own, own, 0], names=names[own:])
    row = ",".join(names[:own])
    warning = f"the first row, {shown(row)}, is read as a wire; if it is a heading, write source,target"
    return graph_of(len(names), wires, names=names, warnings=(warning,))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
