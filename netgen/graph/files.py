"""Weighted graphs from files, so that the placer can be used alone: JSON, METIS, CSV edge lists, QAPLIB."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from netgen.errors import GraphError
from netgen.ir.fixed import Words
from netgen.ir.grid import FACES, Face, Grid
from netgen.ir.netlist import Netlist

Site = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Graph:
    """A netlist with the names and constraints that its file gave.

    Attributes:
        names: of the neurons, in the netlist's order.
        grid: the box that the file names; None when it names none.
        faces: layer number to the face that holds it.
        pins: neuron number to its site.
        blocked: sites that hold no neuron.
    """

    netlist: Netlist
    names: tuple[str, ...]
    grid: Grid | None = None
    faces: Mapping[int, Face] = field(default_factory=dict)
    pins: Mapping[int, Site] = field(default_factory=dict)
    blocked: tuple[Site, ...] = ()


def read_graph(path: Path) -> Graph:
    """Read a graph; the file's ending tells its format: .json, .graph (METIS), .csv or .dat (QAPLIB).

    Duplicate wires add up; a wire from a neuron to itself has no length, whatever its weight. Weights are whole
    numbers, 0 or more.

    Raises: GraphError, one line with the file, the place, the value and the fix.
    """
    if path.suffix not in _READERS:
        raise GraphError(f"{path}: unknown ending {path.suffix!r}; use one of {', '.join(_READERS)}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise GraphError(f"{path}: {reason}; give the path of a graph") from error
    try:
        return _READERS[path.suffix](text)
    except GraphError as error:
        raise GraphError(f"{path}: {error}") from error


def graph_of(
    neurons: int, wires: Iterable[tuple[int, int, int]], *, layer: Words | None = None, names: Iterable[str] = ()
) -> Graph:
    """A graph of numbered neurons and (source, target, weight) wires."""
    ends = np.array(list(wires), dtype=np.int64).reshape(-1, 3)
    layers: Words = np.zeros(neurons, dtype=np.int64) if layer is None else layer
    netlist = Netlist(
        layer=layers,
        index=np.arange(neurons),
        source=ends[:, 0],
        target=ends[:, 1],
        width=np.ones(len(ends), dtype=np.int64),
        weight=ends[:, 2],
    )
    return Graph(netlist, tuple(names) or tuple(str(k) for k in range(neurons)))


def _whole(value: object, place: str, least: int = 0) -> int:
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if not isinstance(number, int) or isinstance(number, bool) or number < least or number >= 2**31:
        raise GraphError(f"{place}: {value!r}; need a whole number from {least} to {2**31 - 1}")
    return number


def _site(value: object, place: str, least: int = 0) -> Site:
    if not isinstance(value, list) or len(value) != 3:
        raise GraphError(f"{place}: {value!r}; need [x, y, z]")
    x, y, z = (_whole(coordinate, place, least) for coordinate in value)
    return x, y, z


_KEYS = {"neurons", "wires", "layers", "faces", "pins", "blocked", "box", "pitch"}


def _read_json(text: str) -> Graph:
    """`{"neurons": 3 or ["a", ...], "wires": [["a", "b"], ["a", "c", 2]], ...}`; see docs/placement.md."""
    try:
        tree = json.loads(text)
    except ValueError as error:
        raise GraphError(f"{error}; mend the JSON") from error
    if not isinstance(tree, dict) or not {"neurons", "wires"} <= tree.keys() <= _KEYS:
        found = ", ".join(map(str, tree)) if isinstance(tree, dict) else type(tree).__name__
        raise GraphError(f"holds {found or 'nothing'}; need neurons and wires, and perhaps {', '.join(sorted(_KEYS))}")
    neurons = tree["neurons"]
    names = [str(k) for k in range(_whole(neurons, "neurons"))] if isinstance(neurons, int) else neurons
    if not isinstance(names, list) or len({str(name) for name in names}) != len(names):
        raise GraphError("neurons: need a number, or a list of different names")
    number = {str(name): k for k, name in enumerate(names)}

    def find(name: object, place: str) -> int:
        if str(name) not in number:
            raise GraphError(f"{place}: no neuron {name!r}; name it in neurons")
        return number[str(name)]

    wires = []
    for k, wire in enumerate(_list(tree, "wires")):
        if not isinstance(wire, list) or len(wire) not in {2, 3}:
            raise GraphError(f"wires[{k}]: {wire!r}; need [source, target] or [source, target, weight]")
        weight = _whole(wire[2], f"wires[{k}]") if len(wire) == 3 else 1
        wires.append((find(wire[0], f"wires[{k}]"), find(wire[1], f"wires[{k}]"), weight))
    layers: Words = np.zeros(len(names), dtype=np.int64)
    for name, layer in _mapping(tree, "layers").items():
        layers[find(name, "layers")] = _whole(layer, f"layers.{name}")
    faces: dict[int, Face] = {}
    for layer, face in _mapping(tree, "faces").items():
        if face not in FACES:
            raise GraphError(f"faces.{layer}: {face!r}; use one of {', '.join(FACES)}")
        faces[_whole(layer, "faces")] = face
    graph = graph_of(len(names), wires, layer=layers, names=(str(name) for name in names))
    grid = None
    if "box" in tree:
        grid = Grid(_site(tree["box"], "box", 1), _site(tree.get("pitch", [1, 1, 1]), "pitch", 1))
    return Graph(
        graph.netlist,
        graph.names,
        grid=grid,
        faces=faces,
        pins={find(name, "pins"): _site(at, f"pins.{name}") for name, at in _mapping(tree, "pins").items()},
        blocked=tuple(_site(at, f"blocked[{k}]") for k, at in enumerate(_list(tree, "blocked"))),
    )


def _list(tree: dict[str, Any], key: str) -> list[Any]:
    value = tree.get(key, [])
    if not isinstance(value, list):
        raise GraphError(f"{key}: {type(value).__name__}; need a list")
    return value


def _mapping(tree: dict[str, Any], key: str) -> dict[str, Any]:
    value = tree.get(key, {})
    if not isinstance(value, dict):
        raise GraphError(f"{key}: {type(value).__name__}; need an object of names to values")
    return value


def _read_metis(text: str) -> Graph:
    """METIS 5's format: `n m [fmt [ncon]]`, then the neighbours of each vertex, from 1, with weights if fmt says so."""
    lines = [(k, line.split()) for k, line in enumerate(text.splitlines(), start=1) if not line.startswith("%")]
    if not lines or not 2 <= len(lines[0][1]) <= 4:
        raise GraphError("line 1: need the numbers of vertices and edges; is it a METIS graph?")
    header, *body = lines
    n, m = (_whole(word, f"line {header[0]}") for word in header[1][:2])
    fmt = header[1][2].zfill(3) if len(header[1]) > 2 else "000"
    if set(fmt) - {"0", "1"} or len(fmt) != 3:
        raise GraphError(f"line {header[0]}: fmt {fmt!r}; need three digits of 0 and 1")
    constraints = _whole(header[1][3], f"line {header[0]}") if len(header[1]) > 3 else int(fmt[1])
    skip, step = int(fmt[0]) + constraints, 1 + int(fmt[2])
    while len(body) > n and not body[-1][1]:
        body.pop()
    if len(body) != n:
        raise GraphError(f"{len(body)} lines of neighbours for {n} vertices; give one line each")
    wires = []
    for vertex, (line, words) in enumerate(body):
        cells = words[skip:]
        if len(cells) % step:
            raise GraphError(f"line {line}: {len(cells)} numbers; need pairs of neighbour and weight")
        for k in range(0, len(cells), step):
            other = _whole(cells[k], f"line {line}", 1) - 1
            if other >= n:
                raise GraphError(f"line {line}: neighbour {other + 1} of {n} vertices")
            if other > vertex:
                wires.append((vertex, other, _whole(cells[k + 1], f"line {line}") if step == 2 else 1))
    if len(wires) != m:
        raise GraphError(f"{len(wires)} edges where line {header[0]} says {m}; every edge must stand at both its ends")
    return graph_of(n, wires, names=(str(k + 1) for k in range(n)))


def _read_csv(text: str) -> Graph:
    """`source,target[,weight]` a line; a first line without a weight that is a number may name the columns."""
    number: dict[str, int] = {}
    wires = []
    for line, row in enumerate(csv.reader(text.splitlines()), start=1):
        cells = [cell.strip() for cell in row]
        if not cells or (line == 1 and [cell.lower() for cell in cells[:2]] == ["source", "target"]):
            continue
        if len(cells) not in {2, 3}:
            raise GraphError(f"line {line}: {len(cells)} cells; need source,target or source,target,weight")
        weight = _whole(cells[2], f"line {line}") if len(cells) == 3 else 1
        source, target = (number.setdefault(name, len(number)) for name in cells[:2])
        wires.append((source, target, weight))
    return graph_of(len(number), wires, names=number)


def _read_qaplib(text: str) -> Graph:
    """`n`, then two n x n matrices: the distances of a full box, which is found out, and the flows, either one first.

    Symmetric flows count once, so the wire length is half of QAPLIB's value; others add up over both directions.

    Source: Burkard, Karisch, Rendl, QAPLIB, 1997.
    """
    words = text.split()
    n = _whole(words[0], "n", 1) if words else 0
    if not n or len(words) != 1 + 2 * n * n:
        raise GraphError(f"{len(words)} numbers; need n and two n x n matrices")
    matrices = np.array([_whole(word, f"number {k}") for k, word in enumerate(words[1:], start=2)]).reshape(2, n, n)
    for distances, flows in (matrices, matrices[::-1]):
        grid = _grid_of(distances)
        if grid is not None:
            symmetric = bool((flows == flows.T).all())
            total = np.triu(flows if symmetric else flows + flows.T, 1)
            wires = [(int(i), int(j), int(total[i, j])) for i, j in np.argwhere(total)]
            graph = graph_of(n, wires)
            return Graph(graph.netlist, graph.names, grid=grid)
    raise GraphError("neither matrix holds the Manhattan distances of a box of sites; netgen places on grids only")


def _grid_of(distances: Words) -> Grid | None:
    """The box whose sites, x fastest, have these distances; None if there is none."""
    n = len(distances)
    for x in range(n, 0, -1):
        for y in range(n // x if n % x == 0 else 0, 0, -1):
            if n % (x * y):
                continue
            shape = (x, y, n // (x * y))
            steps = (1, x, x * y)
            pitch = tuple(int(distances[0, step]) if side > 1 else 1 for side, step in zip(shape, steps, strict=True))
            if min(pitch) < 1:
                continue
            grid = Grid(shape, (pitch[0], pitch[1], pitch[2]))
            at = grid.coordinates * np.array(pitch)
            if (np.abs(at[:, None] - at[None]).sum(axis=2) == distances).all():
                return grid
    return None


_READERS: dict[str, Callable[[str], Graph]] = {
    ".json": _read_json,
    ".graph": _read_metis,
    ".csv": _read_csv,
    ".dat": _read_qaplib,
}
