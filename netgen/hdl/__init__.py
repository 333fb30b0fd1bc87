"""From circuit and placement to hardware: Amaranth, Verilog and a self-checking testbench."""

from netgen.hdl.axis import axis_of
from netgen.hdl.emit import design_of, design_with
from netgen.hdl.testbench import testbench_of

__all__ = ["axis_of", "design_of", "design_with", "testbench_of"]
