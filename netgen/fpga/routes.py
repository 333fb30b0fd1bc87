"""The routes of nets, as nextpnr writes them, and their lengths in tiles of the FPGA.

A route is a tree of metal segments, joined by switches. A segment counts as far as it is used: from the switch that
drives it to the farthest switches by which the signal leaves it, as half the perimeter of the box around them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from netgen.errors import SynthError

__all__ = ["End", "Net", "Route", "Tile", "nets_of", "route_of"]

Tile = tuple[int, int]
"""Column and row."""

_AT = re.compile(r"X(?P<x>\d+)/Y(?P<y>\d+)/(?P<rest>.+)")
_ICE40 = re.compile(r"(?P<x>\d+)\.(?P<y>\d+)\.(?P<name>.+)\.->\..+")
_ECP5 = re.compile(r"(?P<x>-?\d+)_(?P<y>-?\d+)_(?P<name>.+)->.+")
_LEFT_OUT = "G_"
"""Names of segments of ECP5's network for clocks, whose switches nextpnr does not write."""


@dataclass(frozen=True)
class _Segment:
    """A piece of metal that a route uses.

    Attributes:
        at: where the route reaches it: the tile of the switch that drives it, or of the cell.
        home: the tile that its name tells.
        parent: the segment that drives it; empty for the first.
    """

    at: Tile
    home: Tile
    parent: str


@dataclass(frozen=True, eq=False)
class Route:
    """The tree of a net, from the segment at the driving cell on; of a clock on ECP5, the trees behind its network."""

    segments: Mapping[str, _Segment]

    @cached_property
    def _ends(self) -> Mapping[Tile, list[str]]:
        """The segments that drive no other, by tile: those at the reading cells."""
        drives = {segment.parent for segment in self.segments.values()}
        found: dict[Tile, list[str]] = {}
        for name, segment in self.segments.items():
            if name not in drives:
                found.setdefault(segment.home, []).append(name)
        return found

    def length(self, tiles: Iterable[Tile] | None = None) -> int:
        """The length of the tree, or of the part of it that leads to cells in some tiles, in tiles."""
        ends = self._ends if tiles is None else {tile: self._ends.get(tile, []) for tile in tiles}
        reached: dict[str, list[Tile]] = {}
        for name in (name for names in ends.values() for name in names):
            here = name
            while here and here not in reached:
                segment = self.segments[here]
                reached[here] = [segment.at]
                here = segment.parent
        for name in reached:
            segment = self.segments[name]
            if segment.parent:
                reached[segment.parent].append(segment.at)
        return sum(_half_perimeter(points) for points in reached.values())


def _half_perimeter(points: list[Tile]) -> int:
    columns, rows = zip(*points, strict=True)
    return int(max(columns) - min(columns) + max(rows) - min(rows))


def route_of(text: str, net: str = "") -> Route:
    """Read the attribute `ROUTING` of a net: segment, switch and strength, again and again.

    Raises: SynthError, when a switch is written in an unknown way.
    """
    words = text.strip().split(";") if text.strip() else []
    segments = {}
    for name, switch in zip(words[::3], words[1::3], strict=False):
        home, _ = _place(name, net)
        if not switch:
            segments[name] = _Segment(home, home, "")
            continue
        at, rest = _place(switch, net)
        if found := _ICE40.fullmatch(rest):
            parent = f"X{found['x']}/Y{found['y']}/{found['name']}"
        elif found := _ECP5.fullmatch(rest):
            parent = f"X{at[0] + int(found['x'])}/Y{at[1] + int(found['y'])}/{found['name']}"
        else:
            raise _strange(net, switch)
        segments[name] = _Segment(at, home, parent)
    for name, segment in segments.items():
        if segment.parent and segment.parent not in segments:
            if not _place(segment.parent, net)[1].startswith(_LEFT_OUT):
                raise _strange(net, segment.parent)
            segments[name] = replace(segment, parent="")
    return Route(segments)


def _place(name: str, net: str) -> tuple[Tile, str]:
    found = _AT.fullmatch(name)
    if found is None:
        raise _strange(net, name)
    return (int(found["x"]), int(found["y"])), found["rest"]


def _strange(net: str, name: str) -> SynthError:
    return SynthError(f"route of net {net}: {name!r} is not understood; use another version of nextpnr")


@dataclass(frozen=True)
class End:
    """Where a net begins or ends.

    Attributes:
        cell: its name; port: of the cell.
        kind: type of the cell.
        tile: where the cell lies.
    """

    cell: str
    port: str
    kind: str
    tile: Tile


@dataclass(frozen=True, eq=False)
class Net:
    """One bit of a signal on the FPGA.

    Attributes:
        driver: None for a net that no cell drives.
        readers: one for each port that reads it.
    """

    name: str
    driver: End | None
    readers: tuple[End, ...]
    route: Route


def nets_of(routed: str) -> tuple[Net, ...]:
    """Read all nets that are routed, or drive a cell without a route, from what nextpnr wrote.

    Args:
        routed: JSON, of `--write`.
    Raises: SynthError, when the design is not routed, or a route is written in an unknown way.
    """
    modules = json.loads(routed)["modules"]
    module = next(iter(modules.values()))
    drivers: dict[int, End] = {}
    readers: dict[int, list[End]] = {}
    for cell, port, bit, end in _pins(module["cells"]):
        if module["cells"][cell]["port_directions"][port] == "output":
            drivers[bit] = end
        else:
            readers.setdefault(bit, []).append(end)
    nets = []
    for name, about in module["netnames"].items():
        (bit,) = about["bits"][:1] or (-1,)
        if bit in drivers or bit in readers:
            route = route_of(about["attributes"].get("ROUTING", ""), name)
            nets.append(Net(name, drivers.get(bit), tuple(readers.get(bit, ())), route))
    if not any(net.route.segments for net in nets):
        raise SynthError("no net has a route; have nextpnr route the design first")
    return tuple(nets)


def _pins(cells: Mapping[str, Any]) -> Iterator[tuple[str, str, int, End]]:
    """The connected pins of all cells that have a place."""
    for name, cell in cells.items():
        found = _AT.fullmatch(cell["attributes"].get("NEXTPNR_BEL", ""))
        for port, bits in cell["connections"].items() if found else ():
            for bit in bits:
                if isinstance(bit, int) and found:
                    yield name, port, bit, End(name, port, cell["type"], (int(found["x"]), int(found["y"])))
