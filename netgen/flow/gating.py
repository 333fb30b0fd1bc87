"""The gates of a build: how often they are on for its test samples, and the energy that they save."""

from collections.abc import Callable
from dataclasses import replace

from netgen.energy import (
    EnergySettings,
    SampleOrder,
    Workload,
    activity_of,
    energy_of,
    gate_report,
    savings_of,
)
from netgen.flow.classes import classes_of, decoded, middle_of
from netgen.ir.arrays import Bools
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.energy import Energy
from netgen.ir.fixed import Words
from netgen.ir.gates import gates_of
from netgen.ir.gating import GateReport
from netgen.operators.graph import OperatorGraph
from netgen.operators.holding import without_holds
from netgen.operators.schedule import Schedule

__all__ = ["gating_of", "right_of"]


def right_of(circuit: Circuit, words: Words, labels: Words | None) -> Bools | None:
    """Whether a circuit, and so its hardware, classifies each sample rightly, (n,); None without labels."""
    if labels is None:
        return None
    found: Bools = classes_of(decoded(circuit, evaluate(circuit, words)), circuit.heads, middle_of(circuit)) == labels
    return found


def gating_of(
    work: Workload,
    words: Words,
    labels: Words | None,
    origin: str,
    *,
    retimed: Callable[[OperatorGraph], Schedule],
    held: Energy | None = None,
    settings: EnergySettings | None = None,
    samples: int = 0,
    order: SampleOrder = "given",
    seed: int = 0,
) -> GateReport | None:
    """Measure the gates of a placed circuit; None where it has none.

    Args:
        words: (n, features) input words, over all of which the gates are counted; labels: (n,) their classes.
        origin: what they are, in words.
        retimed: schedules the operators without the registers that gates hold.
        held: energy by the model of wires; None where it was not measured.
        settings, samples, order, seed: with which it was measured, on the first `samples` of the words.
    """
    circuit = work.circuit
    if not len(gates_of(circuit)):
        return None
    found = gate_report(
        circuit,
        work.placement,
        work.graph,
        work.timing,
        words,
        labels=labels,
        right=right_of(circuit, words, labels),
        origin=origin,
    )
    if held is None:
        return found
    graph = without_holds(work.graph)
    timing = retimed(graph)
    activity = activity_of(circuit, graph, words[:samples], timing=timing, order=order, seed=seed)
    free = energy_of("wires", replace(work, graph=graph, timing=timing, activity=activity), settings)
    return replace(found, stream=f"{activity.samples:,} samples, {activity.order}", savings=savings_of(held, free))
