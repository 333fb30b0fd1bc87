"""The toggles of a build: counted from its integers, and compared with those of its simulated Verilog."""

from pathlib import Path

import numpy as np

from netgen.energy import Activity, activity_of, arranged, register_toggles
from netgen.errors import CheckError
from netgen.flow.design import load_design
from netgen.flow.energy import ORDERS, StreamOrder, load_words, samples_within, spec_in
from netgen.flow.folder import load_circuit
from netgen.flow.glitches import glitches_of
from netgen.fpga.unit_delay import CellKind
from netgen.ir.circuit import Circuit
from netgen.ir.fixed import Words
from netgen.ir.netlist import netlist_of
from netgen.ir.toggles import LayerToggles, ToggleCheck, ToggleReport
from netgen.operators.design import Design
from netgen.progress import Progress, silent

__all__ = ["check_toggles", "toggles_in"]

GLITCH_SAMPLES = 100
"""Samples of the stream in which glitches are counted, which takes a second for each 500 gates."""


def toggles_in(
    folder: Path,
    *,
    samples: int | None = None,
    order: StreamOrder = "test",
    check: bool = False,
    glitches: CellKind | None = None,
    base: Path | None = None,
    progress: Progress = silent,
) -> ToggleReport:
    """Count the toggles in the circuit of a build folder.

    Args:
        samples: test samples that follow each other; by default 1,000, or fewer for a circuit of many operators.
        order: of the samples: of the test set, shuffled with the spec's seed, or the worst.
        check: whether to compare the toggles of registers with those of the Verilog in Icarus.
        glitches: the cells to which Yosys maps the Verilog, to count glitches in the first `GLITCH_SAMPLES` samples.
        base: folder from which the data's path is seen; the build folder by default.
    Raises: BuildError, when something in the folder is missing or damaged; DataError, for fewer than 2 samples;
        SimulatorError or SynthError, when Icarus or Yosys is needed and not installed, or fails; CheckError, when
        integers and Verilog differ.
    """
    spec, circuit = spec_in(folder), load_circuit(folder)
    design = load_design(folder, spec, circuit)
    words = load_words(folder, base=base).words
    words = words[: samples_within(design.graph, len(words)) if samples is None else samples]
    activity = activity_of(circuit, design.graph, words, timing=design.timing, order=ORDERS[order], seed=spec.seed)
    stream, _ = arranged(words, ORDERS[order], seed=spec.seed)
    return ToggleReport(
        name=folder.resolve().name,
        samples=activity.samples,
        order=activity.order,
        layers=_by_layer(circuit, design, activity),
        neurons=dict(zip(_names_of(circuit), activity.neurons.tolist(), strict=True)),
        wires=dict(zip(_wires_of(circuit), activity.wires.tolist(), strict=True)),
        check=check_toggles(design, stream, progress=progress) if check else None,
        glitches=glitches_of(design, stream[:GLITCH_SAMPLES], cells=glitches, progress=progress) if glitches else None,
    )


def check_toggles(design: Design, inputs: Words, *, progress: Progress = silent) -> ToggleCheck:
    """Compare the toggles of every bit of every register with those in a value change dump of the Verilog in Icarus.

    Args:
        inputs: (n, n_in) int64 input words, at least 2 samples, one in each clock cycle.
    Raises: CheckError, naming the first register that differs; SimulatorError, when Icarus is not installed or fails;
        DataError, for inputs that do not fit the circuit, or too few of them.
    """
    from netgen.simulate.toggles import simulated_toggles

    activity = activity_of(design.circuit, design.graph, inputs, timing=design.timing)
    expected = register_toggles(activity, design.graph, design.timing)
    signals = simulated_toggles(design, inputs, progress=progress)
    dumped = {name: signal.settled for name, signal in signals.items() if signal.register}
    dumped.pop("valid", None)
    for name in sorted(expected.keys() | dumped.keys()):
        ours, theirs = (
            ", ".join(map(str, bits.tolist())) if bits is not None else "no register"
            for bits in (expected.get(name), dumped.get(name))
        )
        if ours != theirs:
            raise CheckError(f"register {name}: toggles {ours} in integers, {theirs} in Verilog; report this as a bug")
    bits = sum(map(len, expected.values()))
    return ToggleCheck(activity.samples, len(expected), bits, int(sum(map(sum, expected.values()))))


def _by_layer(circuit: Circuit, design: Design, activity: Activity) -> tuple[LayerToggles, ...]:
    """The toggles of each layer's neurons, operators and registers."""
    layer = np.array([operator.layer for operator in design.graph.operators])
    registers = activity.operators * np.array(design.timing.delays(design.graph))
    ends = (0, *circuit.first)
    found = []
    for depth in range(int(max(layer.max(), len(circuit.layers))) + 1):
        own = activity.neurons[ends[depth] : ends[depth + 1]] if depth <= len(circuit.layers) else np.zeros(0, int)
        inside = layer == depth
        found.append(
            LayerToggles(
                layer=depth,
                neurons=int(np.count_nonzero(own)),
                words=int(own.sum()),
                operators=int(activity.operators[inside].sum()),
                registers=int(registers[inside].sum()),
            )
        )
    return tuple(found)


def _names_of(circuit: Circuit) -> list[str]:
    """The names of all neurons in the Verilog."""
    return [f"n{depth}_{k}" for depth, size in enumerate(circuit.sizes) for k in range(size)]


def _wires_of(circuit: Circuit) -> list[str]:
    """The names of the two neurons of each wire."""
    netlist = netlist_of(circuit)
    names = netlist.names
    return [f"{names[a]} {names[b]}" for a, b in zip(netlist.source.tolist(), netlist.target.tolist(), strict=True)]
