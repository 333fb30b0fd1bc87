"""Graphs in the format of METIS 5: `n m [fmt [ncon]]`, then a line for each vertex."""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from netgen.errors import GraphError
from netgen.graph.graph import MOST_NEURONS, MOST_WIRES, Graph, graph_of
from netgen.graph.whole import MOST, small_wholes, whole
from netgen.ir.fixed import Words
from netgen.text import lines_of, shown

__all__ = ["read_metis"]

_Lines = Iterator[tuple[int, str]]


class _Header(NamedTuple):
    """What the first line says.

    Attributes:
        line: its number.
        n, m: vertices and edges.
        skip: numbers before the neighbours in the line of each vertex: its size and its weights.
        weighted: whether the weight of the edge follows each neighbour.
    """

    line: int
    n: int
    m: int
    skip: int
    weighted: bool


def read_metis(text: str) -> Graph:
    """Read a METIS graph; vertices are named by their numbers, from 1.

    Every edge must stand in the lines of both its ends, with the same weight. Weights and sizes of vertices are
    ignored, with a warning: every neuron needs one site.

    Raises: GraphError, with the line, the value and the fix.
    Source: Karypis, METIS 5 manual, section 4.1.1.
    """
    lines = ((k, line) for k, line in enumerate(lines_of(text), start=1) if not line.startswith("%"))
    header = _read_header(lines)
    line_of = array("q")
    ends = array("q")
    for line, row in lines:
        if len(line_of) == header.n:
            if row.split():
                raise GraphError(f"line {line}: more lines than the {header.n} vertices of line {header.line}")
            continue
        ends.extend(_read_vertex(header, line, len(line_of), row))
        line_of.append(line)
        if len(ends) > 6 * header.m:
            raise GraphError(
                f"line {line}: more edges than the {header.m} that line {header.line} says; correct the number"
            )
    if len(line_of) != header.n:
        raise GraphError(f"{len(line_of)} lines of neighbours for {header.n} vertices; give one line each")
    wires = _pair(np.frombuffer(ends, dtype=np.int64).reshape(-1, 3), line_of)
    if len(wires) != header.m:
        raise GraphError(f"{len(wires)} edges where line {header.line} says {header.m}; correct the number")
    warnings = ("weights and sizes of vertices are ignored; every neuron needs one site",) if header.skip else ()
    return graph_of(header.n, wires, names=map(str, range(1, header.n + 1)), warnings=warnings)


def _read_header(lines: _Lines) -> _Header:
    line, row = next(lines, (1, ""))
    words = row.split()
    if not 2 <= len(words) <= 4:
        raise GraphError(f"line {line}: need the numbers of vertices and edges; is it a METIS graph?")
    n = whole(words[0], f"line {line}", most=MOST_NEURONS)
    m = whole(words[1], f"line {line}", most=MOST_WIRES)
    fmt = words[2].zfill(3) if len(words) > 2 else "000"
    if set(fmt) - {"0", "1"} or len(fmt) != 3:
        raise GraphError(f"line {line}: fmt {shown(words[2])}; need three digits of 0 and 1")
    sizes, vertex_weights, edge_weights = (digit == "1" for digit in fmt)
    constraints = whole(words[3], f"line {line}") if len(words) > 3 else 0
    if constraints and not vertex_weights:
        raise GraphError(f"line {line}: ncon {constraints} where fmt {fmt} says that vertices have no weights; omit it")
    skip = sizes + (max(constraints, 1) if vertex_weights else 0)  # as METIS does, ncon 0 means 1
    return _Header(line, n, m, skip, edge_weights)


def _read_vertex(header: _Header, line: int, vertex: int, row: str) -> list[int]:
    """The edges of one vertex, flat: the vertex, its neighbour and the weight, for each; vertices count from 0."""
    words = row.split()
    numbers = small_wholes(words)
    if numbers is None:
        numbers = [whole(word, f"line {line}") for word in words]
    if len(numbers) < header.skip:
        raise GraphError(f"line {line}: {len(numbers)} numbers; line {header.line} says {header.skip} for the vertex")
    others, weights = numbers[header.skip :], [1] * len(numbers)
    if header.weighted:
        if len(others) % 2:
            raise GraphError(f"line {line}: {len(others)} numbers; need pairs of neighbour and weight")
        others, weights = others[::2], others[1::2]
    edges: list[int] = []
    for other, weight in zip(others, weights, strict=False):
        if not 1 <= other <= header.n:
            raise GraphError(f"line {line}: neighbour {other} of {header.n} vertices")
        if other == vertex + 1:
            raise GraphError(f"line {line}: vertex {other} has itself as a neighbour; remove it")
        edges += (vertex, other - 1, weight)
    return edges


def _pair(edges: Words, line_of: "array[int]") -> Words:
    """Check that both ends of every edge agree, and keep each edge once.

    Args:
        edges: (2m, 3) int64; vertex, neighbour, weight, in the order of the file.
        line_of: line of each vertex.
    Returns: (m, 3) int64; the edges whose neighbour has the higher number, in the order of the file.
    """
    forth = edges[edges[:, 0] < edges[:, 1]]
    back = edges[edges[:, 0] > edges[:, 1]][:, [1, 0, 2]]
    one, two = (half[np.lexsort(half.T[::-1])] for half in (forth, back))
    common = min(len(one), len(two))
    differ = np.flatnonzero((one[:common] != two[:common]).any(axis=1))
    if not len(differ) and len(one) == len(two):
        return forth
    at = int(differ[0]) if len(differ) else common
    a, b = (half[at].tolist() if at < len(half) else [MOST, MOST, 0] for half in (one, two))
    if a[:2] == b[:2]:
        raise GraphError(
            f"line {line_of[a[0]]}: edge {a[0] + 1}-{a[1] + 1} has weight {a[2]}, but {b[2]} in line {line_of[a[1]]}; "
            "give both ends the same"
        )
    vertex, other = a[:2] if a[:2] < b[:2] else b[1::-1]
    raise GraphError(
        f"line {line_of[vertex]}: neighbour {other + 1}, but line {line_of[other]} has no neighbour {vertex + 1}; "
        "every edge must stand at both its ends"
    )
