"""The program of an FPGA board: a wrapper around `top` with a serial line."""

import hashlib
from pathlib import Path
from string import Template

from netgen.errors import SynthError
from netgen.operators.board import BoardProgram
from netgen.operators.design import Design

__all__ = ["board_program"]

LEAST_DIVIDER, MOST_ERROR = 4, 0.02
"""Clock cycles for each bit, and how far the rate may be off: the stop bit is still read in its middle half then."""
STREAMED = 16
"""Samples that may be under way where answers are shorter than samples."""


def board_program(design: Design, *, hertz: int, baud: int) -> BoardProgram:
    """Write the wrapper of a design; its identity is the start of the SHA-256 of `top.v`.

    Args:
        hertz: frequency of the board's clock.
        baud: bits in a second on the line.
    Raises: SynthError, when the clock cannot be divided to the rate.
    """
    divider = round(hertz / baud)
    if divider < LEAST_DIVIDER or abs(hertz / divider / baud - 1) > MOST_ERROR:
        nearest = round(hertz / max(divider, LEAST_DIVIDER))
        raise SynthError(f"baud {baud}: a clock of {hertz / 1e6:g} MHz cannot give it; use {nearest} or 115200")
    inputs, outputs = -(-design.input_width // 8), -(-design.output_width // 8)
    kept = max(outputs, 4)
    identity = int.from_bytes(hashlib.sha256(design.verilog.encode()).digest()[:4], "little")
    verilog = Template((Path(__file__).parent / "board_uart.v").read_text(encoding="utf-8")).substitute(
        divider=divider,
        input_width=design.input_width,
        in_bytes=inputs,
        output_width=design.output_width,
        out_bytes=outputs,
        kept=kept,
        identity=f"{identity:08x}",
        tick_high=(divider - 1).bit_length() - 1,
        count_high=max((inputs - 1).bit_length(), 1) - 1,
        left_high=kept.bit_length() - 1,
    )
    # A sample may follow the last but one only when that is answered, unless answers always end before samples do.
    window = STREAMED if outputs < 0.9 * inputs else 2
    return BoardProgram(verilog, hertz, divider, identity, inputs, outputs, window)
