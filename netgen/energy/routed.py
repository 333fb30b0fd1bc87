"""The energy of the nets of a circuit on an FPGA: the routed length of each, in tiles, times the toggles of its bit.

A net whose signal has a name in `top.v` toggles as that bit does. Others, inside neurons and carry chains, toggle as
the bits of their owner's operators do on average.

Not counted: clocks and other signals on the network for clocks, flow control, the wrapper, and glitches.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from netgen.energy.activity import Activity
from netgen.ir.energy import Energy, EnergyPart
from netgen.ir.routed_length import RoutedLength, RoutedNet
from netgen.operators.graph import OperatorGraph
from netgen.operators.names import names_of

__all__ = ["TILES", "routed_energy"]

TILES = "tiles x bits"
"""Unit: length in tiles times bits that toggle."""

_SIGNAL = re.compile(r"(?P<operator>[nxth]\d*_[0-9a-f]+(?:_\d+)?)(?:_d\d+)?(?:\[(?P<bit>\d+)\])?(?:\$.*)?")
"""The name of a net after its operator's wire, or a register behind it; nextpnr adds to the name of one at a pad."""
_LAYER = re.compile(r"[nth](\d+)_.+")
_KINDS: Mapping[str, str] = {"core": "nets", "input": "nets", "carry": "carry chains"}


def routed_energy(found: RoutedLength, graph: OperatorGraph, activity: Activity) -> Energy:
    """The energy of one sample, on average over the transitions of a stream.

    Args:
        found: nets that `graph` was mapped and routed to.
        activity: toggles of the operators.
    """
    rate = _Rates(graph, activity)
    parts: dict[tuple[int, str, str], float] = defaultdict(float)
    known = whole = 0
    for net in found.nets:
        if net.kind not in _KINDS:
            continue
        named, toggles = rate.of(net)
        whole += net.length
        known += net.length if named else 0
        layer = _LAYER.fullmatch(net.source)
        data = "inside neurons" if net.alone else "between neurons"
        parts[int(layer[1]) if layer else 0, _KINDS[net.kind], data] += net.length * toggles
    conditions = (
        f"{activity.samples:,} samples, {activity.order}",
        f"routed on {found.about}",
        f"{known:,} of {whole:,} tiles belong to nets with a name in top.v; the others toggle as the mean bit of their "
        "owner",
    )
    rows = (EnergyPart(*key, TILES, amount, None) for key, amount in sorted(parts.items()) if amount)
    return Energy("fpga", TILES, tuple(rows), conditions)


class _Rates:
    """How often nets toggle for one sample."""

    def __init__(self, graph: OperatorGraph, activity: Activity) -> None:
        self._activity = activity
        self._numbers = {name: number for number, name in enumerate(names_of(graph))}
        bits: dict[str, list[float]] = defaultdict(list)
        for name, number in self._numbers.items():
            if not graph.is_constant(number):
                bits["_".join(name.split("_")[:2])] += activity.bits_of(number).tolist()
        self._means = {owner: float(np.mean(toggles)) for owner, toggles in bits.items()}

    def of(self, net: RoutedNet) -> tuple[bool, float]:
        """Whether a net is known by its name, and its toggles for one sample."""
        found, toggles = _SIGNAL.fullmatch(net.name), self._means.get(net.source, 0.0)
        number = self._numbers.get(found["operator"]) if found else None
        named = False
        if found and number is not None:
            bits, bit = self._activity.bits_of(number), int(found["bit"] or 0)
            if bit < len(bits):
                named, toggles = True, float(bits[bit])
        return named, toggles / self._activity.transitions
