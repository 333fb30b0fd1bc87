"""netgen.graph.read: the format by the file's ending, and files that no format can hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netgen.errors import GraphError
from netgen.graph import Graph, read_graph

ENDINGS = (".json", ".graph", ".csv", ".dat")


def reason(path: Path) -> str:
    """The message about a graph file, without its path."""
    with pytest.raises(GraphError) as caught:
        read_graph(path)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_the_ending_says_the_format_in_either_case(tmp_path: Path) -> None:
    (tmp_path / "g.CSV").write_text("a,b\n")
    assert read_graph(tmp_path / "g.CSV").names == ("a", "b")
    (tmp_path / "g.txt").write_text("")
    assert reason(tmp_path / "g.txt") == "unknown ending '.txt'; use one of .json, .graph, .csv, .dat"


@pytest.mark.parametrize("ending", ENDINGS)
def test_only_regular_files_of_utf_8_text_are_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"g{ending}"
    assert reason(path) == "No such file or directory; give the path of a graph"
    path.mkdir()
    assert reason(path) == "Is a directory; give the path of a graph"
    path.rmdir()
    os.mkfifo(path)
    assert reason(path) == "not a regular file; give the path of a graph"
    path.unlink()
    path.symlink_to("/dev/zero")
    assert reason(path) == "not a regular file; give the path of a graph"
    path.unlink()
    path.write_text("1 2\n", encoding="utf-16")
    assert reason(path) == "UTF-16 or UTF-32 text; save it as UTF-8"
    path.write_bytes(b"1 2\n\xff")
    assert reason(path) == "line 2: byte 0xff is not UTF-8 text; save it as UTF-8"
    path.write_bytes(b"1\x00")
    assert reason(path) == "line 1: a NUL character; give a text file in UTF-8"
    path.write_bytes(b"")
    assert reason(path)


SAMPLES = {
    ".json": '{"neurons": ["a", "b"], "wires": [["a", "b", 5]]}',
    ".graph": "2 1 1\n2 5\n1 5\n",
    ".csv": "a,b,5\n",
    ".dat": "2\n0 1\n1 0\n0 5\n5 0\n",
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_a_byte_order_mark_and_any_line_ending_change_nothing(
    tmp_path: Path, ending: str, mark: bytes, newline: str
) -> None:
    path = tmp_path / f"g{ending}"
    path.write_bytes(mark + SAMPLES[ending].replace("\n", newline).encode())
    net = read_graph(path).netlist
    assert (net.neurons, net.source.tolist(), net.target.tolist(), net.weights.tolist()) == (2, [0], [1], [5])


HOSTILE = {
    "brackets": "[" * 3000,
    "many brackets": "[" * 10_000_000,
    "digits": "9" * 5000,
    "many digits": "9" * 10_000_000,
    "escape": '{"neurons": ["\\U00110000"], "wires": []}',
    "surrogate": '{"neurons": ["\\ud800"], "wires": []}',
    "nan": '{"neurons": NaN, "wires": []}',
    "infinity": '{"neurons": 2, "wires": [[0, 1, Infinity]]}',
    "cell": "a," + "b" * 200_000,
    "open quote": 'a,b\n"' + "x\n" * 100_000,
    "commas": "," * 10_000_000,
    "lines": "1 1\n" * 2_500_000,
    "numbers": "3 " * 5_000_000,
    "empty lists": "[" + "[]," * 3_000_000 + "[]]",
    "names": '{"neurons": [' + ",".join(f'"{k}"' for k in range(1_200_000)) + '], "wires": [["a", "b"]]}',
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("ending", ENDINGS)
def test_hostile_text_is_refused_in_one_short_line(tmp_path: Path, ending: str, case: str) -> None:
    path = tmp_path / f"g{ending}"
    path.write_text(HOSTILE[case])
    if ending == ".csv" and HOSTILE[case].startswith("{"):
        path.write_text(HOSTILE[case] + ",x")  # JSON of two cells is good CSV
    assert len(reason(path)) < 300


@pytest.mark.parametrize(
    ("ending", "text"),
    [(".graph", "9 9000000\n" + "2 " * 5_000_000), (".csv", "".join(f"{k},x{k}\n" for k in range(650_000)))],
    ids=["METIS", "CSV"],
)
def test_ten_megabytes_of_text_need_less_than_a_gigabyte(tmp_path: Path, ending: str, text: str) -> None:
    """The text of each format that makes the most memory of its bytes, read by a process that may not have more."""
    path = tmp_path / f"g{ending}"
    path.write_text(text)
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))\n"
        "from netgen.graph import read_graph; from pathlib import Path; read_graph(Path('g"
        f"{ending}'))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "MemoryError" not in found.stderr


def wires_of(graph: Graph) -> list[tuple[str, str, int]]:
    """Names of both ends and the weight of every wire."""
    net = graph.netlist
    return [
        (graph.names[a], graph.names[b], w)
        for a, b, w in zip(net.source.tolist(), net.target.tolist(), net.weights.tolist(), strict=True)
    ]
