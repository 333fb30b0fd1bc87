"""NeuronSites of operators, and the lengths of the wires between them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median_low

from netgen.ir.grid import Placement, Site
from netgen.ir.netlist import Netlist
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import Add, Count, Input, Subtract

__all__ = [
    "NeuronSites",
    "distance",
    "long_wires",
    "median_site",
    "operator_wire_lengths",
    "sites_along_wires",
    "sites_at_neurons",
    "sites_for",
    "sites_of",
]

NeuronSites = Mapping[tuple[int, int], Site]
"""The sites of neurons, by layer (0 for inputs) and index."""
SWEEPS = 20
"""How often each adder may move at most."""


def sites_of(netlist: Netlist, placement: Placement) -> dict[tuple[int, int], Site]:
    """The sites of a netlist's neurons, by layer and index."""
    neurons = zip(netlist.layer.tolist(), netlist.index.tolist(), strict=True)
    return {neuron: (x, y, z) for neuron, (x, y, z) in zip(neurons, placement.site.tolist(), strict=True)}


def median_site(points: Sequence[Site]) -> Site:
    """The site with the smallest sum of Manhattan distances to some sites: the median along each axis."""
    x, y, z = (median_low(axis) for axis in zip(*points, strict=True))
    return x, y, z


def sites_for(sharing: str) -> Callable[[OperatorGraph, NeuronSites], list[Site | None]]:
    """The function that places operators: for `sharing: local` along their wires, else at the neurons."""
    return sites_along_wires if sharing == "local" else sites_at_neurons


def sites_at_neurons(graph: OperatorGraph, sites: NeuronSites) -> list[Site | None]:
    """Place each operator at the neuron that needs it, or, when several do, at the median of its readers.

    Args:
        sites: of neurons.
    Returns: the site of each operator; None for constants, and for operators of neurons that have no site.
    """
    found: list[Site | None] = [None] * len(graph.operators)
    for depth, layer in enumerate(graph.words, 1):
        for index, number in enumerate(layer):
            if not graph.is_constant(number):
                found[number] = sites.get((depth, index))
    readers, coded = graph.readers, graph.coded
    for number in reversed(range(len(graph.operators))):
        operator = graph.operators[number]
        if found[number] is not None or graph.is_constant(number):
            continue
        if isinstance(operator.operation, Input) and not coded:
            found[number] = sites.get((0, operator.operation.word))
        elif operator.index is not None:
            found[number] = sites.get((operator.layer, operator.index))
        else:
            points = _known([found[reader] for reader in readers[number]])
            found[number] = median_site(points) if points else _median_of_scores(graph, sites)
    return found


def _median_of_scores(graph: OperatorGraph, sites: NeuronSites) -> Site | None:
    """The median of the neurons that give scores, for operators that only the outputs read, as the class."""
    scores = set(graph.scores)
    words = ((depth, k, n) for depth, layer in enumerate(graph.words, 1) for k, n in enumerate(layer))
    points = _known([sites.get((depth, k)) for depth, k, number in words if number in scores])
    return median_site(points) if points else None


def sites_along_wires(graph: OperatorGraph, sites: NeuronSites) -> list[Site | None]:
    """Place adders between their sources and their readers, where that shortens wires; all others at the neurons.

    Two words that come from afar are added where they meet, and one wire leads on to the neuron. Each adder in turn
    moves to the site where its wires are shortest, until none moves, or for `SWEEPS` rounds. It may move to the median
    of its sources and readers, to one of these, or to another reader of its sources, whose wire it then shares.

    Source: our own; the median of three points is their Steiner point (Hanan 1966).
    """
    home = sites_at_neurons(graph, sites)
    found = list(home)
    readers = graph.readers
    words = {number for layer in graph.words for number in layer}
    adders = (n for n, op in enumerate(graph.operators) if isinstance(op.operation, Add | Subtract | Count))
    movable = [number for number in adders if number not in words]
    for number in movable:  # begin where the wires from its sources to the neuron meet
        points = _known([*(found[source] for source in graph.operators[number].sources), found[number]])
        if len(points) == 3:
            found[number] = median_site(points)
    for _ in range(SWEEPS):
        moved = False
        for number in movable:
            now = found[number]
            sources = list(dict.fromkeys(graph.operators[number].sources))
            origins = [(at, {found[r] for r in readers[s] if r != number}) for s in sources if (at := found[s])]
            ends = set(_known([found[reader] for reader in readers[number]]))
            points = [at for at, _ in origins] + sorted(ends)
            if now is None or not points:
                continue
            shared = {site for _, others in origins for site in others if site is not None}
            tried = [now, median_site(points), *dict.fromkeys(points), *sorted(shared)]
            best = min(tried, key=lambda site: _wires_at(site, origins, ends))
            if _wires_at(best, origins, ends) < _wires_at(now, origins, ends):
                found[number], moved = best, True
        if not moved:
            break
    return min(home, found, key=lambda at: sum(operator_wire_lengths(graph, at, (1, 1, 1))))


def _known(sites: Sequence[Site | None]) -> list[Site]:
    return [site for site in sites if site is not None]


def _wires_at(site: Site, origins: Sequence[tuple[Site, set[Site | None]]], ends: Iterable[Site]) -> int:
    """The length of an adder's wires at a site: from sources without a reader there, and to its readers."""
    into = sum(distance(at, site, (1, 1, 1)) for at, others in origins if site not in others)
    return into + sum(distance(site, end, (1, 1, 1)) for end in ends)


def operator_wire_lengths(graph: OperatorGraph, at: Sequence[Site | None], pitch: Site) -> list[int]:
    """Measure, for each operator, the wires to all sites where it is read: Manhattan lengths, in units of the pitch.

    A value needs one wire to each site, however many operators there read it.

    Args:
        at: the site of each operator.
    """
    lengths = []
    for number, readers in enumerate(graph.readers):
        origin = at[number]
        ends = {site for reader in readers if (site := at[reader]) is not None}
        lengths.append(0 if origin is None else sum(distance(origin, end, pitch) for end in ends))
    return lengths


def long_wires(graph: OperatorGraph, at: Sequence[Site | None], pitch: Site, longest: int) -> list[tuple[int, int]]:
    """The pairs of operator and reader whose distance exceeds `longest`, in units of the pitch."""
    found = []
    for number, readers in enumerate(graph.readers):
        for reader in readers:
            origin, end = at[number], at[reader]
            if origin is not None and end is not None and distance(origin, end, pitch) > longest:
                found.append((number, reader))
    return found


def distance(a: Site, b: Site, pitch: Site) -> int:
    """The Manhattan distance of two sites, in units of the pitch."""
    return sum(abs(p - q) * step for p, q, step in zip(a, b, pitch, strict=True))
