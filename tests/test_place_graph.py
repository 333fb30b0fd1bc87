"""`netgen place`: any weighted graph on a grid, with a certificate."""

import csv
import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from inspect import signature
from itertools import permutations, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from netgen.cli.app import main
from netgen.cli.place import WITHOUT_EFFECT, Method
from netgen.cli.place import place as place_command
from netgen.errors import FitError, GraphError, SpecError
from netgen.graph import Graph, place_graph, read_graph, read_start
from netgen.ir.grid import Grid, Placement, wire_lengths
from netgen.ir.regions import free_regions
from netgen.place import METHODS, place

TREE: dict[str, Any] = {
    "neurons": ["a", "b", "c", "d", "e"],
    "wires": [["a", "b", 3], ["b", "c"], ["c", "d", 2], ["d", "a"], ["a", "e", 5], ["e", "e", 9], ["b", "a"]],
    "box": [3, 2, 1],
    "pitch": [1, 4, 1],
}


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    (tmp_path / "g.json").write_text(json.dumps(TREE))
    return read_graph(tmp_path / "g.json")


def _shortest() -> int:
    """By trying all 720 placements on the six sites."""
    sites = list(product(range(3), range(2)))
    number = {name: k for k, name in enumerate(TREE["neurons"])}
    wires = [(number[w[0]], number[w[1]], w[2] if len(w) == 3 else 1) for w in TREE["wires"]]
    return min(
        sum(w * (abs(at[a][0] - at[b][0]) + 4 * abs(at[a][1] - at[b][1])) for a, b, w in wires)
        for at in permutations(sites, 5)
    )


def test_a_small_graph_is_placed_as_short_as_can_be_and_the_bound_is_below(graph: Graph) -> None:
    placed = place_graph(graph, moves=20_000, seed=1)
    assert placed.length == _shortest()
    assert placed.bound is not None
    assert 0 < placed.bound <= placed.length


def test_pins_blocked_sites_and_faces_are_kept(tmp_path: Path) -> None:
    tree = TREE | {"box": [3, 3, 2], "pins": {"c": [2, 2, 1]}, "blocked": [[1, 1, 0], [1, 1, 1]], "layers": {"e": 1}}
    (tmp_path / "g.json").write_text(json.dumps(tree | {"faces": {"1": "x0"}}))
    at = place_graph(read_graph(tmp_path / "g.json"), moves=5_000, bound=False).placement.site.tolist()
    assert at[2] == [2, 2, 1]
    assert at[4][0] == 0
    assert not {(1, 1, 0), (1, 1, 1)} & {tuple(site) for site in at}


def test_layers_lie_in_their_own_planes(tmp_path: Path) -> None:
    tree = {"neurons": 9, "wires": [[k, 5 + k % 4] for k in range(5)], "layers": {str(k): 1 for k in range(5, 9)}}
    (tmp_path / "g.json").write_text(json.dumps(tree))
    placed = place_graph(read_graph(tmp_path / "g.json"), in_layers=True, moves=5_000, bound=False)
    assert placed.placement.grid == Grid((3, 2, 2))
    assert placed.placement.site[:, 2].tolist() == [0] * 5 + [1] * 4


def test_a_box_is_found_that_has_room_beside_blocked_sites(tmp_path: Path) -> None:
    blocked = [[x, y, 0] for x in range(2) for y in range(2)]
    (tmp_path / "g.json").write_text(json.dumps({"neurons": 6, "wires": [[0, 1]], "blocked": blocked}))
    placed = place_graph(read_graph(tmp_path / "g.json"), moves=100, bound=False)
    assert placed.placement.grid.sites >= 10


def test_a_placement_is_written_read_and_improved(graph: Graph, tmp_path: Path) -> None:
    first = place_graph(graph, method="index", bound=False)
    (tmp_path / "start.csv").write_text(first.to_csv())
    start = read_start(tmp_path / "start.csv", graph, first.placement.grid)
    assert np.array_equal(start.site, first.placement.site)
    assert place_graph(graph, start=start, method="anneal", moves=1_000, bound=False).length <= first.length


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: ''; need the columns neuron,x,y,z"),
        ("neuron,x,y\na,0,0\n", "line 1: 'neuron,x,y'; need the columns neuron,x,y,z"),
        ("neuron,x,y,z\nq,0,0,0\n", "line 2: the graph has no neuron 'q'"),
        ("neuron,x,y,z\na,0,0,0\na,1,0,0\n", "line 3: neuron 'a' is placed a second time"),
        ("neuron,x,y,z\na,0,0,0\n", "neuron 'b' is not placed"),
        ("neuron,x,y,z\na,0,0\n", "line 2: 3 cells for 4 columns"),
        ("neuron,x,y,z\na,0,0,-1\n", "line 2: '-1'; need a whole number from 0 to 2147483647"),
        ("neuron,x,y,z\n" + "".join(f"{n},0,0,0\n" for n in "abcde"), "site (0, 0, 0) holds more than one neuron"),
        (
            "neuron,x,y,z\n" + "".join(f"{n},{k},0,0\n" for k, n in enumerate("abcde")),
            "a neuron lies outside the (3, 2, 1) box",
        ),
    ],
)
def test_a_start_must_place_every_neuron_of_the_graph_once(
    graph: Graph, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "start.csv").write_text(text)
    with pytest.raises(GraphError) as caught:
        read_start(tmp_path / "start.csv", graph, Grid((3, 2, 1)))
    assert str(caught.value) == f"{tmp_path / 'start.csv'}: {message}; give a file that --out wrote for this graph"


@pytest.mark.parametrize("method", ["auto", "index"])
def test_a_start_where_a_neuron_may_not_go_is_refused(tmp_path: Path, method: str) -> None:
    (tmp_path / "g.json").write_text(json.dumps(TREE | {"blocked": [[0, 0, 0]]}))
    graph = read_graph(tmp_path / "g.json")
    assert graph.grid is not None
    start = Placement(graph.grid, graph.grid.coordinates[:5])
    with pytest.raises(FitError, match=r"^the start places a neuron on a site outside its region; start without it$"):
        place_graph(graph, start=start, method=method, moves=100)


def test_a_box_too_small_is_refused(graph: Graph) -> None:
    with pytest.raises(FitError, match=r"4 sites for 5 neurons"):
        place_graph(graph, grid=Grid((2, 2, 1)))


class Result(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def netgen_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `netgen place` in this process and in a folder of its own; signals keep their handlers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("netgen.cli.app.handle_interrupts", lambda: None)

    def run(*words: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["netgen", "place", *words, "--quiet"])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Result(int(end.value.code or 0), out, err)

    return run


def test_the_command_prints_sites_and_the_certificate(graph: Graph, tmp_path: Path, netgen_place: Command) -> None:
    result = netgen_place("g.json", "--moves", "20000")
    assert result.status == 0, result.err
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [row["neuron"] for row in rows] == list(graph.names)
    assert result.err.startswith(f"wire length {_shortest():,} · ")
    again = netgen_place("g.json", "--moves", "20000", "--json", "--out", "sites.csv")
    assert json.loads(again.out)["wire_length"] == _shortest()
    assert (tmp_path / "sites.csv").read_text() == result.out


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("--method", "magic"), 2, "--method: "),
        (("--box", "2,2,1"), 1, "g.json: 4 sites for 5 neurons; enlarge one axis"),
        (("--box", "2,2"), 2, "--box: '2,2'; give three numbers above 0, as 8,8,8; see netgen place --help"),
        (("--box", "2,2,0"), 2, "--box: '2,2,0'; give three numbers above 0"),
        (("--box", "9" * 5000 + ",1,1"), 2, "--box: '" + "9" * 40 + "'; give three numbers above 0"),
        (("--box", "2147483647,2147483647,1"), 1, "g.json: grid shape (2147483647, 2147483647, 1) has more than "),
        (("--pitch", "1.5,1,1"), 2, "--pitch: '1.5,1,1'; give three numbers above 0"),
        (("--moves", str(2**70)), 2, "--moves: "),
        (("--moves", "-1"), 2, "--moves: "),
        (("--seconds", "1e300"), 2, "--seconds: "),
        (("--seconds", "nan"), 2, "--seconds: "),
        (("--seed", str(2**70)), 2, "--seed: "),
        (("--layered",), 2, "--layered: the graph has one layer; give layers in a .json graph"),
        (("--seconds", "1", "--moves", "1"), 2, "--seconds: cannot be combined with --moves; give one of them"),
        (("--method", "index", "--moves", "1"), 2, "--moves: has no effect with --method index; omit it"),
        (("--method", "spectral", "--start", "s.csv"), 2, "--start: has no effect with --method spectral; omit it"),
        (("--method", "matching", "--seconds", "1"), 2, "--seconds: has no effect with --method matching; omit it"),
        (("--method", "index", "--seed", "1"), 2, "--seed: has no effect with --method index; omit it"),
        (("--start", "none.csv"), 1, "none.csv: No such file or directory; give what netgen place --out wrote"),
        (("--out", "no/such/folder.csv"), 1, "no/such/folder.csv: No such file or directory; choose a folder"),
        (("--out", "."), 1, ".: Is a directory; give the name of a file"),
    ],
)
def test_what_cannot_be_is_one_line_before_the_search(
    graph: Graph, netgen_place: Command, words: tuple[str, ...], status: int, message: str
) -> None:
    assert graph.grid is not None
    result = netgen_place("g.json", *words)
    assert (result.status, result.out) == (status, "")
    assert result.err.startswith(f"netgen: {message}")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("constraint", "words", "message"),
    [
        (
            {"layers": {"1": 2**31 - 1}},
            ("--layered",),
            "2,147,483,648 planes of 1 sites, one for each layer, are more than",
        ),
        ({"blocked": [[2**31 - 1, 0, 0]]}, (), "grid shape (2147483648, 2, 1) has more than "),
        ({"pins": {"0": [2**31 - 1] * 3}}, (), "grid shape (2147483648, 2147483648, 2147483648) has more than "),
        ({"pins": {"0": [9, 0, 0]}, "box": [2, 2, 2]}, (), "site (9, 0, 0) lies outside the (2, 2, 2) box"),
    ],
)
def test_a_box_that_constraints_make_too_large_is_refused(
    tmp_path: Path, netgen_place: Command, constraint: dict[str, Any], words: tuple[str, ...], message: str
) -> None:
    (tmp_path / "g.json").write_text(json.dumps({"neurons": 2, "wires": [[0, 1]]} | constraint))
    result = netgen_place("g.json", *words)
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert result.err.startswith(f"netgen: g.json: {message}")


def test_methods_are_the_placers_of_netgen() -> None:
    assert {method.value for method in Method} == set(METHODS)


def test_the_page_describes_every_method_and_every_option() -> None:
    text = (Path(__file__).parent.parent / "docs/placement.md").read_text(encoding="utf-8")
    section = text.partition("## Methods")[2].partition("## ")[0]
    assert set(re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section, flags=re.MULTILINE)) == {
        *(f"`{method}`" for method in METHODS if method not in {"spectral", "index"}),
        "`spectral`, `index`",
    }
    options = signature(place_command).parameters.keys() - {"graph", "quiet", "bound"} | {"no-bound"}
    assert {option for option in options if f"--{option}" not in text} == set()


@pytest.mark.parametrize("method", WITHOUT_EFFECT)
def test_what_is_refused_as_without_effect_has_none(graph: Graph, method: Method) -> None:
    assert graph.grid is not None
    start = Placement(graph.grid, graph.grid.coordinates[[5, 3, 1, 0, 2]])
    regions = free_regions(graph.netlist, graph.grid)
    plain = place(graph.netlist, graph.grid, method=method).site
    for option in WITHOUT_EFFECT[method]:
        if option == "--start":
            other = METHODS[method](graph.netlist, graph.grid, regions, start=start)
        elif option == "--seed":
            other = METHODS[method](graph.netlist, graph.grid, regions, seed=7)
        else:
            other = METHODS[method](graph.netlist, graph.grid, regions, moves=1)
        assert np.array_equal(other.site, plain)


def test_the_pitch_is_kept_without_a_box_and_the_box_without_a_pitch(
    graph: Graph, tmp_path: Path, netgen_place: Command
) -> None:
    """The graph's own box is 3 x 2 x 1 with a pitch of 1, 4, 1; a near-cube for two neurons is 2 x 1 x 1."""

    def figures(name: str, *words: str) -> tuple[list[int], list[int]]:
        found = json.loads(netgen_place(name, "--json", "--no-bound", "--moves", "10", *words).out)
        return found["shape"], found["pitch"]

    assert graph.grid == Grid((3, 2, 1), (1, 4, 1))
    assert figures("g.json", "--pitch", "2,2,2") == ([3, 2, 1], [2, 2, 2])
    assert figures("g.json", "--box", "4,4,1") == ([4, 4, 1], [1, 4, 1])
    assert figures("g.json", "--box", "4,4,1", "--pitch", "2,2,2") == ([4, 4, 1], [2, 2, 2])
    (tmp_path / "g.csv").write_text("a,b\n")
    assert figures("g.csv", "--pitch", "3,3,3") == ([2, 1, 1], [3, 3, 3])


@pytest.mark.parametrize("option", ["--box", "--pitch"])
def test_a_qaplib_file_gives_its_own_box(tmp_path: Path, netgen_place: Command, option: str) -> None:
    (tmp_path / "g.dat").write_text("2  0 1 1 0  0 2 2 0")
    result = netgen_place("g.dat", option, "2,2,2")
    assert result.status == 2
    assert result.err.startswith(f"netgen: {option}: the distances of a QAPLIB file give the box; omit it")


def test_a_start_without_a_box_is_one_in_the_box_that_would_be_chosen(tmp_path: Path, netgen_place: Command) -> None:
    (tmp_path / "g.csv").write_text("a,b\nb,c\n")
    assert netgen_place("g.csv", "--moves", "100", "--out", "s.csv").status == 0
    result = netgen_place("g.csv", "--moves", "100", "--start", "s.csv", "--json")
    assert json.loads(result.out)["wire_length"] == 2


def test_warnings_about_a_file_go_to_stderr(tmp_path: Path, netgen_place: Command) -> None:
    (tmp_path / "g.csv").write_text("Quelle,Ziel\na,b\n")
    result = netgen_place("g.csv", "--moves", "10")
    assert result.status == 0
    assert result.err.startswith("netgen: warning: g.csv: the first row, 'Quelle,Ziel', is read as a wire; ")


def test_the_name_of_a_graph_file_may_have_any_characters(tmp_path: Path, netgen_place: Command) -> None:
    (tmp_path / "ä 'b\n.csv").write_text("Quelle,Ziel\na,b\n")
    result = netgen_place("ä 'b\n.csv", "--moves", "10")
    assert result.status == 0
    assert "netgen: warning: \\xe4 'b\\n.csv: the first row" in result.err


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_clock_can_decide_and_a_placement_always_comes_out(graph: Graph, method: str) -> None:
    """With no time at all, too, and with a bound that may be a weak one but is one."""
    for seconds in (0.0, 0.2):
        placed = place_graph(graph, method=method, seconds=seconds)
        assert placed.bound is not None
        assert placed.bound <= _shortest() <= placed.length


def test_a_bound_for_which_no_time_is_left_costs_no_placement(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still during the search and then jumps past the deadline."""
    now = [0.0]
    monkeypatch.setattr("netgen.graph.place.time.monotonic", lambda: now[0])
    names = []

    def progress(what: str, _: float) -> None:
        names.append(what)
        now[0] = 1e9 if what.startswith("lower bound") else 0.0

    placed = place_graph(graph, method="index", seconds=1.0, progress=progress)
    assert (placed.bound_method, names[-1]) == ("pairs", "lower bound by degree")
    assert placed.length == int((wire_lengths(graph.netlist, placed.placement) * graph.netlist.weights).sum())


def test_an_interrupt_leaves_no_result(graph: Graph) -> None:
    def progress(_: str, fraction: float) -> None:
        if fraction:
            raise KeyboardInterrupt

    for seconds in (None, 10.0):
        with pytest.raises(KeyboardInterrupt):
            place_graph(graph, progress=progress, seconds=seconds)


def test_an_interrupted_command_writes_nothing(graph: Graph, tmp_path: Path) -> None:
    assert graph.grid is not None
    words = [sys.executable, "-m", "netgen", "place", "g.json", "--moves", "1000000000000", "--out", "s.csv"]
    running = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    running.stderr.readline()  # the search has begun
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert (running.returncode, out, list(tmp_path.glob("*.csv"))) == (130, "", [])


def test_what_exact_places_is_proven(graph: Graph) -> None:
    placed = place_graph(graph, method="exact")
    assert (placed.length, placed.bound) == (_shortest(), _shortest())


def test_an_effort_out_of_range_is_refused(graph: Graph) -> None:
    for moves in (-1, 2**70):
        with pytest.raises(SpecError, match=rf"^place\.moves: {moves} moves; give 0 to 10\^15$"):
            place_graph(graph, moves=moves)
    for seconds in (-1.0, float("nan"), float("inf"), 1e300):
        with pytest.raises(GraphError, match=r"^seconds: .*; give 0 to 1,000,000$"):
            place_graph(graph, seconds=seconds)
