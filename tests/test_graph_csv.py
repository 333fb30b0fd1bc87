"""netgen.graph.read_csv: edge lists, their headings and their cells."""

from pathlib import Path

import pytest
from test_graph import reason, wires_of

from netgen.graph import Graph, read_graph


def _read(tmp_path: Path, text: str) -> Graph:
    (tmp_path / "g.csv").write_text(text)
    return read_graph(tmp_path / "g.csv")


def test_neurons_are_numbered_as_they_come(tmp_path: Path) -> None:
    graph = _read(tmp_path, "x,y,2\ny,z\n\n z , x ,3\n")
    assert wires_of(graph) == [("x", "y", 2), ("y", "z", 1), ("z", "x", 3)]
    assert graph.warnings == ()


@pytest.mark.parametrize(
    "heading",
    [
        "source,target",
        "Source, Target",
        "source,target,weight",
        "from,to",
        "src,dst",
        "Quelle,Ziel,Gewicht",
        '"from","to"',
    ],
)
def test_a_heading_is_no_wire(tmp_path: Path, heading: str) -> None:
    for mark in ("", "\ufeff"):
        assert wires_of(_read(tmp_path, f"{mark}{heading}\na,b\nb,c\n")) == [("a", "b", 1), ("b", "c", 1)]


def test_names_above_numbers_are_a_heading(tmp_path: Path) -> None:
    graph = _read(tmp_path, "Quelle,Ziel\n10,20\n20,30,4\n")
    assert (graph.names, wires_of(graph)) == (("10", "20", "30"), [("10", "20", 1), ("20", "30", 4)])


def test_a_first_row_that_may_be_a_heading_is_a_wire_with_a_warning(tmp_path: Path) -> None:
    graph = _read(tmp_path, "Quelle,Ziel\na,b\n")
    assert wires_of(graph) == [("Quelle", "Ziel", 1), ("a", "b", 1)]
    assert graph.warnings == (
        "the first row, 'Quelle,Ziel', is read as a wire; if it is a heading, write source,target",
    )


@pytest.mark.parametrize("text", ["a,b\nb,c\n", "a,b\n", "1,2\n3,4\n", "a,b,1\nc,d,1\n"])
def test_a_first_row_that_is_connected_weighted_or_numbered_is_a_wire_without_a_warning(
    tmp_path: Path, text: str
) -> None:
    graph = _read(tmp_path, text)
    assert len(wires_of(graph)) == text.count("\n")
    assert graph.warnings == () or text.startswith("a,b,1")


def test_a_quoted_name_may_contain_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    graph = _read(tmp_path, '"a\nb",c\nab,"d ""e"", f"\n')
    assert graph.names == ("a\nb", "c", "ab", 'd "e", f')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no wires; give a row source,target for each"),
        ("source,target\n", "no wires; give a row source,target for each"),
        ("a,b\na\n", "line 2: 1 cells; need source,target or source,target,weight"),
        ('"a\nb",c\na,b,1,2\n', "line 3: 4 cells; need source,target or source,target,weight"),
        ("a;b\n", "line 1: 1 cells; need source,target or source,target,weight"),
        ("a,\n", "line 1: an empty name; name both neurons of the wire"),
        (",,\n", "line 1: an empty name; name both neurons of the wire"),
        ("a,b,\n", "line 1: ''; need a whole number from 0 to 2147483647"),
        ("a,b,2.5\n", "line 1: '2.5'; need a whole number from 0 to 2147483647"),
        ("a,b,1e300\n", "line 1: '1e300'; need a whole number from 0 to 2147483647"),
        ("a,b\na,b,-1\n", "line 2: '-1'; need a whole number from 0 to 2147483647"),
        ("a,b,1_0\n", "line 1: '1_0'; need a whole number from 0 to 2147483647"),
        ("a,b\na,b,\u0663\n", "line 2: '\u0663'; need a whole number from 0 to 2147483647"),
        ("a,b,2147483648\n", "line 1: '2147483648'; need a whole number from 0 to 2147483647"),
        ('a,"b\n', "line 1: a quote is not closed; correct the row"),
        ("a,b\na," + "b" * 200_000 + "\n", "line 2: a cell is longer than 131,072 characters; correct the row"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "g.csv").write_text(text)
    assert reason(tmp_path / "g.csv") == message
