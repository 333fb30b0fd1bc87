"""Where operators lie, and how long the wires between them are."""

from collections.abc import Mapping, Sequence
from statistics import median_low

from netgen.operators import OperatorGraph

Site = tuple[int, int, int]
Sites = Mapping[tuple[int, int], Site]
"""Of neurons, by layer (0 for inputs) and index."""


def middle_of(points: Sequence[Site]) -> Site:
    """The site from which all others are nearest in sum: the median along each axis."""
    x, y, z = (median_low(axis) for axis in zip(*points, strict=True))
    return x, y, z


def operator_sites(graph: OperatorGraph, sites: Sites) -> list[Site | None]:
    """The site of each operator: that of the neuron it serves; of one that several share, the middle of its readers.

    Args:
        sites: of neurons; operators of neurons without one, and constants, have none.
    """
    found: list[Site | None] = [None] * len(graph.operators)
    for depth, layer in enumerate(graph.words, 1):
        for index, number in enumerate(layer):
            if not graph.is_constant(number):
                found[number] = sites.get((depth, index))
    readers = graph.readers
    for number in reversed(range(len(graph.operators))):
        operator = graph.operators[number]
        if found[number] is not None or operator.kind == "constant":
            continue
        if operator.kind == "input":
            found[number] = sites.get((0, operator.value))
        elif operator.index is not None:
            found[number] = sites.get((operator.layer, operator.index))
        else:
            points = [site for reader in readers[number] if (site := found[reader]) is not None]
            found[number] = middle_of(points) if points else _nearest(graph, number, sites)
    return found


def _nearest(graph: OperatorGraph, number: int, sites: Sites) -> Site | None:
    """For what only the outputs read, as the class: the middle of the last layer."""
    del number
    last = len(graph.words)
    points = [site for k in range(len(graph.words[-1])) if (site := sites.get((last, k))) is not None]
    return middle_of(points) if points else None


def wire_lengths(graph: OperatorGraph, sites: Sites, pitch: Site) -> list[int]:
    """For each operator, the length of the wires to all sites where it is read, Manhattan, in units of the pitch.

    A value needs one wire to each site, however many operators there read it.
    """
    at = operator_sites(graph, sites)
    lengths = []
    for number, readers in enumerate(graph.readers):
        origin = at[number]
        ends = {site for reader in readers if (site := at[reader]) is not None}
        lengths.append(0 if origin is None else sum(distance(origin, end, pitch) for end in ends))
    return lengths


def distance(a: Site, b: Site, pitch: Site) -> int:
    """Manhattan, in units of the pitch."""
    return sum(abs(p - q) * step for p, q, step in zip(a, b, pitch, strict=True))
