"""What a model that was read consists of, and what building it will take: before anything long."""

from dataclasses import dataclass

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from netgen.ir.functions import Clip, Composition
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network
from netgen.report.palette import TIMES
from netgen.report.plain import as_text

__all__ = ["Inspection", "LayerInspection", "inspection_of", "render_inspection"]

WIRE_SECONDS = 0.001
"""Seconds that a wire takes to be placed, lowered, proved and written, on one core; measured, docs/benchmarks.md."""
WIRE_BYTES = 5_000
"""Bytes of memory for each wire while the circuit is lowered."""
STEPS_SECONDS = 0.1
"""Seconds more for each neuron with a function that becomes steps, such as tanh: 600 operators, of 8 bits, which take
0.05 s to lower and schedule and 0.02 s to prove, measured, and about as long as the proof to write."""
QUANTIZERS = {"quantize", "multithreshold"}
"""Functions that round values to words."""
SHIFTED = {*QUANTIZERS, "affine", "clip", "relu", "sign"}
"""Functions that become limits and shifts, or a few steps."""


@dataclass(frozen=True)
class LayerInspection:
    """One layer.

    Attributes:
        name: module path or node name.
        gather: sum or max.
        activation: functions applied to it, in order; empty for none.
        wires: weights that are not zero, in every position where they are used.
        parameters: trained numbers among them, each counted once.
        most: wires of the neuron that has most.
    """

    name: str
    gather: str
    activation: tuple[str, ...]
    neurons: int
    wires: int
    parameters: int
    most: int


@dataclass(frozen=True)
class Inspection:
    """A model that was read.

    Attributes:
        inputs, outputs: name and shape of each.
        quantized: whether weights or words arrive quantized.
        seconds, memory: about what a build of it takes on one core, in seconds and bytes, without simulation.
    """

    source: ImportReport
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]
    neurons: int
    wires: int
    quantized: bool
    layers: tuple[LayerInspection, ...]
    seconds: int
    memory: int

    def __str__(self) -> str:
        """The tables of `netgen inspect` as text, 100 columns wide."""
        return as_text(render_inspection(self))


def inspection_of(network: Network, source: ImportReport) -> Inspection:
    """Describe a network that was read."""
    layers = tuple(
        LayerInspection(
            name=layer.name,
            gather=layer.gather,
            activation=tuple(names_of(layer.activation)),
            neurons=len(layer),
            wires=layer.wires,
            parameters=layer.wires if layer.parameter is None else len(np.unique(layer.parameter)),
            most=int(np.diff(layer.starts).max()),
        )
        for layer in network.layers
    )
    names = {name for layer in layers for name in layer.activation}
    curved = sum(layer.neurons for layer in layers if not SHIFTED.issuperset(layer.activation))
    return Inspection(
        source=source,
        inputs={port.name: port.shape for port in network.inputs},
        outputs={head.name: head.neuron.shape for head in network.outputs},
        neurons=network.neurons,
        wires=network.wires,
        quantized=any(layer.step is not None for layer in network.layers) or bool(names & QUANTIZERS),
        layers=layers,
        seconds=round(10 + WIRE_SECONDS * network.wires + STEPS_SECONDS * curved),
        memory=500_000_000 + WIRE_BYTES * network.wires,
    )


def names_of(pipeline: Composition) -> list[str]:
    """The names of functions in lower case; ReLU by its own."""
    return [
        "relu"
        if isinstance(one, Clip) and np.all(one.lo == 0) and np.all(np.isposinf(one.hi))
        else type(one).__name__.lower()
        for one in pipeline
    ]


def render_inspection(found: Inspection) -> RenderableType:
    """Draw a model: inputs and outputs, a line for each layer, and what a build takes."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("layer", "computes"):
        table.add_column(name)
    for name in ("neurons", "wires", "weights", "max fan-in"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.layers:
        computes = " ".join([row.gather, *row.activation])
        counts = (f"{count:,}" for count in (row.neurons, row.wires, row.parameters, row.most))
        table.add_row(Text(row.name), computes, *counts)
    ends = [
        Text(f"{what} {name}: {TIMES.join(map(str, shape)) or 'one number'}")
        for what, ports in (("input", found.inputs), ("output", found.outputs))
        for name, shape in ports.items()
    ]
    source = found.source
    return Group(
        Text(source.source, style="bold"),
        *ends,
        table,
        Text("wires: weights, once for each position of use; max fan-in: wires into one neuron", style="dim"),
        Text(f"{found.neurons:,} neurons, {found.wires:,} wires{', quantized' if found.quantized else ''}"),
        Text(
            f"import error {source.worst:.2g}: greatest relative difference from {source.reference}, on "
            f"{source.samples:,} samples"
            if source.samples
            else "not compared"
        ),
        *(Text(f"assumed: {line}") for line in source.assumed),
        Text(
            f"a build takes about {_span(found.seconds)} on one core and {found.memory / 1e9:.1f} GB without simulation"
        ),
    )


def _span(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds / 60:.0f} min"
