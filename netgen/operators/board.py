"""A circuit as the program of an FPGA board, and what it exchanges with its host over a serial line."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netgen.ir.fixed import Words
from netgen.operators.design import Design, Simulated

__all__ = ["BoardProgram", "Exchange", "Octets", "answers_of", "bytes_of"]

Octets = npt.NDArray[np.uint8]
"""(n, bytes): a row for each sample."""

BREAK, GREETING = 20, 4
"""Bits for which a break lasts; bytes that answer it."""


@dataclass(frozen=True)
class BoardProgram:
    """A wrapper around `top`, and what its host must know.

    Attributes:
        verilog: the module `board`, with ports `clk`, `rx` and `tx`, which contains `top`.
        hertz: frequency of the clock.
        divider: clock cycles for each bit of the line.
        identity: what it answers to a break, lowest byte first.
        sample_bytes, answer_bytes: of a sample, and of the answer to it.
        window: samples that may be sent and not yet be answered.
    """

    verilog: str
    hertz: int
    divider: int
    identity: int
    sample_bytes: int
    answer_bytes: int
    window: int

    @property
    def baud(self) -> float:
        """Bits in a second, as the clock divides to them."""
        return self.hertz / self.divider


@dataclass(frozen=True, eq=False)
class Exchange:
    """What came back over a serial line.

    Attributes:
        answers: (n, answer_bytes).
        seconds: from the first bit of the first sample to the last answer.
    """

    answers: Octets
    seconds: float


def bytes_of(design: Design, inputs: Words) -> Octets:
    """Pack (n, n_in) int64 words into the bytes of samples."""
    return _rows(design.pack_inputs(inputs), design.input_width)


def answers_of(design: Design, outputs: Simulated) -> Octets:
    """Pack scores and classes into the bytes of answers."""
    return _rows(design.pack_outputs(outputs), design.output_width)


def outputs_of(design: Design, answers: Octets) -> Simulated:
    """Unpack the bytes of answers into scores and classes."""
    whole = np.zeros((len(answers), -(-answers.shape[1] // 4) * 4), dtype=np.uint8)
    whole[:, : answers.shape[1]] = answers
    return design.unpack_outputs(whole.view("<u4").astype(np.uint32))


def _rows(payloads: npt.NDArray[np.uint32], width: int) -> Octets:
    return np.ascontiguousarray(payloads.astype("<u4").view(np.uint8)[:, : -(-width // 8)])
