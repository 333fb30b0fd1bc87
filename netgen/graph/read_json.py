"""Graphs as JSON, the one format with constraints: `{"neurons": 3, "wires": [[0, 1], [0, 2, 5]], ...}`."""

import re
from typing import Any

import numpy as np

from netgen.errors import FitError, GraphError
from netgen.graph.graph import MOST_NEURONS, Graph, graph_of
from netgen.graph.whole import site_of, whole
from netgen.ir.fixed import Words
from netgen.ir.grid import FACES, Face, Grid, Site
from netgen.text import parse_json, shown

__all__ = ["read_json"]

_KEYS = ("neurons", "wires", "layers", "faces", "pins", "blocked", "box", "pitch")
_NEEDED = ("neurons", "wires")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Characters that no name may have; line feeds and tabs may stand in quoted cells of CSV."""


def read_json(text: str) -> Graph:
    """Read a graph with its constraints; docs/placement.md describes the keys.

    Raises: GraphError, with the key, the value and the fix.
    """
    tree = parse_json(text, GraphError)
    if not isinstance(tree, dict):
        raise GraphError(f"holds {shown(tree)}; need an object with the keys {', '.join(_NEEDED)}")
    for key in tree:
        if key not in _KEYS:
            raise GraphError(f"{shown(key)[1:-1]}: unknown key; use {', '.join(_KEYS)}")
    for key in _NEEDED:
        if key not in tree:
            raise GraphError(f"{key}: missing; need the keys {', '.join(_NEEDED)}")
    names = _Names(tree["neurons"])
    wires = []
    for k, wire in enumerate(_list(tree, "wires")):
        if not isinstance(wire, list) or len(wire) not in {2, 3}:
            raise GraphError(f"wires[{k}]: {shown(wire)}; need [source, target] or [source, target, weight]")
        weight = whole(wire[2], f"wires[{k}]") if len(wire) == 3 else 1
        wires.append((names.number(wire[0], f"wires[{k}]"), names.number(wire[1], f"wires[{k}]"), weight))
    layers: Words = np.zeros(len(names.all), dtype=np.int64)
    for name, layer in _object(tree, "layers").items():
        layers[names.number(name, "layers")] = whole(layer, f"layers.{shown(name)[1:-1]}")
    blocked = [site_of(at, f"blocked[{k}]") for k, at in enumerate(_list(tree, "blocked"))]
    pins = _pins(tree, names, set(blocked))
    graph = graph_of(len(names.all), wires, layer=layers, names=names.all)
    return Graph(
        graph.netlist,
        graph.names,
        grid=_grid(tree),
        faces=_faces(tree, set(layers.tolist())),
        pins=pins,
        blocked=tuple(dict.fromkeys(blocked)),
    )


class _Names:
    """The neurons' names and the way back to their numbers.

    Attributes:
        all: the names, as text, in the order of the file.
    """

    def __init__(self, neurons: object) -> None:
        if isinstance(neurons, list):
            self.all = [self._text(name, f"neurons[{k}]") for k, name in enumerate(neurons)]
        else:
            self.all = list(map(str, range(whole(neurons, "neurons", most=MOST_NEURONS))))
        self._number = {name: k for k, name in enumerate(self.all)}
        if len(self._number) < len(self.all):
            k = next(k for k, name in enumerate(self.all) if self._number[name] != k)
            raise GraphError(f"neurons[{k}]: {shown(self.all[k])} is named twice; give different names")

    def number(self, name: object, place: str) -> int:
        """Find a neuron by its name, or by its number where neurons are only counted."""
        text = self._text(name, place)
        if text not in self._number:
            raise GraphError(f"{place}: no neuron {shown(name)}; name it in neurons")
        return self._number[text]

    @staticmethod
    def _text(name: object, place: str) -> str:
        text = str(name) if isinstance(name, int) and not isinstance(name, bool) else name
        if not isinstance(text, str) or not text or text != text.strip() or _CONTROL.search(text):
            raise GraphError(
                f"{place}: {shown(name)}; a name is a whole number, or text without control characters or outer spaces"
            )
        return text


def _pins(tree: dict[str, Any], names: _Names, blocked: set[Site]) -> dict[int, Site]:
    pins: dict[int, Site] = {}
    name_at: dict[Site, str] = {}
    for name, at in _object(tree, "pins").items():
        place = f"pins.{shown(name)[1:-1]}"
        site = site_of(at, place)
        if site in blocked:
            raise GraphError(f"{place}: {at} is blocked; pin it elsewhere")
        if site in name_at:
            raise GraphError(f"{place}: {at} is the site of {shown(name_at[site])}; pin one of them elsewhere")
        pins[names.number(name, "pins")], name_at[site] = site, name
    return pins


def _grid(tree: dict[str, Any]) -> Grid | None:
    if "box" not in tree:
        if "pitch" in tree:
            raise GraphError("pitch: without a box it has no effect; give box, or netgen place --pitch")
        return None
    shape, pitch = site_of(tree["box"], "box", 1), site_of(tree.get("pitch", [1, 1, 1]), "pitch", 1)
    try:
        return Grid(shape, pitch)
    except FitError as error:
        raise GraphError(f"box: {error}") from error


def _faces(tree: dict[str, Any], layers: set[int]) -> dict[int, Face]:
    faces: dict[int, Face] = {}
    for key, face in _object(tree, "faces").items():
        if face not in FACES:
            raise GraphError(f"faces.{shown(key)[1:-1]}: {shown(face)}; use one of {', '.join(FACES)}")
        layer = whole(key, "faces")
        if layer not in layers or key != str(layer):
            raise GraphError(f"faces: {shown(key)}; no neuron is in that layer; give the number of a layer")
        faces[layer] = face
    return faces


def _list(tree: dict[str, Any], key: str) -> list[Any]:
    value = tree.get(key, [])
    if not isinstance(value, list):
        raise GraphError(f"{key}: {shown(value)}; need a list")
    return value


def _object(tree: dict[str, Any], key: str) -> dict[str, Any]:
    value = tree.get(key, {})
    if not isinstance(value, dict):
        raise GraphError(f"{key}: {shown(value)}; need an object of names to values")
    return value
