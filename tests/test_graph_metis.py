"""netgen.graph.read_metis: the format of METIS 5 as its manual states it."""

from pathlib import Path

import pytest
from test_graph import reason, wires_of

from netgen.graph import Graph, read_graph


def _read(tmp_path: Path, text: str) -> Graph:
    (tmp_path / "g.graph").write_text(text)
    return read_graph(tmp_path / "g.graph")


@pytest.mark.parametrize(
    ("header", "lines", "weights"),
    [
        ("3 2", ["2 3", "1", "1"], [1, 1]),
        ("3 2 1", ["2 7 3 8", "1 7", "1 8"], [7, 8]),
        ("3 2 011 1", ["9 2 7 3 8", "9 1 7", "9 1 8"], [7, 8]),
        ("3 2 11 0", ["9 2 7 3 8", "9 1 7", "9 1 8"], [7, 8]),
        ("3 2 10", ["9 2 3", "9 1", "9 1"], [1, 1]),
        ("3 2 10 2", ["9 9 2 3", "9 9 1", "9 9 1"], [1, 1]),
        ("3 2 111 2", ["5 9 9 2 7 3 8", "5 9 9 1 7", "5 9 9 1 8"], [7, 8]),
        ("3 2 100 0", ["5 2 3", "5 1", "5 1"], [1, 1]),
    ],
)
def test_every_edge_counts_once_whatever_stands_before_the_neighbours(
    tmp_path: Path, header: str, lines: list[str], weights: list[int]
) -> None:
    """A size if fmt begins with 1; then ncon weights if its second digit is 1, where ncon 0 and no ncon mean 1."""
    graph = _read(tmp_path, "\n".join(["% a comment", header, *lines]) + "\n")
    assert wires_of(graph) == [("1", "2", weights[0]), ("1", "3", weights[1])]
    ignored = ("weights and sizes of vertices are ignored; every neuron needs one site",)
    assert graph.warnings == (() if lines[0].startswith("2") else ignored)


def test_isolated_vertices_have_empty_lines_and_comments_may_stand_between(tmp_path: Path) -> None:
    graph = _read(tmp_path, "4 1\n\n3\n% between\n2\n\n\n")
    assert graph.names == ("1", "2", "3", "4")
    assert wires_of(graph) == [("2", "3", 1)]


def test_an_edge_may_stand_twice_at_both_ends(tmp_path: Path) -> None:
    assert wires_of(_read(tmp_path, "2 2 1\n2 5 2 9\n1 9 1 5\n")) == [("1", "2", 5), ("1", "2", 9)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: need the numbers of vertices and edges; is it a METIS graph?"),
        ("% only\n", "line 1: need the numbers of vertices and edges; is it a METIS graph?"),
        ("2147483647 1\n", "line 1: '2147483647'; need a whole number from 0 to 2000000"),
        ("2 1 2\n2\n1\n", "line 1: fmt '2'; need three digits of 0 and 1"),
        ("2 1 0 2\n2\n1\n", "line 1: ncon 2 where fmt 000 says that vertices have no weights; omit it"),
        ("2 1\n2\n", "1 lines of neighbours for 2 vertices; give one line each"),
        ("2 1\n2\n1\n1\n", "line 4: more lines than the 2 vertices of line 1"),
        ("2 2\n2\n1\n", "1 edges where line 1 says 2; correct the number"),
        ("% c\n3 1\n2 3\n1 3\n1 2\n", "line 4: more edges than the 1 that line 2 says; correct the number"),
        ("2 1\n3\n1\n", "line 2: neighbour 3 of 2 vertices"),
        ("2 1\n0\n1\n", "line 2: neighbour 0 of 2 vertices"),
        ("2 1\n1\n1\n", "line 2: vertex 1 has itself as a neighbour; remove it"),
        (
            "2 1 1\n2 5\n1 9\n",
            "line 2: edge 1-2 has weight 5, but 9 in line 3; give both ends the same",
        ),
        (
            "3 2\n2\n1 3\n\n",
            "line 3: neighbour 3, but line 4 has no neighbour 2; every edge must stand at both its ends",
        ),
        (
            "3 2\n2\n1\n2\n",
            "line 4: neighbour 2, but line 3 has no neighbour 3; every edge must stand at both its ends",
        ),
        (
            "2 2\n2 2\n1\n",
            "line 2: neighbour 2, but line 3 has no neighbour 1; every edge must stand at both its ends",
        ),
        ("2 1 1\n2\n1 1\n", "line 2: 1 numbers; need pairs of neighbour and weight"),
        ("2 1 10 3\n9 9\n9 9 9 1\n", "line 2: 2 numbers; line 1 says 3 for the vertex"),
        ("2 1 1\n2 -5\n1 -5\n", "line 2: '-5'; need a whole number from 0 to 2147483647"),
        ("2 1 1\n2 0.5\n1 0.5\n", "line 2: '0.5'; need a whole number from 0 to 2147483647"),
        (
            "2 1\n" + "2" * 5000 + "\n1\n",
            f"line 2: '{'2' * 17}...{'2' * 18}'; need a whole number from 0 to 2147483647",
        ),
    ],
)
def test_a_bad_graph_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "g.graph").write_text(text)
    assert reason(tmp_path / "g.graph") == message
