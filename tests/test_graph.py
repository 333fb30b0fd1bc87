import json
from pathlib import Path

import numpy as np
import pytest

from netgen.errors import GraphError
from netgen.graph.files import Graph, read_graph
from netgen.ir.grid import Grid


def _read(tmp_path: Path, name: str, text: str) -> Graph:
    (tmp_path / name).write_text(text)
    return read_graph(tmp_path / name)


def _wires(graph: Graph) -> list[tuple[str, str, int]]:
    net = graph.netlist
    return [
        (graph.names[a], graph.names[b], w)
        for a, b, w in zip(net.source.tolist(), net.target.tolist(), net.weights.tolist(), strict=True)
    ]


def test_json_gives_neurons_wires_box_and_constraints(tmp_path: Path) -> None:
    tree = {
        "neurons": ["a", "b", "c"],
        "wires": [["a", "b"], ["c", "a", 4]],
        "layers": {"b": 1, "c": 2},
        "faces": {"0": "z0"},
        "pins": {"c": [0, 0, 1]},
        "blocked": [[1, 0, 0]],
        "box": [2, 1, 2],
        "pitch": [1, 1, 3],
    }
    graph = _read(tmp_path, "g.json", json.dumps(tree))
    assert _wires(graph) == [("a", "b", 1), ("c", "a", 4)]
    assert graph.netlist.layer.tolist() == [0, 1, 2]
    assert graph.grid == Grid((2, 1, 2), (1, 1, 3))
    assert (dict(graph.faces), dict(graph.pins), graph.blocked) == ({0: "z0"}, {2: (0, 0, 1)}, ((1, 0, 0),))


def test_neurons_can_be_counted_instead_of_named(tmp_path: Path) -> None:
    graph = _read(tmp_path, "g.json", '{"neurons": 3, "wires": [[0, 2], [2, 2, 5]]}')
    assert graph.names == ("0", "1", "2")
    assert _wires(graph) == [("0", "2", 1), ("2", "2", 5)]


@pytest.mark.parametrize(
    ("header", "lines", "weights"),
    [
        ("3 2", ["2 3", "1", "1"], [1, 1]),
        ("3 2 1", ["2 7 3 8", "1 7", "1 8"], [7, 8]),
        ("3 2 011 1", ["9 2 7 3 8", "9 1 7", "9 1 8"], [7, 8]),
    ],
    ids=["plain", "edge weights", "vertex and edge weights"],
)
def test_metis_counts_every_edge_once(tmp_path: Path, header: str, lines: list[str], weights: list[int]) -> None:
    graph = _read(tmp_path, "g.graph", "\n".join(["% a comment", header, *lines]) + "\n")
    assert _wires(graph) == [("1", "2", weights[0]), ("1", "3", weights[1])]


def test_csv_names_neurons_as_they_come_and_skips_a_heading(tmp_path: Path) -> None:
    graph = _read(tmp_path, "g.csv", "source,target,weight\nx,y,2\ny,z,1\n\nz,x,3\n")
    assert _wires(graph) == [("x", "y", 2), ("y", "z", 1), ("z", "x", 3)]


@pytest.mark.parametrize("first", ["distances", "flows"])
def test_qaplib_finds_out_which_matrix_is_a_box(tmp_path: Path, first: str) -> None:
    """Four sites in a 2 x 2 box whose steps are 3 along x and 5 along y; one flow of 7 between 0 and 3."""
    distances = "0 3 5 8  3 0 8 5  5 8 0 3  8 5 3 0"
    flows = "0 0 0 7  0 0 0 0  0 0 0 0  7 0 0 0"
    pair = (distances, flows) if first == "distances" else (flows, distances)
    graph = _read(tmp_path, "g.dat", "4\n" + "\n".join(pair))
    assert graph.grid == Grid((2, 2, 1), (3, 5, 1))
    assert _wires(graph) == [("0", "3", 7)]


def test_flows_that_differ_by_direction_add_up(tmp_path: Path) -> None:
    graph = _read(tmp_path, "g.dat", "2  0 1 1 0  0 2 5 0")
    assert _wires(graph) == [("0", "1", 7)]


BAD = {
    "ending": ("g.txt", "", "unknown ending '.txt'; use one of .json, .graph, .csv, .dat"),
    "json": (
        "g.json",
        "{",
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1); mend the JSON",
    ),
    "keys": (
        "g.json",
        '{"nodes": 3}',
        "holds nodes; need neurons and wires, and perhaps blocked, box, faces, layers, neurons, pins, pitch, wires",
    ),
    "stranger": ("g.json", '{"neurons": ["a"], "wires": [["a", "b"]]}', "wires[0]: no neuron 'b'; name it in neurons"),
    "weight": (
        "g.json",
        '{"neurons": 2, "wires": [[0, 1, -2]]}',
        "wires[0]: -2; need a whole number from 0 to 2147483647",
    ),
    "half": (
        "g.json",
        '{"neurons": 2, "wires": [[0, 1, 0.5]]}',
        "wires[0]: 0.5; need a whole number from 0 to 2147483647",
    ),
    "names": ("g.json", '{"neurons": ["a", "a"], "wires": []}', "neurons: need a number, or a list of different names"),
    "face": (
        "g.json",
        '{"neurons": 1, "wires": [], "faces": {"0": "top"}}',
        "faces.0: 'top'; use one of x0, x1, y0, y1, z0, z1",
    ),
    "box": (
        "g.json",
        '{"neurons": 1, "wires": [], "box": [1, 0, 1]}',
        "box: 0; need a whole number from 1 to 2147483647",
    ),
    "metis header": ("g.graph", "", "line 1: need the numbers of vertices and edges; is it a METIS graph?"),
    "metis count": ("g.graph", "2 1\n2\n", "1 lines of neighbours for 2 vertices; give one line each"),
    "metis edges": (
        "g.graph",
        "2 2\n2\n1\n",
        "1 edges where line 1 says 2; every edge must stand at both its ends",
    ),
    "metis vertex": ("g.graph", "2 1\n3\n1\n", "line 2: neighbour 3 of 2 vertices"),
    "csv": ("g.csv", "a,b\na\n", "line 2: 1 cells; need source,target or source,target,weight"),
    "qaplib length": ("g.dat", "2 1 2 3", "4 numbers; need n and two n x n matrices"),
    "qaplib no box": (
        "g.dat",
        "3 0 1 1 1 0 1 1 1 0 0 1 1 1 0 1 1 1 0",
        "neither matrix holds the Manhattan distances of a box of sites; netgen places on grids only",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_graph_gets_one_line(tmp_path: Path, case: str) -> None:
    name, text, message = BAD[case]
    with pytest.raises(GraphError) as caught:
        _read(tmp_path, name, text)
    assert str(caught.value) == f"{tmp_path / name}: {message}"


def test_a_graph_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"g\.json: No such file or directory; give the path of a graph"):
        read_graph(tmp_path / "g.json")


def test_isolated_neurons_are_placed_too(tmp_path: Path) -> None:
    graph = _read(tmp_path, "g.graph", "3 1\n2\n1\n\n")
    assert graph.netlist.neurons == 3
    assert np.array_equal(graph.netlist.source, [0])
