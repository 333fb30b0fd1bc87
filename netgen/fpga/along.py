"""Routed length by layer and by wire of the network, beside the wire length of the model."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import numpy as np

from netgen.fpga.marking import FLOW, WRAPPER
from netgen.ir.fixed import Reals, Words
from netgen.ir.grid import Placement
from netgen.ir.netlist import Netlist
from netgen.ir.routed_length import LayerLength, NetKind, RoutedLength, RoutedPair, RoutingReport, WireLength

__all__ = ["rank_correlation", "report_of"]

_SHARED = re.compile(r"[th]\d+_[0-9a-f]+")
"""Owners that lie on the way from neuron to neuron."""
_LAYER = re.compile(r"[nth](\d+)_.+")


def report_of(
    found: RoutedLength, netlist: Netlist, placement: Placement, names: Sequence[str]
) -> tuple[RoutingReport, tuple[WireLength, ...]]:
    """Compare a routed design with the placement of its network; the wires are in the order of the netlist.

    Args:
        netlist, placement: of the circuit.
        names: of the layers, the inputs first.
    """
    wires, unmatched = _wires(found.pairs, netlist, placement)
    between: dict[int, float] = defaultdict(float)
    inside: dict[int, float] = defaultdict(float)
    outputs = 0.0
    for pair in found.pairs:
        if pair.reader in {WRAPPER, FLOW}:
            outputs += pair.share
        else:
            part = inside if pair.source == pair.reader else between
            part[_layer_of(pair.reader)] += pair.share
    layer = netlist.layer[netlist.target]
    length = np.array([wire.length for wire in wires], dtype=np.int64)
    bits = length * netlist.width
    numbers = sorted(set(between) | set(inside) | set(layer.tolist()))
    layers = tuple(
        LayerLength(
            layer=number,
            name=names[number] if number < len(names) else "class",
            wires=int((layer == number).sum()),
            length=int(length[layer == number].sum()),
            bit_length=int(bits[layer == number].sum()),
            between=between[number],
            inside=inside[number],
        )
        for number in numbers
    )
    kinds = {str(kind): found.total([kind]) for kind in get_args(NetKind)}
    correlation = rank_correlation(length, np.array([wire.distance for wire in wires]))
    return RoutingReport(kinds, layers, outputs, unmatched, correlation), wires


def rank_correlation(one: Words | Reals, other: Words | Reals) -> float | None:
    """Spearman's rank correlation; equal values share the mean of their ranks. None where all are equal."""
    a, b = _ranks(one), _ranks(other)
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: Words | Reals) -> Reals:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Reals = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _layer_of(owner: str) -> int:
    found = _LAYER.fullmatch(owner)
    return int(found[1]) if found else 0


def _wires(pairs: Iterable[RoutedPair], netlist: Netlist, placement: Placement) -> tuple[tuple[WireLength, ...], float]:
    """Each wire of the network; and what lies between owners along none of them."""
    neuron = [f"n{layer}_{k}" for layer, k in zip(netlist.layer.tolist(), netlist.index.tolist(), strict=True)]
    ends = [(neuron[a], neuron[b]) for a, b in zip(netlist.source.tolist(), netlist.target.tolist(), strict=True)]
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, wire in enumerate(ends):
        numbers[wire].append(number)
    hops = [pair for pair in pairs if pair.source != pair.reader]
    sources = _reached((pair.reader, pair.source) for pair in hops)
    targets = _reached((pair.source, pair.reader) for pair in hops)
    routed, distance = np.zeros(len(ends)), np.zeros(len(ends))
    unmatched = 0.0
    for hop in hops:
        if hop.reader in {WRAPPER, FLOW}:
            continue
        from_, to = sources.get(hop.source, {hop.source}), targets.get(hop.reader, {hop.reader})
        along = [number for a in sorted(from_) for b in sorted(to) for number in numbers.get((a, b), ())]
        for number in along:
            routed[number] += hop.share / len(along)
            distance[number] += hop.length / hop.bits
        unmatched += 0 if along else hop.share
    step = np.abs(placement.site[netlist.source] - placement.site[netlist.target]) * np.array(placement.grid.pitch)
    rows = zip(ends, netlist.width.tolist(), step.sum(axis=1).tolist(), routed.tolist(), distance.tolist(), strict=True)
    return tuple(WireLength(a, b, bits, *lengths) for (a, b), bits, *lengths in rows), unmatched


def _reached(steps: Iterable[tuple[str, str]]) -> Mapping[str, set[str]]:
    """For each shared owner, the owners that are not shared and that lead from it, through shared ones alone."""
    next_: dict[str, set[str]] = defaultdict(set)
    for here, there in steps:
        if _SHARED.fullmatch(here):
            next_[here].add(there)
    found: dict[str, set[str]] = {}

    def reach(owner: str) -> set[str]:
        if owner not in next_:
            return set() if _SHARED.fullmatch(owner) else {owner}
        if owner not in found:
            found[owner] = set()
            found[owner] = {end for there in next_[owner] for end in reach(there)}
        return found[owner]

    for owner in list(next_):
        reach(owner)
    return found
