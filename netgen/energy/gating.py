"""How often each gate of a placed circuit is on, and which wires are computed: exactly, from the words of the integers.

Two lengths tell what a sample computes. What it *needs* follows from the paths of the circuit alone, as training counts
it: a wire is needed unless every path from it to an output passes the word of a selection whose gate is off. What is
*held* follows from the operators and their schedule: a wire stands still where what it carries keeps its value. Blocks
that are held begin behind their gate's layer, so that a wire may be computed that is not needed.
"""

from collections.abc import Sequence

import numpy as np

from netgen.energy.carried import carried, giving, tests_of
from netgen.ir.arrays import Bools
from netgen.ir.circuit import Circuit, words_at
from netgen.ir.energy import Energy
from netgen.ir.fixed import Words
from netgen.ir.gates import gates_needed, gates_of, readings_of
from netgen.ir.gating import ClassUse, GateReport, GateUse, Saving
from netgen.ir.grid import Placement, wire_lengths
from netgen.ir.netlist import netlist_of, placed_wires
from netgen.operators.graph import OperatorGraph
from netgen.operators.holding import blocks_of
from netgen.operators.schedule import Schedule

__all__ = ["MOST_GATES", "gate_report", "held_by", "savings_of"]

MOST_GATES = 100
"""Gates that are told of; a network read with a choice for every value may have thousands."""


def gate_report(
    circuit: Circuit,
    placement: Placement,
    graph: OperatorGraph,
    timing: Schedule,
    words: Words,
    *,
    labels: Words | None = None,
    right: Bools | None = None,
    origin: str = "test samples",
) -> GateReport:
    """Evaluate the gates of a circuit for some samples.

    Args:
        words: (n, features) input words; labels: (n,) their classes, right: (n,) whether the circuit finds them.
        origin: what the samples are, in words.
    Returns: without the energy, which `savings_of` tells.
    Raises: DataError, for words that do not fit the circuit.
    """
    everything = gates_of(circuit)
    gates = everything[:MOST_GATES]
    on = words_at(circuit, words, gates).T > 0
    outputs = circuit.scores
    by_layer = gates_needed(readings_of(circuit), outputs, gates, circuit.first[-1])
    needed = np.concatenate(by_layer, axis=1)[:, placed_wires(circuit)]
    held = held_by(circuit, graph, timing, gates)
    length = wire_lengths(netlist_of(circuit), placement)
    asked = _asked(circuit, gates, by_layer, on)
    uses = []
    for index, gate in enumerate(gates.tolist()):
        yes, no = asked[index] & on[index], asked[index] & ~on[index]
        depth = int(np.searchsorted(circuit.first, gate, side="right"))
        layer, place = (circuit.layers[depth - 1].name, gate - circuit.first[depth - 1]) if depth else ("", gate)
        uses.append(
            GateUse(
                name=f"n{depth}_{place}",
                layer=layer,
                on=int(yes.sum()),
                off=int(no.sum()),
                right_on=None if right is None else int((yes & right).sum()),
                right_off=None if right is None else int((no & right).sum()),
                block=int(length[needed[index]].sum()),
                held=int(length[held[index]].sum()),
                classes=() if labels is None else _by_class(labels, yes),
            )
        )
    return GateReport(
        samples=len(words),
        origin=origin,
        total=len(everything),
        gates=tuple(uses),
        wire_length=int(length.sum()),
        needed=_mean_length(length, needed, on),
        computed=_mean_length(length, held, on),
        stream="",
        savings=(),
    )


def held_by(circuit: Circuit, graph: OperatorGraph, timing: Schedule, gates: Words) -> Bools:
    """Which wires of `netlist_of(circuit)` stand still where each gate is off, (gates, wires): found from operators.

    Args:
        gates: numbers of their neurons.
    """
    given, tests, carrying = giving(circuit, graph), tests_of(graph), carried(circuit, graph)
    blocks = blocks_of(graph, timing)
    found = np.zeros((len(gates), len(carrying)), dtype=np.bool_)
    for own, gate in zip(found, given[gates].tolist(), strict=True):
        own[:] = np.isin(carrying, blocks.get(tests.get(gate, gate), ()))
    return found


def savings_of(held: Energy, free: Energy) -> tuple[Saving, ...]:
    """Compare the energy of a circuit whose blocks are held with that of the same one with nothing held, by kind."""
    return tuple(
        Saving(
            kind,
            free.unit_of(kind),
            held.amount_of(kind=kind),
            free.amount_of(kind=kind),
            held.picojoules_of(kind=kind) if free.picojoules is not None else None,
            free.picojoules_of(kind=kind),
        )
        for kind in free.kinds
    )


def _asked(circuit: Circuit, gates: Words, needed: Sequence[Bools], on: Bools) -> Bools:
    """For which samples each gate decides, (gates, samples): those for which a wire from it is needed."""
    source = np.concatenate([layer.source for layer in circuit.layers])
    gating = ~np.concatenate([layer.passing for layer in circuit.layers])
    by_wire = np.concatenate(needed, axis=1)
    asked = np.zeros_like(on)
    for number, gate in enumerate(gates.tolist()):
        for block in np.unique(by_wire[:, gating & (source == gate)], axis=1).T:
            asked[number] |= on[block].all(axis=0)
    return asked


def _mean_length(length: Words, blocks: Bools, on: Bools) -> float:
    """The mean over the samples of the length of the wires all of whose gates are on.

    Args:
        length: (wires,); blocks: (gates, wires), the gates of each wire; on: (gates, samples).
    """
    if not len(on) or not on.shape[1]:
        return float(length.sum())
    sets, index = np.unique(blocks, axis=1, return_inverse=True)
    counts = [int(on[own].all(axis=0).sum()) for own in sets.T]
    each = np.bincount(index.reshape(-1), length, len(counts))
    return float((each * counts).sum() / on.shape[1])


def _by_class(labels: Words, on: Bools) -> tuple[ClassUse, ...]:
    return tuple(
        ClassUse(label, int((labels == label).sum()), int((on & (labels == label)).sum()))
        for label in np.unique(labels).tolist()
    )
