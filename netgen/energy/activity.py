"""Toggles: how often each bit of each signal changes while a stream of samples passes through the hardware.

One sample enters in every clock cycle, in a stated order, and nothing stalls. So each signal takes one settled value
for each sample, and a bit toggles once where two samples that follow each other give it different values. For n samples
that is n - 1 transitions; the one from the values after power-up to the first sample is not counted, nor is what
follows the last. The bits are those of the Verilog: two's complement, as wide as the operator's range needs.

Not counted are the clock, the valid bits of the pipeline and the handshake, which do not change in such a stream, and
glitches, the changes of a signal before it settles in a cycle.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from netgen.energy.carried import carried, giving
from netgen.energy.order import SampleOrder, arranged
from netgen.errors import BuildError, DataError
from netgen.ir.arrays import frozen
from netgen.ir.circuit import CHUNK_BYTES, Circuit, check_inputs
from netgen.ir.fixed import Words
from netgen.operators.graph import OperatorGraph, values_of
from netgen.operators.names import names_of
from netgen.operators.prove import misfit_of
from netgen.operators.schedule import Schedule

__all__ = ["Activity", "activity_of", "register_toggles"]


@dataclass(frozen=True, eq=False)
class Activity:
    """Toggles over all transitions of a stream of samples.

    Attributes:
        samples: in the stream, n; there are n - 1 transitions between them.
        order: of the samples, in words.
        neurons: (neurons,) int64, toggles of the bits of each neuron's word, summed; numbered as in `Circuit`: first
            the inputs of the first layer. 0 for one that has no hardware, as no score depends on it.
        wires: (wires,) int64, toggles of the bits that each wire of `netlist_of(circuit)` carries, summed: those of the
            neuron's word, or where a gate holds it those of what is held, or the one bit of a gate.
        operators: (operators,) int64, toggles of the bits of each operator's value, summed; of a `Hold`, of what it
            holds. Each register behind an operator (`Schedule.delays`) toggles as often, some cycles later.
        bits: (all bits of operators,) int64, toggles of each bit; the lowest bit of an operator comes first.
        starts: (operators + 1,) int64; the bits of operator k are those from `starts[k]` to `starts[k + 1] - 1`.
    """

    samples: int
    order: str
    neurons: Words
    wires: Words
    operators: Words
    bits: Words
    starts: Words

    def __post_init__(self) -> None:
        for name in ("neurons", "wires", "operators", "bits", "starts"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.int64))

    @property
    def transitions(self) -> int:
        """Pairs of samples that follow each other; toggles divided by it are toggles for each sample."""
        return self.samples - 1

    def bits_of(self, number: int) -> Words:
        """Toggles of each bit of an operator's value, (width,), the lowest bit first."""
        return self.bits[self.starts[number] : self.starts[number + 1]]


def activity_of(
    circuit: Circuit,
    graph: OperatorGraph,
    inputs: Words,
    *,
    timing: Schedule | None = None,
    order: SampleOrder = "given",
    seed: int = 0,
) -> Activity:
    """Count the toggles of every bit of every operator, exactly, from the values that `evaluate` computes.

    Samples are computed in chunks that fit in memory, so any number of them can follow each other.

    Args:
        inputs: (n, n_in) int64 input words, at least 2 samples.
        timing: of the operators, by which gates hold what enters a block; None where there are no registers to hold it.
        order: of the samples; see `arranged`.
        seed: of a shuffled order.
    Raises: DataError, for inputs that do not fit the circuit, fewer than 2 samples, or an unknown order; BuildError,
        when the operators are not those of the circuit.
    """
    if misfit := misfit_of(graph, circuit):
        raise BuildError(f"the operators are not those of the circuit ({misfit}); build it again")
    stream, described = arranged(check_inputs(circuit, inputs), order, seed=seed)
    if len(stream) < 2:
        raise DataError(f"{len(stream)} samples; bits toggle between two, give at least 2")
    widths = np.array([operator.width for operator in graph.operators], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(widths)])
    bits = np.zeros(starts[-1], dtype=np.int64)
    before = np.zeros(len(graph.operators), dtype=np.int64)
    held: dict[int, int] | None = {} if timing is not None and timing.holds else None
    at_once = max(2, CHUNK_BYTES // (8 * _most_alive(graph)))
    for first in range(0, len(stream), at_once):
        for number, values in values_of(graph, stream[first : first + at_once], held):
            joined = np.concatenate([before[number : number + 1], values]) if first else values
            bits[starts[number] : starts[number + 1]] += _toggles(joined, int(widths[number]))
            before[number] = values[-1]
    operators = np.add.reduceat(bits, starts[:-1])
    given, carrying = giving(circuit, graph), carried(circuit, graph)
    neurons = np.where(given >= 0, operators[given], 0)
    wires = np.where(carrying >= 0, operators[carrying], 0)
    return Activity(len(stream), described, neurons, wires, operators, bits, starts)


def register_toggles(activity: Activity, graph: OperatorGraph, timing: Schedule) -> Mapping[str, Words]:
    """The toggles of every register that holds values: its name in the Verilog, and (width,) by bit, lowest first."""
    delays = zip(names_of(graph), timing.delays(graph), strict=True)
    return {
        f"{name}_d{delay}": activity.bits_of(number)
        for number, (name, most) in enumerate(delays)
        for delay in range(1, most + 1)
    }


def _toggles(values: Words, width: int) -> Words:
    """How often each of the low bits, (width,), differs between values that follow each other, (n,)."""
    changed = (values[1:] ^ values[:-1]).astype("<i8").view(np.uint8).reshape(-1, 8)
    bits = np.unpackbits(changed[:, : -(-width // 8)], axis=1, bitorder="little")
    found: Words = bits[:, :width].sum(axis=0, dtype=np.int64)
    return found


def _most_alive(graph: OperatorGraph) -> int:
    """The most operators whose values `values_of` holds at once."""
    last = {source: number for number, operator in enumerate(graph.operators) for source in operator.sources}
    change = np.ones(len(graph.operators) + 1, dtype=np.int64)
    np.subtract.at(change, [last.get(number, number) + 1 for number in range(len(graph.operators))], 1)
    return max(int(np.cumsum(change).max()), 1)
