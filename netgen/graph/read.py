"""Read a graph from a file; the ending of the file's name says which format it has."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from netgen.errors import GraphError
from netgen.graph.graph import Graph
from netgen.graph.read_csv import read_csv
from netgen.graph.read_json import read_json
from netgen.graph.read_metis import read_metis
from netgen.graph.read_qaplib import read_qaplib
from netgen.text import LIMIT, read_text, shown_path

__all__ = ["read_graph"]


class _Format(NamedTuple):
    read: Callable[[str], Graph]
    limit: int = LIMIT


_FORMATS = {
    ".json": _Format(read_json),
    ".graph": _Format(read_metis, limit=128 << 20),
    ".csv": _Format(read_csv, limit=128 << 20),
    ".dat": _Format(read_qaplib),
}


def read_graph(path: Path) -> Graph:
    """Read a graph from a .json, .graph (METIS), .csv or .dat (QAPLIB) file.

    Weights are whole numbers, 0 or more. The weights of wires between the same two neurons add up. A wire from a neuron
    to itself has no length.

    Raises: GraphError, one line with the file, the place, the value and the fix.
    """
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise GraphError(f"{shown_path(path)}: unknown ending {path.suffix!r}; use one of {', '.join(_FORMATS)}")
    text = read_text(path, GraphError, limit=form.limit, fix="give the path of a graph")
    try:
        return form.read(text)
    except GraphError as error:
        raise GraphError(f"{shown_path(path)}: {error}") from error
