"""Hardware from a placed circuit: Amaranth, Verilog, and a self-checking testbench with its vectors."""

from netgen.hdl.axis import axis_of
from netgen.hdl.board import board_program
from netgen.hdl.edits import first_edit
from netgen.hdl.emit import design_of, design_with
from netgen.hdl.testbench import testbench_of
from netgen.hdl.vectors import SAMPLES, Coverage, Vectors, vectors_of

__all__ = [
    "SAMPLES",
    "Coverage",
    "Vectors",
    "axis_of",
    "board_program",
    "design_of",
    "design_with",
    "first_edit",
    "testbench_of",
    "vectors_of",
]
