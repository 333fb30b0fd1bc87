"""A placed graph: its figures, and its sites as a CSV file, written and read."""

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from netgen.errors import FitError, GraphError
from netgen.graph.graph import Graph
from netgen.graph.whole import whole
from netgen.ir.grid import Grid, Placement
from netgen.ir.verdict import verdict_of
from netgen.text import csv_rows, read_text, shown, shown_path

__all__ = ["PlacedGraph", "read_start"]

_COLUMNS = ["neuron", "x", "y", "z"]
_LOCATION = "location"
_LIMIT = 128 << 20


@dataclass(frozen=True, eq=False)
class PlacedGraph:
    """A graph whose neurons are on sites.

    Attributes:
        length: sum over all wires of weight times Manhattan length.
        bound: proven lower bound on the length of every placement; None when it was not asked for.
        bound_method: which bound that is.
    """

    graph: Graph
    placement: Placement
    length: int
    bound: int | None
    bound_method: str

    @property
    def verdict(self) -> str:
        """`wire length 27,139 · at most 1.48x optimal`."""
        return verdict_of(self.length, self.bound)

    def to_json(self) -> str:
        """Write the figures as JSON text."""
        grid = asdict(self.placement.grid)
        figures = {
            "neurons": self.graph.netlist.neurons,
            "wires": self.graph.netlist.wires,
            **grid,
            "wire_length": self.length,
            "lower_bound": self.bound,
            "lower_bound_method": self.bound_method,
        }
        return json.dumps(figures) + "\n"

    def to_csv(self) -> str:
        """Write `neuron,x,y,z`, a row for each neuron; with `location`, from 0, for graphs whose file numbers sites."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        locations = self.graph.locations
        writer.writerow([*_COLUMNS, _LOCATION] if locations else _COLUMNS)
        for name, (x, y, z) in zip(self.graph.names, self.placement.site.tolist(), strict=True):
            writer.writerow([name, x, y, z, locations[x, y, z]] if locations else [name, x, y, z])
        return text.getvalue()


def read_start(path: Path, graph: Graph, grid: Grid) -> Placement:
    """Read a placement of a graph that `to_csv` wrote.

    Raises: GraphError, when the file is missing or damaged, or does not place every neuron of the graph once.
    """
    text = read_text(path, GraphError, limit=_LIMIT, fix="give what netgen place --out wrote")
    try:
        return Placement(grid, _sites(text, graph))
    except (GraphError, FitError) as error:
        raise GraphError(f"{shown_path(path)}: {error}; give a file that --out wrote for this graph") from error


def _sites(text: str, graph: Graph) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """Sites of all neurons, (n, 3) int64."""
    rows = csv_rows(text, GraphError)
    line, columns = next(rows, (1, []))
    if columns not in (_COLUMNS, [*_COLUMNS, _LOCATION]):
        raise GraphError(f"line {line}: {shown(','.join(columns))}; need the columns {','.join(_COLUMNS)}")
    number = {name: k for k, name in enumerate(graph.names)}
    sites = np.full((len(number), 3), -1, dtype=np.int64)
    for line, (name, *cells) in rows:
        place = f"line {line}"
        if len(cells) != len(columns) - 1:
            raise GraphError(f"{place}: {len(cells) + 1} cells for {len(columns)} columns")
        if name not in number:
            raise GraphError(f"{place}: the graph has no neuron {shown(name)}")
        if sites[number[name], 0] >= 0:
            raise GraphError(f"{place}: neuron {shown(name)} is placed a second time")
        sites[number[name]] = [whole(cell, place) for cell in cells[:3]]
    missing = np.flatnonzero(sites[:, 0] < 0)
    if len(missing):
        raise GraphError(f"neuron {shown(graph.names[missing[0]])} is not placed")
    return sites
