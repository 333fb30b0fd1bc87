"""netgen.graph.read_json: graphs with constraints."""

import json
from pathlib import Path
from typing import Any

import pytest
from test_graph import reason, wires_of

from netgen.graph import Graph, read_graph
from netgen.ir.grid import Grid


def _read(tmp_path: Path, text: str) -> Graph:
    (tmp_path / "g.json").write_text(text)
    return read_graph(tmp_path / "g.json")


def test_json_gives_neurons_wires_box_and_constraints(tmp_path: Path) -> None:
    tree = {
        "neurons": ["a", "b", "c"],
        "wires": [["a", "b"], ["c", "a", 4]],
        "layers": {"b": 1, "c": 2},
        "faces": {"0": "z0"},
        "pins": {"c": [0, 0, 1]},
        "blocked": [[1, 0, 0], [1, 0, 0]],
        "box": [2, 1, 2],
        "pitch": [1, 1, 3],
    }
    graph = _read(tmp_path, json.dumps(tree))
    assert wires_of(graph) == [("a", "b", 1), ("c", "a", 4)]
    assert graph.netlist.layer.tolist() == [0, 1, 2]
    assert graph.grid == Grid((2, 1, 2), (1, 1, 3))
    assert (dict(graph.faces), dict(graph.pins), graph.blocked) == ({0: "z0"}, {2: (0, 0, 1)}, ((1, 0, 0),))


def test_neurons_can_be_counted_instead_of_named(tmp_path: Path) -> None:
    graph = _read(tmp_path, '{"neurons": 3, "wires": [[0, 2], [2, 2, 5]]}')
    assert graph.names == ("0", "1", "2")
    assert wires_of(graph) == [("0", "2", 1), ("2", "2", 5)]


WHOLE = "need a whole number from 0 to 2147483647"
NAME = "a name is a whole number, or text without control characters or outer spaces"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nodes": 3}, "nodes: unknown key; use neurons, wires, layers, faces, pins, blocked, box, pitch"),
        ({"neurons": 2147483647}, "neurons: 2147483647; need a whole number from 0 to 2000000"),
        ({"neurons": -1}, "neurons: -1; need a whole number from 0 to 2000000"),
        ({"neurons": 1.5}, "neurons: 1.5; need a whole number from 0 to 2000000"),
        ({"neurons": True}, "neurons: True; need a whole number from 0 to 2000000"),
        ({"neurons": ["a", "b", "a"]}, "neurons[0]: 'a' is named twice; give different names"),
        ({"neurons": ["a", "b", 1, "1"]}, "neurons[2]: '1' is named twice; give different names"),
        ({"neurons": ["a", ["b"]]}, f"neurons[1]: ['b']; {NAME}"),
        ({"neurons": ["a", ""]}, f"neurons[1]: ''; {NAME}"),
        ({"neurons": ["a", "b\0"]}, f"neurons[1]: 'b\\x00'; {NAME}"),
        ({"neurons": ["a", "\x1b[2J"]}, f"neurons[1]: '\\x1b[2J'; {NAME}"),
        ({"neurons": ["a", " b"]}, f"neurons[1]: ' b'; {NAME}"),
        ({"neurons": ["a", True]}, f"neurons[1]: True; {NAME}"),
        ({"neurons": ["a", None]}, f"neurons[1]: None; {NAME}"),
        ({"wires": 1}, "wires: 1; need a list"),
        ({"wires": [["a"]]}, "wires[0]: ['a']; need [source, target] or [source, target, weight]"),
        ({"wires": [["a", "c"]]}, "wires[0]: no neuron 'c'; name it in neurons"),
        ({"wires": [["a", "b", -2]]}, f"wires[0]: -2; {WHOLE}"),
        ({"wires": [["a", "b", 0.5]]}, f"wires[0]: 0.5; {WHOLE}"),
        ({"wires": [["a", "b", 1e300]]}, f"wires[0]: 1e+300; {WHOLE}"),
        ({"wires": [["a", "b", 2**31]]}, f"wires[0]: 2147483648; {WHOLE}"),
        ({"wires": [["a", "b", 10**4000]]}, f"wires[0]: 1{'0' * 17}...{'0' * 19}; {WHOLE}"),
        ({"layers": {"a": 2**31}}, f"layers.a: 2147483648; {WHOLE}"),
        ({"layers": {"c": 1}}, "layers: no neuron 'c'; name it in neurons"),
        ({"layers": [1]}, "layers: [1]; need an object of names to values"),
        ({"faces": {"0": "top"}}, "faces.0: 'top'; use one of x0, x1, y0, y1, z0, z1"),
        ({"faces": {"0": ["x0"]}}, "faces.0: ['x0']; use one of x0, x1, y0, y1, z0, z1"),
        ({"faces": {"1": "x0"}}, "faces: '1'; no neuron is in that layer; give the number of a layer"),
        ({"faces": {"0": "x0", "00": "x1"}}, "faces: '00'; no neuron is in that layer; give the number of a layer"),
        ({"pins": {"a": [0, 0]}}, "pins.a: [0, 0]; need [x, y, z]"),
        ({"pins": {"c": [0, 0, 0]}}, "pins: no neuron 'c'; name it in neurons"),
        (
            {"pins": {"a": [0, 0, 1], "b": [0, 0, 1]}},
            "pins.b: [0, 0, 1] is the site of 'a'; pin one of them elsewhere",
        ),
        ({"pins": {"a": [0, 0, 1]}, "blocked": [[0, 0, 1]]}, "pins.a: [0, 0, 1] is blocked; pin it elsewhere"),
        ({"blocked": [[0, 0, 2**70]]}, f"blocked[0]: {2**70}; {WHOLE}"),
        ({"box": [1, 0, 1]}, "box: 0; need a whole number from 1 to 2147483647"),
        ({"box": [2**31 - 1] * 3}, None),
        ({"pitch": [1, 1, 2]}, "pitch: without a box it has no effect; give box, or netgen place --pitch"),
    ],
)
def test_a_bad_value_is_refused_with_its_key(tmp_path: Path, change: dict[str, Any], message: str | None) -> None:
    (tmp_path / "g.json").write_text(json.dumps({"neurons": ["a", "b"], "wires": []} | change))
    found = reason(tmp_path / "g.json")
    assert found == message or (message is None and found.startswith("box: "))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1, column 2: Expecting property name enclosed in double quotes; correct the JSON"),
        ("[1]", "holds [1]; need an object with the keys neurons, wires"),
        ('{"neurons": 3}', "wires: missing; need the keys neurons, wires"),
        (
            '{"neurons": 2, "wires": [[0, 1]], "wires": []}',
            "key 'wires' stands twice in one object; correct the JSON",
        ),
        (
            '{"neurons": ["a"], "wires": [], "pins": {"a": [0, 0, 0], "a": [1, 0, 0]}}',
            "key 'a' stands twice in one object; correct the JSON",
        ),
    ],
)
def test_text_that_is_no_graph_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "g.json").write_text(text)
    assert reason(tmp_path / "g.json") == message
