"""Routed length by owner, from the nets of a routed design whose cells are named after their owners."""

import re
from collections.abc import Iterable, Mapping, Sequence

from netgen.fpga.marking import FLOW, WRAPPER, owner_of
from netgen.fpga.routes import End, Net
from netgen.ir.routed_length import NetKind, RoutedLength, RoutedNet, RoutedPair

__all__ = ["routed_length"]

_INPUT = re.compile(r"((?:n0|x)_\d+)(?:\[\d+\])?(?:\$.*)?")
"""The net of a bit of an input; nextpnr adds to the name of one at a pad."""
_CARRIES = {"COUT", "FCO"}
_GLOBAL = {"SB_GB", "DCCA", "DCSC"}
_CLOCKS = {"CLK", "WCK"}


def routed_length(nets: Iterable[Net]) -> RoutedLength:
    """Sort nets by kind and owner, and measure them.

    Args:
        nets: of a design that `map_owned` mapped.
    """
    known = [net for net in nets if net.driver is not None and net.readers]
    owners = _owners(known)
    found: list[RoutedNet] = []
    pairs: dict[tuple[str, str], tuple[int, int, float]] = {}
    for net in known:
        source = _source_of(net, owners)
        tiles: dict[str, list[End]] = {}
        for end in net.readers:
            tiles.setdefault(owners[end.cell], []).append(end)
        kind, length = _kind_of(net, source, tiles), net.route.length()
        found.append(RoutedNet(net.name, kind, source, length, set(tiles) == {source}))
        if kind not in {"core", "input"}:
            continue
        parts = {reader: net.route.length({end.tile for end in ends}) for reader, ends in tiles.items()}
        whole = sum(parts.values())
        for reader, part in parts.items():
            bits, sum_, share = pairs.get((source, reader), (0, 0, 0.0))
            pairs[source, reader] = bits + 1, sum_ + part, share + (length * part / whole if whole else 0)
    sums = ((*pair, *amounts) for pair, amounts in sorted(pairs.items()))
    return RoutedLength(tuple(found), tuple(RoutedPair(a, b, bits, part, share) for a, b, bits, part, share in sums))


def _owners(nets: Sequence[Net]) -> Mapping[str, str]:
    """The owner of each cell; one that nextpnr has added, to begin or end a carry chain, belongs to its neighbours."""
    ends = {end.cell: owner_of(end.cell) for net in nets for end in _ends(net)}
    added = {cell for cell in ends if cell.startswith("$nextpnr")}
    chains = [net for net in nets if net.driver is not None and net.driver.port in _CARRIES]
    while added:
        links = ((end.cell, net) for net in chains for end in _ends(net) if end.cell in added)
        found = {cell: owner for cell, net in links for end in _ends(net) if (owner := ends[end.cell]) != WRAPPER}
        if not found:
            break
        ends |= found
        added -= set(found)
    return ends


def _ends(net: Net) -> tuple[End, ...]:
    return net.readers if net.driver is None else (net.driver, *net.readers)


def _source_of(net: Net, owners: Mapping[str, str]) -> str:
    assert net.driver is not None
    entering = _INPUT.fullmatch(net.name)
    return entering[1] if entering else owners[net.driver.cell]


def _kind_of(net: Net, source: str, readers: Iterable[str]) -> NetKind:
    assert net.driver is not None
    if net.driver.port in _CARRIES:
        return "carry"
    if net.driver.kind in _GLOBAL or all(end.port in _CLOCKS for end in net.readers):
        return "global"
    if source == FLOW:
        return "control"
    if source == WRAPPER:
        return "control" if FLOW in readers else "wrapper"
    return "input" if source.startswith(("n0_", "x_")) else "core"
