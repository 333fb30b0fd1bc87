"""From circuit and placement to hardware: Amaranth, Verilog and a self-checking testbench."""

from netgen.hdl.emit import design_of, design_with
from netgen.hdl.testbench import testbench_of

__all__ = ["design_of", "design_with", "testbench_of"]
