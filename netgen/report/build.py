"""The report of a build as one value, and as JSON."""

from dataclasses import dataclass, field

import numpy as np

from netgen.errors import BuildError
from netgen.ir.activation import Rescale
from netgen.ir.chain import activation_name
from netgen.ir.circuit import Circuit, CircuitLayer, LayerRange, ranges_of
from netgen.ir.dense import DenseNetwork
from netgen.ir.encoding import input_meaning
from netgen.ir.energy import Energy
from netgen.ir.fixed import FixedPoint, bits_of
from netgen.ir.gating import GateReport
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network
from netgen.operators.design import Design
from netgen.report import record
from netgen.report.agreement import CheckReport
from netgen.report.logic import LogicReport
from netgen.report.origin import Origin
from netgen.report.wires import WireReport
from netgen.version import __version__


@dataclass(frozen=True)
class LayerFormats:
    """Number formats and widths of one layer.

    Attributes:
        layer: 1 for the first layer after the inputs.
        inputs: of the words that it reads, each once: those of the inputs or of any earlier layers.
        bias: bits of the widest bias.
        accumulator: bits of the narrowest and of the widest accumulator.
        output: of its words; where they are the accumulators, such as scores, the narrowest that holds them all.
    """

    layer: int
    activation: str
    inputs: tuple[FixedPoint, ...]
    weight: FixedPoint | None
    bias: int
    accumulator: tuple[int, int]
    output: FixedPoint


@dataclass(frozen=True)
class ModulePort:
    """A port of the emitted module.

    Attributes:
        direction: `input` or `output`.
        width: bits.
    """

    name: str
    direction: str
    width: int


@dataclass(frozen=True)
class BuildReport:
    """What was built, from which data, how large it is, and how accurate.

    Attributes:
        netgen: version of netgen that built it.
        warnings: one line for each thing that the user should know first, such as accuracy that a stage lost.
        origin: data set and seed; None where samples came from a program, or none were given.
        imported: the model that was read, and how closely; None where netgen trained the network.
        input_word: how a raw feature becomes an input word, and what the network makes of it, in words.
        sizes: number of inputs, then of neurons in each layer; dead neurons count.
        weights_total: weights of the dense network of these sizes; of the network before pruning, where a model was
            read or described by layers.
        weights_left: weights left after pruning; those still non-zero after quantization are `wires.wires`.
        dense_accuracy, pruned_accuracy, circuit_accuracy: on validation samples, 0 to 1: of the float network as
            trained, of the float network as pruned, and of the circuit in integers; None where a model was read.
        input, score: formats of input words and scores.
        energy: of one sample, by several models; none in reports of earlier versions.
        gates: how often they were on for the test samples, and what they save; None where there are none.
        latency: clock cycles from an accepted sample to its valid output, when nothing stalls.
    """

    name: str
    netgen: str
    warnings: tuple[str, ...]
    origin: Origin | None
    imported: ImportReport | None
    input_word: str
    sizes: tuple[int, ...]
    weights_total: int
    weights_left: int
    dense_accuracy: float | None
    pruned_accuracy: float | None
    circuit_accuracy: float | None
    input: FixedPoint
    score: FixedPoint
    formats: tuple[LayerFormats, ...]
    latency: int
    ports: tuple[ModulePort, ...]
    wires: WireReport
    logic: LogicReport
    check: CheckReport
    energy: tuple[Energy, ...] = field(default=(), metadata={record.LATER: True})
    gates: GateReport | None = field(default=None, metadata={record.LATER: True})

    def __post_init__(self) -> None:
        if self.weights_total < 1:
            raise BuildError(f"weights_total {self.weights_total}; a network has at least one weight")

    def __str__(self) -> str:
        """The report as text, 100 columns wide."""
        from netgen.report.plain import as_text
        from netgen.report.text import render

        return as_text(render(self))

    @property
    def sparsity(self) -> float:
        """The share of the weights that pruning or quantization made zero, 0 to 1."""
        return 1 - self.wires.wires / self.weights_total


def build_report(
    *,
    name: str,
    warnings: tuple[str, ...],
    origin: Origin | None,
    network: DenseNetwork | Network | None,
    design: Design,
    wires: WireReport,
    logic: LogicReport,
    check: CheckReport,
    imported: ImportReport | None = None,
    dense_accuracy: float | None = None,
    pruned_accuracy: float | None = None,
    circuit_accuracy: float | None = None,
    scaled: str = "",
    weights_before: int | None = None,
    energy: tuple[Energy, ...] = (),
    gates: GateReport | None = None,
) -> BuildReport:
    """Gather the results of the stages.

    Args:
        network: the float network that the circuit was quantized from; None for a circuit of the user's own.
        imported: how a model was read; None where netgen trained the network.
        dense_accuracy, pruned_accuracy, circuit_accuracy: on validation samples, 0 to 1.
        scaled: what the user's model reads of a raw feature, where the network reads the raw feature itself.
        energy: of one sample, by several models.
        gates: of the circuit; None where it has none.
        weights_before: weights before pruning of a network of any layers; None where none were pruned.
    """
    read = (network or design.circuit).wires if not isinstance(network, DenseNetwork) else 0
    return BuildReport(
        name=name,
        netgen=__version__,
        warnings=warnings,
        origin=origin,
        imported=imported,
        input_word=input_meaning(design.circuit) + (f", of which your model reads {scaled}" if scaled else ""),
        sizes=network.sizes if isinstance(network, DenseNetwork) else design.circuit.sizes,
        weights_total=network.weights_total if isinstance(network, DenseNetwork) else max(weights_before or read, 1),
        weights_left=network.weights_left if isinstance(network, DenseNetwork) else read,
        dense_accuracy=dense_accuracy,
        pruned_accuracy=pruned_accuracy,
        circuit_accuracy=circuit_accuracy,
        input=design.circuit.input,
        score=design.score,
        formats=formats_of(design.circuit),
        latency=design.latency,
        ports=ports_of(design),
        wires=wires,
        logic=logic,
        check=check,
        energy=energy,
        gates=gates,
    )


def formats_of(circuit: Circuit) -> tuple[LayerFormats, ...]:
    """The formats of every layer; accumulators are as narrow as their proven ranges allow."""
    rows: list[LayerFormats] = []
    words = [circuit.entering]  # of the inputs, then of each layer
    for number, (layer, reach) in enumerate(zip(circuit.layers, ranges_of(circuit), strict=True), start=1):
        read = np.unique(np.searchsorted(circuit.first, layer.source, side="right"))
        words.append(layer.output or _narrowest(layer, reach))
        widths = [bits_of(int(lo), int(hi))[0] for lo, hi in zip(reach.acc_lo, reach.acc_hi, strict=True)]
        rows.append(
            LayerFormats(
                layer=number,
                activation=activation_name(layer),
                inputs=tuple(dict.fromkeys(words[at] for at in read)),
                weight=layer.weight_format,
                bias=bits_of(int(layer.bias.min()), int(layer.bias.max()))[0],
                accumulator=(min(widths), max(widths)),
                output=words[-1],
            )
        )
    return tuple(rows)


def _narrowest(layer: CircuitLayer, reach: LayerRange) -> FixedPoint:
    """The narrowest format of all words of a layer that has none of its own."""
    width, signed = bits_of(int(reach.out_lo.min()), int(reach.out_hi.max()))
    shift = layer.activation.shift if isinstance(layer.activation, Rescale) else 0
    return FixedPoint(width, layer.frac - shift, signed)


def ports_of(design: Design) -> tuple[ModulePort, ...]:
    """The ports of `top.v`: clock, reset and the two streams."""
    circuit = design.circuit
    return (
        ModulePort("clk", "input", 1),
        ModulePort("rst", "input", 1),
        ModulePort("i_payload", "input", circuit.features * circuit.input.width),
        ModulePort("i_valid", "input", 1),
        ModulePort("i_ready", "output", 1),
        ModulePort("o_payload", "output", design.output_width),
        ModulePort("o_valid", "output", 1),
        ModulePort("o_ready", "input", 1),
    )


def to_json(report: BuildReport) -> str:
    """Write a report as JSON text: the same bytes for the same report."""
    return record.write(report)


def from_json(text: str) -> BuildReport:
    """Read what `to_json` wrote.

    Raises: BuildError, when the text is not such a report.
    """
    return record.read(BuildReport, text)
