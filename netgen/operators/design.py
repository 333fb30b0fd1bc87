"""The hardware of a circuit, which is emitted, simulated and checked, and the packing of words at its ports."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from netgen.ir.circuit import Circuit
from netgen.ir.fixed import FixedPoint, Words
from netgen.operators.graph import OperatorGraph
from netgen.operators.schedule import Schedule

if TYPE_CHECKING:
    from amaranth.lib.wiring import Component

__all__ = ["Design", "Payloads", "Simulated"]

Payloads = npt.NDArray[np.uint32]
"""(n, 32-bit words of a payload, lowest first): one row for each sample; bits above the payload are 0."""


@dataclass(frozen=True, eq=False)
class Simulated:
    """The outputs of simulated hardware.

    Attributes:
        scores: (n, n_out) int64.
        classes: (n,) int64; None without arg-max.
    """

    scores: Words
    classes: Words | None


@dataclass(frozen=True, eq=False)
class Design:
    """One piece of hardware as Amaranth component and as Verilog, and the layout of its ports.

    Ports: `clk`, `rst` (synchronous), an input stream `i` and an output stream `o`, in Verilog `i_payload`, `i_valid`,
    `i_ready` and so on. The input payload packs word k of a sample at bits `k * width` upwards. The output payload
    packs the scores likewise; when `class_width` is not 0, the class lies above them.

    Attributes:
        graph: its operators.
        timing: the cycles in which they compute.
        score: format of each score.
        class_width: bits of the class in the output payload; 0 without arg-max.
        component: the Amaranth component, for Amaranth's own simulator.
        verilog: the text of `top.v`, for all other simulators.
    """

    circuit: Circuit
    graph: OperatorGraph
    timing: Schedule
    score: FixedPoint
    class_width: int
    component: "Component"
    verilog: str

    @property
    def assignments(self) -> int:
        """Assignments in the Verilog text, about 1.5 for each operator; those of a function count once."""
        return self.verilog.count(" = ")

    @property
    def latency(self) -> int:
        """Clock cycles from the acceptance of a sample to its valid output, without stalls."""
        return self.timing.latency

    @property
    def input_width(self) -> int:
        """Bits of the input payload."""
        return self.circuit.features * self.circuit.input.width

    @property
    def output_width(self) -> int:
        """Bits of the output payload."""
        return len(self.circuit.scores) * self.score.width + self.class_width

    def pack_inputs(self, inputs: Words) -> Payloads:
        """Pack (n, n_in) int64 words, which must fit the input format, into input payloads."""
        return _payloads_of(_bits_of(inputs, self.circuit.input.width))

    def pack_outputs(self, outputs: Simulated) -> Payloads:
        """Pack scores and classes into output payloads."""
        bits = [_bits_of(outputs.scores, self.score.width)]
        if outputs.classes is not None:
            bits.append(_bits_of(outputs.classes[:, None], self.class_width))
        return _payloads_of(np.concatenate(bits, axis=1))

    def unpack_outputs(self, payloads: Payloads) -> Simulated:
        """Unpack output payloads into scores and classes."""
        bits = np.unpackbits(payloads.astype("<u4").view(np.uint8), axis=1, bitorder="little")
        above = len(self.circuit.scores) * self.score.width
        classes = (
            _words_of(bits[:, above : self.output_width], self.class_width, signed=False) if self.class_width else None
        )
        return Simulated(
            scores=_words_of(bits[:, :above], self.score.width, signed=self.score.signed),
            classes=None if classes is None else classes[:, 0],
        )


Bits = npt.NDArray[np.uint8]


def _bits_of(words: Words, width: int) -> Bits:
    """Convert (n, k) words to (n, k * width) bits, the lowest first."""
    n, k = words.shape
    low = words.astype("<i8")[:, :, None].view(np.uint8)[:, :, : (width + 7) // 8]
    return np.unpackbits(low, axis=2, bitorder="little")[:, :, :width].reshape(n, k * width)


def _words_of(bits: Bits, width: int, *, signed: bool) -> Words:
    """Convert (n, k * width) bits to (n, k) words, the inverse of `_bits_of`."""
    n, total = bits.shape
    weight = np.int64(1) << np.arange(width)
    if signed:
        weight[-1] = -weight[-1]
    words: Words = bits.reshape(n, total // width, width) @ weight
    return words


def _payloads_of(bits: Bits) -> Payloads:
    n, width = bits.shape
    whole = np.zeros((n, -(-width // 32) * 32), dtype=np.uint8)
    whole[:, :width] = bits
    return np.packbits(whole, axis=1, bitorder="little").view("<u4").astype(np.uint32)
