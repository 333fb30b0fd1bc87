"""The energy of moving bits over the wires of a placed circuit, and of computing and keeping them.

A wire spends its length times the toggles of its bits, those of the source neuron's word: information friction, bits
times distance (Thompson 1979; Grover 2014; Blake et al. 2018). Steps between tiers, along z, are vias, a kind of their
own. An operator spends energy for each bit of its value that toggles, and so does a register; neither has a length.

Not counted: the clock, glitches inside a cycle, leakage, and the wires of the ports.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from netgen.energy.activity import Activity
from netgen.energy.constants import ADDER_BIT, REGISTER_BIT, wire_of
from netgen.errors import DataError
from netgen.ir.circuit import Circuit
from netgen.ir.energy import Energy, EnergyPart, Picojoules
from netgen.ir.fixed import Reals, Words
from netgen.ir.grid import Placement
from netgen.ir.netlist import netlist_of
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import needs_logic
from netgen.operators.schedule import Schedule

__all__ = ["STEPS", "TOGGLES", "wired"]

STEPS = "grid steps x bits"
"""Unit of wires and vias: length, in units of the pitch, times bits that toggle."""
TOGGLES = "bits"
"""Unit of operators and registers: bits that toggle."""


def wired(
    circuit: Circuit,
    placement: Placement,
    graph: OperatorGraph,
    timing: Schedule,
    activity: Activity,
    *,
    pitch: float | None = None,
    tier: float | None = None,
    node: str = "any",
) -> Energy:
    """The energy of one sample, on average over the transitions of a stream.

    Args:
        graph, timing: the operators of the circuit, and their pipeline.
        activity: their toggles.
        pitch: length of one grid step, in micrometres; without it there are no picojoules.
        tier: length of a via between two tiers, in micrometres; by default that of a grid step.
        node: whose wires; see `constants.NODES`.
    Raises: DataError, for a length that is not positive, or an unknown node.
    """
    for name, length in (("pitch", pitch), ("tier", tier)):
        if length is not None and not 0 < length < float("inf"):
            raise DataError(f"{name}: {length} micrometres; give a positive length")
    wire = wire_of(node)
    parts: list[EnergyPart] = []
    flat, up, layer = _moved(circuit, placement, activity)
    for kind, moved, step in (("wires", flat, pitch), ("vias", up, tier if tier is not None else pitch)):
        cost = None if pitch is None or step is None else (wire[0] * step / 1000, wire[1] * step / 1000)
        parts += _parts(kind, STEPS, layer, moved, cost)
    of_operator = np.array([operator.layer for operator in graph.operators], dtype=np.int64)
    toggles = activity.operators / activity.transitions
    logic = np.array([needs_logic(operator.operation) for operator in graph.operators])
    kept = np.array(timing.delays(graph), dtype=np.int64)
    for kind, moved, constant in (
        ("operators", toggles * logic, ADDER_BIT),
        ("registers", toggles * kept, REGISTER_BIT),
    ):
        cost = None if pitch is None else (constant.low / 1000, constant.high / 1000)
        parts += _parts(kind, TOGGLES, of_operator, moved, cost)
    return Energy("wires", STEPS, tuple(parts), tuple(_conditions(activity, pitch, tier, node, wire)))


def _moved(circuit: Circuit, placement: Placement, activity: Activity) -> tuple[Reals, Reals, Words]:
    """For each wire, (m,): bits times steps within a tier, and between tiers, for one sample; and its layer."""
    netlist = netlist_of(circuit)
    toggles = activity.wires / activity.transitions
    site = placement.site * np.array(placement.grid.pitch)
    steps = np.abs(site[netlist.source] - site[netlist.target])
    return toggles * steps[:, :2].sum(axis=1), toggles * steps[:, 2], netlist.layer[netlist.target]


def _parts(kind: str, unit: str, layer: Words, moved: Reals, cost: Picojoules | None) -> Iterator[EnergyPart]:
    """One part for each layer that has any of a kind.

    Args:
        layer, moved: (n,) each, of wires or operators.
        cost: pJ for one of the unit.
    """
    for at, amount in enumerate(np.bincount(layer, moved).tolist() if len(layer) else ()):
        if amount:
            picojoules = None if cost is None else (amount * cost[0], amount * cost[1])
            yield EnergyPart(at, kind, "", unit, amount, picojoules)


def _conditions(
    activity: Activity, pitch: float | None, tier: float | None, node: str, wire: Picojoules
) -> Sequence[str]:
    """What the figure depends on."""
    stream = f"{activity.samples:,} samples, {activity.order}"
    if pitch is None:
        return (stream, "no pitch was given, so no picojoules")
    least, most = (f"{1000 * energy:g}" for energy in wire)
    process = "of all nodes" if node == "any" else f"at {node}"
    up = "a via is as long as a grid step" if tier is None else f"a via is {tier:g} um long"
    return (
        stream,
        f"a grid step is {pitch:g} um, {up}; wires {process}: {least} to {most} fJ for a toggle and mm",
        f"an operator's bit {ADDER_BIT.low:.3g} to {ADDER_BIT.high:.3g} fJ for a toggle, a register's bit "
        f"{REGISTER_BIT.low:.3g} to {REGISTER_BIT.high:.3g} fJ; at 45 nm",
    )
