"""FPGAs: synthesis, place and route, bitstreams, boards and the line to them."""

from netgen.fpga.synthesize import synthesize
from netgen.fpga.targets import TARGETS

__all__ = ["TARGETS", "synthesize"]
